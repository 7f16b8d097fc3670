package gguf

import "sync/atomic"

// readAheadStep is how much is asked for at a time, and what Close may have to
// wait for: two huge pages.
const readAheadStep = 4 << 20

// reading is the work that ReadAhead does in the background.
type reading struct {
	stop atomic.Bool
	done chan struct{}
}

// ReadAhead starts to bring the tensors into memory, in the order of the file,
// and returns at once. Stacks of experts stay out: few of them are used for a
// token. It changes no result and reports nothing: who reads a tensor before its
// turn waits for the disk as if it had not been called. Close ends it. A second
// call does nothing.
func (f *File) ReadAhead() {
	if f.reading != nil {
		return
	}
	r := &reading{done: make(chan struct{})}
	f.reading = r
	tensors := f.tensors
	go func() {
		defer close(r.done)
		for _, t := range tensors {
			if len(t.Shape) < 3 && !r.read(t.Data) {
				return
			}
		}
	}()
}

// read brings data, a slice of a mapping, into memory and says whether to go on.
func (r *reading) read(data []byte) bool {
	for len(data) > 0 {
		if r.stop.Load() {
			return false
		}
		n := min(readAheadStep, len(data))
		if !willNeed(wholePages(data[:n])) {
			return false
		}
		data = data[n:]
	}
	return true
}

// end waits until nothing is read any more.
func (r *reading) end() {
	r.stop.Store(true)
	<-r.done
}
