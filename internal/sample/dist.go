package sample

// draw picks a token by its probability. r is drawn from once, whatever the
// set holds, so that the following picks do not depend on it.
func draw(s *set, r *rng) int32 {
	u := r.float64()
	m := s.maximum()
	if infinite(m) || s.len() == 1 {
		return s.argmax()
	}
	var sum, run float64
	if s.dense {
		for i, l := range s.logits {
			w := weight(l, m)
			s.logits[i] = w
			sum += float64(w)
		}
		goal := sum * u
		for i, w := range s.logits {
			run += float64(w)
			if run >= goal && w > 0 {
				return int32(i)
			}
		}
		return int32(len(s.logits) - 1)
	}
	for i := range s.c {
		w := weight(s.c[i].logit, m)
		s.c[i].p = w
		sum += float64(w)
	}
	goal := sum * u
	for i := range s.c {
		run += float64(s.c[i].p)
		if run >= goal && s.c[i].p > 0 {
			return s.c[i].id
		}
	}
	return s.c[len(s.c)-1].id
}

// drawIndex picks an index by the probabilities that softmax left in c, as
// C++'s std::discrete_distribution does: a single candidate draws nothing.
func drawIndex(c []candidate, r *rng) int {
	if len(c) < 2 {
		return 0
	}
	var sum, run float64
	for i := range c {
		sum += float64(c[i].p)
	}
	u := r.float64()
	for i := range c {
		run += float64(c[i].p) / sum
		if run >= u && c[i].p > 0 {
			return i
		}
	}
	return len(c) - 1
}
