package parallel

import (
	"sync/atomic"
	"testing"
	"time"
)

// simulate gives the pace n runs whose length is that of their workers, and
// returns how many runs each number of workers had.
func simulate(p *pace, n int, took map[int]time.Duration, parks int) map[int]int {
	had := map[int]int{}
	for range n {
		k := p.workers()
		had[k]++
		p.took(took[k], parks)
	}
	return had
}

const ms = time.Millisecond

func TestPaceStaysWhileNobodyParks(t *testing.T) {
	p := newPace(2)
	if had := simulate(&p, 10_000, map[int]time.Duration{1: ms, 2: 10 * ms}, 2); had[2] != 10_000 {
		t.Errorf("runs by workers: %v, want all with 2", had)
	}
}

func TestPaceLeavesAndComesBack(t *testing.T) {
	p := newPace(4)
	idle := map[int]time.Duration{1: 40 * ms, 2: 20 * ms, 3: 14 * ms, 4: 10 * ms}
	busy := map[int]time.Duration{1: 40 * ms, 2: 20 * ms, 3: 60 * ms, 4: 90 * ms}
	if had := simulate(&p, 500, busy, 100); had[2] < 400 {
		t.Errorf("runs by workers on a busy machine: %v, want most with 2", had)
	}
	if simulate(&p, 1000, idle, 0); p.now != 4 {
		t.Errorf("%d workers after an idle while, want 4 again", p.now)
	}
}

func TestPaceTriesSeldomWhatDoesNotHelp(t *testing.T) {
	p := newPace(2)
	if had := simulate(&p, 5000, map[int]time.Duration{1: 18 * ms, 2: 10 * ms}, 100); had[1] > 100 {
		t.Errorf("runs by workers: %v, want few with 1", had)
	}
}

func TestPaceOfOne(t *testing.T) {
	p := newPace(1)
	if had := simulate(&p, 1000, map[int]time.Duration{1: ms}, 100); had[1] != 1000 {
		t.Errorf("runs by workers: %v, want all with 1", had)
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
