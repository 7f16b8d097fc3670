package handles

import (
	"errors"
	"sync"
	"testing"
)

func TestLifeOfAHandle(t *testing.T) {
	var table Table
	h, err := table.Add(1, "one")
	if err != nil || h == 0 {
		t.Fatalf("Add: %#x, %v", h, err)
	}
	if v, err := Get[string](&table, h, 1); err != nil || v != "one" {
		t.Errorf("Get: %q, %v", v, err)
	}
	if _, err := Get[string](&table, h, 2); !errors.Is(err, ErrKind) {
		t.Errorf("Get as another kind: %v, want ErrKind", err)
	}
	if v, err := table.Remove(h); err != nil || v != "one" {
		t.Errorf("Remove: %v, %v", v, err)
	}
	for what, err := range map[string]error{
		"Get":    second(Get[string](&table, h, 1)),
		"Remove": second(table.Remove(h)),
	} {
		if !errors.Is(err, ErrUnknown) {
			t.Errorf("%s of a removed handle: %v, want ErrUnknown", what, err)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestInventedHandles(t *testing.T) {
	var table Table
	h, err := table.Add(1, "one")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []uint64{0, 1, ^uint64(0), h + 1, h + 1<<32, h - 1<<32, h ^ 3<<60, h &^ (1<<60 - 1<<32)} {
		if _, _, err := table.Get(bad); !errors.Is(err, ErrUnknown) {
			t.Errorf("Get(%#x): %v, want ErrUnknown", bad, err)
		}
	}
}

func TestNoNumberTwice(t *testing.T) {
	var table Table
	seen := map[uint64]bool{}
	for range 10_000 {
		h, err := table.Add(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		if seen[h] {
			t.Fatalf("handle %#x came twice", h)
		}
		seen[h] = true
		if _, err := table.Remove(h); err != nil {
			t.Fatal(err)
		}
	}
	// A slot at its last generation is not used again.
	table.slots[0].generation = maxGeneration - 1
	last, err := table.Add(1, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := table.Remove(last); err != nil {
		t.Fatal(err)
	}
	next, err := table.Add(1, nil)
	if err != nil || next&0xffffffff == last&0xffffffff {
		t.Errorf("after generation %d: %#x, %v; want another slot than that of %#x", maxGeneration, next, err, last)
	}
}

func TestTableIsBounded(t *testing.T) {
	var table Table
	for i := range maxSlots {
		if _, err := table.Add(1, nil); err != nil {
			t.Fatalf("handle %d: %v", i, err)
		}
	}
	if _, err := table.Add(1, nil); !errors.Is(err, ErrLimit) {
		t.Errorf("one too many: %v, want ErrLimit", err)
	}
	if n := len(table.All(1)); n != maxSlots {
		t.Errorf("All: %d handles, want %d", n, maxSlots)
	}
}

func TestOnlyOneRemoves(t *testing.T) {
	var table Table
	for range 100 {
		h, err := table.Add(1, nil)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		var removed [8]bool
		for i := range removed {
			wg.Go(func() {
				_, err := table.Remove(h)
				removed[i] = err == nil
			})
		}
		wg.Wait()
		n := 0
		for _, r := range removed {
			if r {
				n++
			}
		}
		if n != 1 {
			t.Fatalf("%d of 8 removed the same handle", n)
		}
	}
}
