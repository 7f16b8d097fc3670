package main

import (
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"happyphonellm/internal/testkit"
)

func benchOnce(t *testing.T, args ...string) benchRow {
	t.Helper()
	r := cli(t, "", append([]string{"bench", "-r", "1", "--no-warmup", "-o", "json"}, args...)...)
	var rows []benchRow
	if err := json.Unmarshal([]byte(r.stdout), &rows); err != nil || r.code != 0 || len(rows) != 1 {
		t.Fatalf("bench: exit code %d, error %v, printed %q, %q", r.code, err, r.stdout, r.stderr)
	}
	return rows[0]
}

// TestAnonymousMemory: the weights stay in the mapped file, so that a process has
// the KV cache and at most 64 MiB of its own.
func TestAnonymousMemory(t *testing.T) {
	for _, c := range []struct {
		model string
		kv    int // numbers that a position keeps: layers x KV heads x 2 x head
	}{
		{"smollm2-q4_1", 30 * 3 * 2 * 64},
		{"smollm2-q8_0", 30 * 3 * 2 * 64},
		{"smollm2-f16", 30 * 3 * 2 * 64},
		{"gemma3-q4_k_m", 18 * 1 * 2 * 256},
	} {
		t.Run(c.model, func(t *testing.T) {
			const tokens = 1024
			row := benchOnce(t, "-m", testkit.Model(t, c.model), "-p", "1024", "-n", "0", "-t", "2")
			limit := 64 + float64(c.kv)*2*tokens/(1<<20)
			t.Logf("%.1f MiB, limit %.1f", row.AnonMiB, limit)
			if row.AnonMiB <= 0 || row.AnonMiB > limit {
				t.Errorf("%.1f MiB of anonymous memory, want at most %.1f", row.AnonMiB, limit)
			}
		})
	}
}

// TestLoadTime: a model in the page cache gives its first logits within 100 ms, a
// vocabulary of 262,144 included. The best of several loads counts, since other
// tests may run.
func TestLoadTime(t *testing.T) {
	for _, model := range []string{"gemma3-q4_k_m", "smollm2-q4_1"} {
		t.Run(model, func(t *testing.T) {
			path := testkit.Model(t, model)
			best := math.Inf(1)
			for range 12 {
				row := benchOnce(t, "-m", path, "-p", "0", "-n", "1")
				best = min(best, row.LoadMS+float64(row.AvgNS)/1e6)
			}
			t.Logf("first logits after %.1f ms", best)
			if best > 100 {
				t.Errorf("first logits after %.1f ms, want at most 100", best)
			}
		})
	}
}

// What is read whole is bounded: a device has no end.
func TestInputsWithoutEnd(t *testing.T) {
	const endless = "/dev/zero"
	if _, err := os.Stat(endless); err != nil {
		t.Skipf("SKIPPED: this system has no %s: %v", endless, err)
	}
	model, messages := tinyModel{}.write(t), filepath.Join(t.TempDir(), "messages.json")
	if err := os.WriteFile(messages, []byte(`[{"role": "user", "content": "x"}]`), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"edit", model, "--chat-template", endless},
		{"template", "--template", endless, "--messages", messages},
		{"template", "-m", model, "--messages", endless},
		{"convert", "--config", endless},
	} {
		bad(t, cli(t, "", args...), 1, endless, "more than")
	}
}
