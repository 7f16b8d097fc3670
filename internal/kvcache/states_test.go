package kvcache

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

// run is a pass of n tokens whose state counts them: layer 0 by ones, layer 2 by twos.
func run(c *Cache, n int) {
	for _, l := range []int{0, 2} {
		before, after := c.State(l)
		for i := range after {
			after[i] = before[i] + float32(n*(l/2+1))
		}
	}
	c.Advance(n)
}

func recurrentCache(t *testing.T) *Cache {
	t.Helper()
	c, err := New(quant.F16, 1<<20, []Shape{{State: 3}, {}, {Heads: 1, KeyDim: 4, ValueDim: 4, State: 2}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func wantState(t *testing.T, c *Cache, n int) {
	t.Helper()
	first, _ := c.State(0)
	second, _ := c.State(2)
	f := float32(n)
	if d := cmp.Diff([][]float32{{f, f, f}, {2 * f, 2 * f}}, [][]float32{first, second}); c.Len() != n || d != "" {
		t.Fatalf("length %d, want %d; states %s", c.Len(), n, d)
	}
}

func TestTruncateGoesBackToACheckpoint(t *testing.T) {
	c := recurrentCache(t)
	run(c, 10)
	c.Checkpoint()
	c.Checkpoint() // twice is once
	run(c, 5)
	run(c, 1)
	wantState(t, c, 16)
	for _, step := range []struct{ to, kept int }{{16, 16}, {15, 10}, {10, 10}, {9, 0}} {
		if err := c.Truncate(step.to); err != nil {
			t.Fatal(err)
		}
		wantState(t, c, step.kept)
		run(c, 20)
		wantState(t, c, step.kept+20)
		if err := c.Truncate(step.kept); err != nil {
			t.Fatal(err)
		}
		run(c, max(0, 10-c.Len()))
		c.Checkpoint()
		run(c, 6)
		wantState(t, c, 16)
	}
}

// A pass that ended early has written something, but is no part of the cache.
func TestAPassThatFailsLeavesTheState(t *testing.T) {
	c := recurrentCache(t)
	run(c, 3)
	_, after := c.State(0)
	after[1] = 99
	wantState(t, c, 3)
	run(c, 2)
	wantState(t, c, 5)
}

func TestCheckpointsAreBoundedAndSpread(t *testing.T) {
	c := recurrentCache(t)
	for range 1000 {
		run(c, 100)
	}
	if n := len(c.states.saved); n != maxCheckpoints {
		t.Fatalf("%d checkpoints, want %d", n, maxCheckpoints)
	}
	// Wherever a context is cut, what is left is not much less.
	last := 0
	for _, s := range c.states.saved {
		if gap := s.n - last; gap > 100000/2 {
			t.Errorf("no checkpoint between %d and %d of 100000 tokens", last, s.n)
		}
		last = s.n
	}
	if last < 100000-checkpointEvery {
		t.Errorf("the last checkpoint is at %d of 100000 tokens", last)
	}
	for n := 100000; n > 0; n -= 777 {
		if err := c.Truncate(min(n, c.Len())); err != nil {
			t.Fatal(err)
		}
		wantState(t, c, c.Len())
	}
}

func TestStateMemoryIsCounted(t *testing.T) {
	for _, size := range []int{0, 5, 1 << 21, 1 << 24} {
		shapes := []Shape{{State: size}, {}}
		c, err := New(quant.F16, 8, shapes)
		if err != nil {
			t.Fatal(err)
		}
		got := int64(4 * (len(c.states.now) + len(c.states.next)))
		for _, s := range c.states.spare {
			got += int64(4 * len(s))
		}
		if got != StateBytes(shapes) || got != c.Bytes() {
			t.Errorf("a state of %d numbers takes %d bytes, StateBytes says %d, Bytes %d", size, got, StateBytes(shapes), c.Bytes())
		}
		if extra := got - 8*int64(size); extra > max(checkpointBytes, int64(4*minCheckpoints*size)) {
			t.Errorf("checkpoints of a state of %d numbers take %d bytes", size, extra)
		}
	}
	if _, err := New(quant.F16, 8, []Shape{{State: -1}}); err == nil {
		t.Error("a state of -1 numbers was accepted")
	}
}
