package sample

import (
	"cmp"
	"math"
	"slices"
)

// typical keeps the tokens whose surprise is nearest to the expected one (the
// entropy), until they hold p of the probability, at least keep of them
// (Meister et al. 2022, arXiv:2202.00666). They stay in that order.
func typical(s *set, p float32, keep int) {
	c := s.order()
	softmax(c)
	h := entropy(c)
	for i := range c {
		// A probability of 0 is infinitely surprising: it comes last.
		c[i].score = float32(math.Abs(-log64(float64(c[i].p)) - h))
	}
	slices.SortFunc(c, func(a, b candidate) int {
		if d := cmp.Compare(a.score, b.score); d != 0 {
			return d
		}
		return falling(a, b)
	})
	s.sorted = false
	var sum float64
	for i := range c {
		sum += float64(c[i].p)
		if sum > float64(p) && i+1 >= keep {
			s.c = c[:i+1]
			return
		}
	}
}

// entropy is the entropy of the probabilities of c, in nats.
func entropy(c []candidate) float64 {
	var h float64
	for i := range c {
		if p := float64(c[i].p); p > 0 {
			h -= float64(p * log64(p))
		}
	}
	return h
}
