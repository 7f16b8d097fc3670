// Package handles is the one table of the numbers that hosts hold instead of
// pointers.
//
// It knows neither C nor what the values are. It does not free them.
package handles

import (
	"errors"
	"math"
	"sync"
)

// Kind says what a handle stands for, 1 to 15.
type Kind uint8

var (
	// ErrUnknown is returned for a number that is no handle, or not any more.
	ErrUnknown = errors.New("no such handle")
	// ErrKind is returned for a handle of another kind.
	ErrKind = errors.New("a handle of another kind")
	// ErrLimit is returned when the table is full.
	ErrLimit = errors.New("too many handles")
)

// A handle is, from the highest bit: kind (4 bits), generation (28), index (32).
// Generations begin at 1 and a slot whose generations are used up stays empty,
// so that no number is ever used twice.
const (
	maxSlots      = 1 << 16
	maxGeneration = 1<<28 - 1
)

// Table maps handles to values. It may be used from any number of goroutines;
// its zero value is empty.
type Table struct {
	mu    sync.RWMutex
	slots []slot
	free  []uint32 // indexes
}

type slot struct {
	generation uint32
	kind       Kind // 0: empty
	value      any
}

// Add gives value a new handle.
func (t *Table) Add(kind Kind, value any) (uint64, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	var i uint32
	switch {
	case len(t.free) > 0:
		i = t.free[len(t.free)-1]
		t.free = t.free[:len(t.free)-1]
	case len(t.slots) < maxSlots:
		i = uint32(len(t.slots))
		t.slots = append(t.slots, slot{})
	default:
		return 0, ErrLimit
	}
	s := &t.slots[i]
	s.generation++
	s.kind, s.value = kind, value
	return uint64(kind)<<60 | uint64(s.generation)<<32 | uint64(i), nil
}

// find returns the handle's slot; nil if there is none. t.mu is held.
func (t *Table) find(handle uint64) *slot {
	i := handle & math.MaxUint32
	if i >= uint64(len(t.slots)) {
		return nil
	}
	s := &t.slots[i]
	if s.kind == 0 || uint64(s.kind)<<60|uint64(s.generation)<<32|i != handle {
		return nil
	}
	return s
}

// Get returns a handle's value and kind.
func (t *Table) Get(handle uint64) (any, Kind, error) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	s := t.find(handle)
	if s == nil {
		return nil, 0, ErrUnknown
	}
	return s.value, s.kind, nil
}

// Get returns the value of a handle that must be of the kind and hold a T.
func Get[T any](t *Table, handle uint64, kind Kind) (T, error) {
	var zero T
	value, k, err := t.Get(handle)
	if err != nil {
		return zero, err
	}
	if k != kind {
		return zero, ErrKind
	}
	return value.(T), nil
}

// Remove makes the handle unknown and returns its value: to one caller only.
func (t *Table) Remove(handle uint64) (any, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.find(handle)
	if s == nil {
		return nil, ErrUnknown
	}
	value := s.value
	s.kind, s.value = 0, nil
	if s.generation < maxGeneration {
		t.free = append(t.free, uint32(handle&math.MaxUint32))
	}
	return value, nil
}

// All lists the handles of a kind.
func (t *Table) All(kind Kind) []uint64 {
	t.mu.RLock()
	defer t.mu.RUnlock()
	var all []uint64
	for i, s := range t.slots {
		if s.kind == kind {
			all = append(all, uint64(s.kind)<<60|uint64(s.generation)<<32|uint64(i))
		}
	}
	return all
}
