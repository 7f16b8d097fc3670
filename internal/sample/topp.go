package sample

// topP keeps the fewest of the most probable tokens that hold p of the
// probability together, at least keep of them (Holtzman et al. 2019,
// arXiv:1904.09751).
func topP(s *set, p float32, keep int) {
	if s.dense && topPDense(s, p, keep) {
		return
	}
	softmax(s.list()) // before it is sorted: see nucleus
	c := s.order()
	s.c = c[:nucleus(c, p, keep)]
}

// nucleus counts the candidates that topP keeps. Its sum, and the one that the
// probabilities were divided by, are float32 and in llama.cpp's order: where
// thousands of tokens make up p, the rounding decides which is the last.
func nucleus(c []candidate, p float32, keep int) int {
	var sum float32
	for i := range c {
		sum += c[i].p
		if sum >= p && i+1 >= keep {
			return i + 1
		}
	}
	return len(c)
}

// topPDense looks for the nucleus among the best few hundred, then the best
// few thousand: sorting a whole vocabulary costs more than all of it. It
// reports false, and changes nothing, where those are not enough.
func topPDense(s *set, p float32, keep int) bool {
	m := s.maximum()
	if infinite(m) {
		return false
	}
	var sum float32
	for _, l := range s.logits {
		sum += weight(l, m)
	}
	for k := 256; 8*k <= len(s.logits); k *= 8 {
		c := s.top(k)
		for i := range c {
			c[i].p = weight(c[i].logit, m) / sum
		}
		if n := nucleus(c, p, keep); n < k {
			s.keep(c[:n], true)
			return true
		}
	}
	return false
}
