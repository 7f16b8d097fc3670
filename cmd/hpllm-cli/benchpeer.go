package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// benchPeer is llama-bench, or what takes its flags, measured in turn with us.
type benchPeer struct{ command []string }

// newBenchPeer finds the program that --vs names; nil for none.
func newBenchPeer(command string) (*benchPeer, error) {
	words := strings.Fields(command)
	if len(words) == 0 {
		return nil, nil
	}
	path, err := exec.LookPath(words[0])
	if err != nil {
		return nil, fmt.Errorf("--vs %s: %w", command, err)
	}
	words[0] = path
	return &benchPeer{words}, nil
}

// once is the speed of one repetition of the row, in tokens per second.
func (p *benchPeer) once(r *benchRow, warmup bool) (float64, error) {
	args := append(slices.Clone(p.command[1:]),
		"-m", r.File, "-t", strconv.Itoa(r.Threads), "-r", "1", "-o", "json",
		"-p", strconv.Itoa(r.Prompt), "-n", strconv.Itoa(r.Gen), "-d", strconv.Itoa(r.Depth))
	if !warmup {
		args = append(args, "--no-warmup")
	}
	out, err := exec.Command(p.command[0], args...).Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			err = fmt.Errorf("%w: %s", err, lastLine(exit.Stderr))
		}
		return 0, fmt.Errorf("%s: %w", p.command[0], err)
	}
	var rows []struct {
		AvgTS float64 `json:"avg_ts"`
	}
	if err := json.Unmarshal(out, &rows); err != nil || len(rows) != 1 || !(rows[0].AvgTS > 0) {
		return 0, fmt.Errorf("%s printed no row of llama-bench's JSON", p.command[0])
	}
	return rows[0].AvgTS, nil
}

func lastLine(text []byte) string {
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return lines[len(lines)-1]
}

// median of a sample that is not empty.
func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}
