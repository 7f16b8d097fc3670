package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestBenchInTurn takes the program itself as its peer: it has llama-bench's
// flags and fields.
func TestBenchInTurn(t *testing.T) {
	model := tinyModel{}.write(t)
	profile := filepath.Join(t.TempDir(), "cpu.pprof")
	r := ok(t, "", "bench", "-m", model, "-t", "1", "-p", "8", "-n", "4", "-d", "16", "-r", "2", "-o", "json",
		"--vs", program+" bench", "--profile", profile)
	var rows []benchRow
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil {
		t.Fatalf("%v\n%s", err, r.stdout)
	}
	if len(rows) != 2 || rows[0].test() != "pp8 @ d16" || rows[1].test() != "tg4 @ d16" {
		t.Fatalf("rows %s", r.stdout)
	}
	for _, row := range rows {
		if len(row.PeerTS) != 2 || !(row.Ratio > 0) {
			t.Errorf("%s: the peer's %v, ratio %v", row.test(), row.PeerTS, row.Ratio)
		}
	}
	if info, err := os.Stat(profile); err != nil || info.Size() == 0 {
		t.Errorf("no profile: %v", err)
	}
	md := ok(t, "", "bench", "-m", model, "-t", "1", "-p", "8", "-n", "0", "-r", "1", "--vs", program+" bench").stdout
	if !strings.Contains(md, "peer t/s") || !strings.Contains(md, "x |") {
		t.Errorf("md:\n%s", md)
	}
}
