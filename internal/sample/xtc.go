package sample

// xtc, "exclude top choices" (p-e-w 2024), with the given chance drops every
// token that reaches the threshold but the least probable of those, unless
// fewer than keep would stay. r draws once per call that is not off.
func xtc(s *set, chance, threshold float32, keep int, r *rng) {
	if s.len() < 2 || r.float32() > chance {
		return
	}
	c := s.order()
	softmax(c)
	last := 0
	for last+1 < len(c) && c[last].p >= threshold && c[last+1].p >= threshold {
		last++
	}
	if last > 0 && len(c)-last >= keep {
		s.c = c[last:]
	}
}
