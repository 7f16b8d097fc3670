package parallel

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestSharesOfNeighbours: a worker goes through its own part in order, and helps
// another from the end of that one's.
func TestSharesOfNeighbours(t *testing.T) {
	team := New(2)
	defer team.Close()
	var got [2][]int
	var begun, helped atomic.Bool
	err := team.Run(nil, func(w *Worker) {
		for i := range w.Tiles(9) {
			got[w.ID()] = append(got[w.ID()], i)
			switch w.ID() {
			case 0:
				for !begun.Load() {
					runtime.Gosched()
				}
				helped.Store(i == 5)
			case 1:
				begun.Store(true)
				for !helped.Load() {
					runtime.Gosched()
				}
			}
		}
	})
	want := [2][]int{{0, 1, 2, 3, 8, 7, 6, 5}, {4}}
	if err != nil || !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
		t.Errorf("tiles of the workers: %v, want %v; error %v", got, want, err)
	}
}

func TestEveryTileGoesToOneWorker(t *testing.T) {
	for _, n := range []int{1, 2, 3, 8} {
		team := New(n)
		defer team.Close()
		for _, tiles := range []int{0, 1, 2, 7, 1000} {
			var first, second [1000]atomic.Int32
			err := team.Run(nil, func(w *Worker) {
				for i := range w.Tiles(tiles) {
					first[i].Add(1)
				}
				for i := range w.Tiles(tiles) {
					second[i].Add(1)
				}
			})
			if err != nil {
				t.Fatal(err)
			}
			for i := range 1000 {
				want := int32(0)
				if i < tiles {
					want = 1
				}
				if first[i].Load() != want || second[i].Load() != want {
					t.Fatalf("%d workers, %d tiles: tile %d ran %d and %d times", n, tiles, i, first[i].Load(), second[i].Load())
				}
			}
		}
	}
}

func TestBarrierSeparatesPhases(t *testing.T) {
	const phases = 2000
	for _, n := range []int{1, 2, 3, 5} {
		team := New(n)
		defer team.Close()
		seen := make([]int, n) // plain ints: the race detector checks the barrier too
		err := team.Run(nil, func(w *Worker) {
			for p := range phases {
				seen[w.ID()] = p
				w.Barrier()
				for i, s := range seen {
					if s != p {
						t.Errorf("worker %d in phase %d sees worker %d in phase %d", w.ID(), p, i, s)
					}
				}
				w.Barrier()
			}
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestTilesStartAgainAfterBarrier(t *testing.T) {
	team := New(2)
	defer team.Close()
	var sum atomic.Int64
	err := team.Run(nil, func(w *Worker) {
		for range 100 {
			for i := range w.Tiles(10) {
				sum.Add(int64(i))
			}
			w.Barrier()
		}
	})
	if err != nil || sum.Load() != 4500 {
		t.Fatalf("sum %d, error %v; want 4500", sum.Load(), err)
	}
}

func TestStopLeavesEverywhere(t *testing.T) {
	for _, n := range []int{1, 2, 4} {
		team := New(n)
		defer team.Close()
		var stop atomic.Bool
		time.AfterFunc(5*time.Millisecond, func() { stop.Store(true) })
		begin := time.Now()
		err := team.Run(&stop, func(w *Worker) {
			for {
				for range w.Tiles(3) {
					runtime.Gosched()
				}
				w.Barrier()
			}
		})
		if !errors.Is(err, ErrStopped) {
			t.Fatalf("%d workers: error %v, want ErrStopped", n, err)
		}
		if d := time.Since(begin); d > 5*time.Second {
			t.Fatalf("%d workers: stopped after %v", n, d)
		}
		stop.Store(false)
		if err := team.Run(&stop, func(w *Worker) { w.Barrier() }); err != nil {
			t.Fatalf("run after a stop: %v", err)
		}
	}
}

func TestPanicComesBackAsError(t *testing.T) {
	cause := errors.New("cause")
	for _, guilty := range []int{0, 1, 2} {
		team := New(3)
		defer team.Close()
		err := team.Run(nil, func(w *Worker) {
			if w.ID() == guilty {
				panic(cause)
			}
			w.Barrier()
		})
		var p *PanicError
		if !errors.As(err, &p) || !errors.Is(err, cause) || len(p.Stack) == 0 {
			t.Fatalf("worker %d panicked: error %v", guilty, err)
		}
		if err := team.Run(nil, func(w *Worker) { w.Barrier() }); err != nil {
			t.Fatalf("run after a panic: %v", err)
		}
	}
}

func TestParkedWorkersWake(t *testing.T) {
	team := New(3)
	defer team.Close()
	for range 5 {
		time.Sleep(2 * time.Millisecond) // all workers park between runs
		err := team.Run(nil, func(w *Worker) {
			if w.ID() == 1 {
				time.Sleep(2 * time.Millisecond) // the others park at the barrier
			}
			w.Barrier()
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestRunsFromSeveralGoroutinesTakeTurns(t *testing.T) {
	team := New(2)
	defer team.Close()
	inside := 0 // guarded by the team
	var callers sync.WaitGroup
	for range 4 {
		callers.Go(func() {
			for range 200 {
				if err := team.Run(nil, func(w *Worker) {
					if w.ID() == 0 {
						inside++
					}
					w.Barrier()
				}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	callers.Wait()
	if inside != 800 {
		t.Fatalf("%d runs counted, want 800", inside)
	}
}

func TestCloseEndsGoroutines(t *testing.T) {
	before := runtime.NumGoroutine()
	for range 20 {
		team := New(4)
		if err := team.Run(nil, func(w *Worker) { w.Barrier() }); err != nil {
			t.Fatal(err)
		}
		team.Close()
		team.Close()
	}
	for deadline := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines before, %d after", before, runtime.NumGoroutine())
		}
		time.Sleep(time.Millisecond)
	}
}

func TestRunAllocatesNothing(t *testing.T) {
	team := New(2)
	defer team.Close()
	total := make([]int, 2)
	work := func(w *Worker) {
		for range 3 {
			for i := range w.Tiles(10) {
				total[w.ID()] += i
			}
			w.Barrier()
		}
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := team.Run(nil, work); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per run, want 0", n)
	}
}

func BenchmarkBarrier(b *testing.B) {
	for _, n := range []int{1, 2, 3, 4} {
		b.Run(string(rune('0'+n)), func(b *testing.B) {
			team := New(n)
			defer team.Close()
			rounds := b.N
			if err := team.Run(nil, func(w *Worker) {
				for range rounds {
					w.Barrier()
				}
			}); err != nil {
				b.Fatal(err)
			}
		})
	}
}
