package parallel

import "sync/atomic"

// share counts the tiles of one worker's share of a loop that are taken: those from
// its front in the lower half, by the worker, those from its end above, by others.
type share struct {
	n atomic.Uint64
	_ [56]byte
}

// take takes one of a share's size tiles, counted from its front; false: none is left.
func (s *share) take(size int, front bool) (int, bool) {
	for {
		old := s.n.Load()
		first, last := int(uint32(old)), int(old>>32)
		switch {
		case first+last >= size:
			return 0, false
		case front && s.n.CompareAndSwap(old, old+1):
			return first, true
		case !front && s.n.CompareAndSwap(old, old+1<<32):
			return size - 1 - last, true
		}
	}
}

// resetShares makes the tiles of the first loops whole again.
func (t *Team) resetShares(loops int) {
	for i := range loops {
		for j := range t.active {
			t.shares[i*len(t.workers)+j].n.Store(0)
		}
	}
}
