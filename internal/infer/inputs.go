package infer

import (
	"sync"

	"happyphonellm/internal/kernels"
)

// MatrixInput is what a weight matrix is multiplied with.
type MatrixInput struct {
	Tensor string
	Part   int // of a stack of matrices (experts): which one
	Parts  int // how many there are; 1: no stack
	X      []float32
}

// WatchInputs has f called with every input of every weight matrix, token by
// token, in the calls that follow; nil ends it. f is called by one goroutine at a
// time, in no fixed order, and may keep X only until it returns. Matrices that share
// a tensor (queries, keys and values of some architectures) count as one.
// Computing is slower meanwhile.
func (s *Session) WatchInputs(f func(MatrixInput)) error {
	if err := s.begin(); err != nil {
		return err
	}
	defer s.end()
	if f == nil {
		s.state.Watch(nil)
		return nil
	}
	type part struct {
		name        string
		part, parts int
	}
	parts := map[*byte]part{}
	for _, t := range s.engine.file.Tensors() {
		if len(t.Shape) < 2 || len(t.Data) == 0 {
			continue
		}
		n := 1
		for _, d := range t.Shape[2:] {
			n *= d
		}
		for i := range n {
			parts[&t.Data[i*(len(t.Data)/n)]] = part{t.Name, i, n}
		}
	}
	var one sync.Mutex
	s.state.Watch(func(first *byte, x *kernels.Acts) {
		is, ok := parts[first]
		if !ok {
			return // rows that are not the first
		}
		one.Lock()
		defer one.Unlock()
		for t := range x.N {
			f(MatrixInput{is.name, is.part, is.parts, x.Row(t)})
		}
	})
	return nil
}
