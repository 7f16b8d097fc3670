package sample

import "slices"

// topK keeps the k most probable tokens, in order.
func topK(s *set, k int) {
	k = min(k, s.len())
	switch {
	case s.dense && k < len(s.logits):
		s.keep(s.top(k), true)
	case s.sorted || k == s.len():
		s.order()
		s.c = s.c[:k]
	default:
		// The same selection as set.top, in place.
		best := s.c[:k]
		heapify(best)
		for _, c := range s.c[k:] {
			if falling(c, best[0]) < 0 {
				best[0] = c
				sink(best, 0)
			}
		}
		slices.SortFunc(best, falling)
		s.keep(best, true)
	}
}
