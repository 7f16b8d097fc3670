package sample

import "math"

// adaptive, "adaptive-p" (MrJackSpade 2025), prefers tokens whose probability
// is near a target, and moves that target against the average of what it
// picked. It picks the token itself.
type adaptive struct {
	target, decay float32
	sum, weight   float32 // of the probabilities picked, older ones decayed
	picked        int32   // waits for accept; -1: none
	p             float32 // its probability
	rng           rng
}

// The shape of the preference: quadratic near the target, linear far from it.
const (
	adaptiveWidth = 0.3
	adaptivePeak  = 5
	adaptiveSharp = 10
)

func newAdaptive(p *Params) *adaptive {
	return &adaptive{target: p.AdaptiveTarget, decay: min(p.AdaptiveDecay, 0.99)}
}

func (a *adaptive) reset(seed uint32) {
	a.sum = a.target / (1 - a.decay)
	a.weight = 1 / (1 - a.decay)
	a.picked = -1
	a.rng.seed(seed)
}

func (a *adaptive) pick(s *set) int32 {
	c := s.list()
	softmax(c)
	if a.target < 0 {
		return c[drawIndex(c, &a.rng)].id
	}
	goal := min(max(2*a.target-a.sum/a.weight, 0), 1)
	ban := float32(math.Inf(-1))
	for i := range c {
		c[i].score = c[i].p
		if c[i].logit > ban {
			d := (c[i].p - goal) * (1 / float32(adaptiveWidth))
			d = max(d, -d)
			c[i].logit = adaptivePeak - adaptiveSharp*d*d/(1+d)
		}
	}
	softmax(c)
	i := drawIndex(c, &a.rng)
	a.picked, a.p = c[i].id, c[i].score
	return c[i].id
}

func (a *adaptive) accept(id int32) {
	if id == a.picked {
		a.sum = a.p + float32(a.decay*a.sum)
		a.weight = 1 + float32(a.decay*a.weight)
	}
	a.picked = -1
}
