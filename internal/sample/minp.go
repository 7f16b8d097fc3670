package sample

// minP keeps the tokens that are at least p times as probable as the most
// probable one, at least keep of them.
func minP(s *set, p float32, keep int) {
	// p_i >= p p_max  is  l_i >= l_max + log p.
	least := s.maximum() + float32(log64(float64(p)))
	if s.dense {
		n := 0
		for _, l := range s.logits {
			if l >= least {
				n++
			}
		}
		if n > 0 && n >= keep {
			c := s.room(n)
			for i, l := range s.logits {
				if l >= least {
					c = append(c, candidate{id: int32(i), logit: l})
				}
			}
			s.keep(c, false)
			return
		}
	}
	c := s.list()
	n := 0
	for i := range c {
		if c[i].logit >= least {
			n++
		}
	}
	if want := min(max(keep, 1), len(c)); n < want {
		topK(s, want)
		return
	}
	kept := c[:0]
	for _, x := range c {
		if x.logit >= least {
			kept = append(kept, x)
		}
	}
	s.c = kept
}
