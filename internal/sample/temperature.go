package sample

import "math"

// temperature divides the logits by t; t = 0 bans all but the largest, the
// first of equals.
func temperature(s *set, t float32) {
	if t <= 0 {
		best := s.argmax()
		ban := float32(math.Inf(-1))
		for i := range s.len() {
			if s.dense && int32(i) != best || !s.dense && s.c[i].id != best {
				s.put(i, ban)
			}
		}
		return
	}
	if s.dense {
		for i := range s.logits {
			s.logits[i] /= t
		}
		return
	}
	for i := range s.c {
		s.c[i].logit /= t
	}
}

// dynamicTemperature takes a temperature between t-span and t+span that grows
// with the entropy of the candidates, relative to the largest they could have
// (Zhu et al. 2023, arXiv:2309.02772).
func dynamicTemperature(s *set, t, span, exponent float32) {
	low, high := max(0, t-span), t+span
	if s.len() < 2 {
		return
	}
	c := s.order()
	softmax(c)
	h := entropy(c) / log64(float64(len(c)))
	var share float64
	switch {
	case h > 0:
		share = pow64(h, float64(exponent))
	case exponent == 0:
		share = 1
	case exponent < 0:
		share = math.Inf(1)
	}
	temperature(s, low+float32(float64(high-low)*share))
}
