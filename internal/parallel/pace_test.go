package parallel

import (
	"sync/atomic"
	"testing"
	"time"
)

// simulate gives the pace n runs whose length is that of their workers, who wait for
// a part of it, and returns how many runs each number of workers had.
func simulate(p *pace, n int, took map[int]time.Duration, waiting float64) map[int]int {
	had := map[int]int{}
	for i := range n {
		k, work := p.workers(0), i%3+1
		had[k]++
		d := took[k] * time.Duration(work)
		p.took(0, d, time.Duration(waiting*float64(d)*float64(k-1)), work)
	}
	return had
}

const ms = time.Millisecond

func TestPaceStaysWhileNobodyWaits(t *testing.T) {
	p := newPace(2)
	if had := simulate(&p, 10_000, map[int]time.Duration{1: ms, 2: 10 * ms}, 0.1); had[2] != 10_000 {
		t.Errorf("runs by workers: %v, want all with 2", had)
	}
}

func TestPaceLeavesAndComesBack(t *testing.T) {
	p := newPace(4)
	idle := map[int]time.Duration{1: 40 * ms, 2: 20 * ms, 3: 14 * ms, 4: 10 * ms}
	busy := map[int]time.Duration{1: 40 * ms, 2: 20 * ms, 3: 60 * ms, 4: 90 * ms}
	if had := simulate(&p, 500, busy, 0.4); had[2] < 400 {
		t.Errorf("runs by workers on a busy machine: %v, want most with 2", had)
	}
	if simulate(&p, 1000, idle, 0); p.now != 4 {
		t.Errorf("%d workers after an idle while, want 4 again", p.now)
	}
}

func TestPaceTriesSeldomWhatDoesNotHelp(t *testing.T) {
	p := newPace(2)
	if had := simulate(&p, 5000, map[int]time.Duration{1: 18 * ms, 2: 10 * ms}, 0.4); had[1] > 100 {
		t.Errorf("runs by workers: %v, want few with 1", had)
	}
}

func TestPaceOfOne(t *testing.T) {
	p := newPace(1)
	for range 1000 {
		if n := p.workers(0); n != 1 {
			t.Fatalf("%d workers, want 1", n)
		}
		p.took(0, ms, ms, 1)
	}
}

// TestPaceOfTwoKinds: a run of the other kind ends a trial, and what runs of one kind
// find holds for both.
func TestPaceOfTwoKinds(t *testing.T) {
	p := newPace(2)
	for range firstWait {
		p.took(1, 90*ms, 80*ms, 1)
	}
	if p.workers(1) != 1 || p.workers(0) != 2 {
		t.Fatalf("workers after %d crowded runs: %d and of the other kind %d, want a trial of the first", firstWait, p.workers(1), p.workers(0))
	}
	p.took(0, 9*ms, 8*ms, 1)
	if p.workers(1) != 2 {
		t.Errorf("the trial goes on after a run of the other kind")
	}
	simulate(&p, firstWait+trialRuns, map[int]time.Duration{1: 5 * ms, 2: 9 * ms}, 0.8)
	if p.workers(0) != 1 || p.workers(1) != 1 {
		t.Errorf("workers: %d and %d, want 1 for both", p.workers(0), p.workers(1))
	}
}

// TestRunsOfFewerWorkers changes the number from run to run, with workers spinning,
// parked and on their way.
func TestRunsOfFewerWorkers(t *testing.T) {
	team := New(4)
	defer team.Close()
	for i := range 600 {
		n := i*7%4 + 1
		var ran, tiles atomic.Int32
		err := team.runOn(n, nil, func(w *Worker) {
			if w.Size() != n || w.ID() >= n {
				t.Errorf("run %d: worker %d of %d, want %d workers", i, w.ID(), w.Size(), n)
			}
			ran.Add(1)
			w.Barrier()
			if got := ran.Load(); got != int32(n) {
				t.Errorf("run %d: %d workers before the barrier, want %d", i, got, n)
			}
			for range w.Tiles(9) {
				tiles.Add(1)
			}
			w.Barrier()
		})
		if err != nil || tiles.Load() != 9 {
			t.Fatalf("run %d on %d workers: %d tiles, error %v", i, n, tiles.Load(), err)
		}
		if i%100 == 0 {
			time.Sleep(ms) // all park
		}
	}
}
