package sample

import (
	"cmp"
	"math"
	"slices"
)

// candidate is a token still in the race.
type candidate struct {
	id    int32
	logit float32
	p     float32 // set by softmax
	score float32 // a sampler's own use
}

// set is the tokens still in the race. It starts dense: every token, its logit
// at logits[id]. The first stage that needs a list makes one; a stage that
// keeps few (top-k first of all) never writes the full list.
//
// NaN counts as -Inf everywhere.
type set struct {
	logits []float32 // the caller's scratch
	dense  bool
	c      []candidate // while not dense
	sorted bool        // c is in order
	buf    []candidate // backing store, kept between tokens
}

func (s *set) reset(logits []float32) {
	s.logits, s.dense, s.sorted, s.c = logits, true, false, nil
}

func (s *set) len() int {
	if s.dense {
		return len(s.logits)
	}
	return len(s.c)
}

// at and put read and write the i-th logit.
func (s *set) at(i int) float32 {
	if s.dense {
		return s.logits[i]
	}
	return s.c[i].logit
}

func (s *set) put(i int, l float32) {
	if s.dense {
		s.logits[i] = l
	} else {
		s.c[i].logit = l
	}
}

// room returns an empty list with capacity n.
func (s *set) room(n int) []candidate {
	if cap(s.buf) < n {
		s.buf = make([]candidate, 0, n)
	}
	return s.buf[:0]
}

// keep makes c the set.
func (s *set) keep(c []candidate, sorted bool) {
	s.c, s.dense, s.sorted = c, false, sorted
}

// list leaves the dense form.
func (s *set) list() []candidate {
	if s.dense {
		c := s.room(len(s.logits))
		for i, l := range s.logits {
			c = append(c, candidate{id: int32(i), logit: number(l)})
		}
		s.keep(c, false)
	}
	return s.c
}

// order sorts the list: logits falling, equal ones by rising id.
func (s *set) order() []candidate {
	c := s.list()
	if !s.sorted {
		slices.SortFunc(c, falling)
		s.sorted = true
	}
	return c
}

// top returns the k best of a dense set in order, in the set's buffer; the set
// itself is unchanged. k is at most the number of tokens.
func (s *set) top(k int) []candidate {
	c := s.room(k)
	for i, l := range s.logits[:k] {
		c = append(c, candidate{id: int32(i), logit: number(l)})
	}
	heapify(c)
	worst := c[0].logit
	for i, l := range s.logits[k:] {
		if l > worst {
			c[0] = candidate{id: int32(k + i), logit: l}
			sink(c, 0)
			worst = c[0].logit
		}
	}
	slices.SortFunc(c, falling)
	return c
}

// maximum is the largest logit, -Inf when there is none.
func (s *set) maximum() float32 {
	if s.dense {
		return number(s.logits[argmax(s.logits)])
	}
	top := float32(math.Inf(-1))
	for i := range s.c {
		top = max(top, s.c[i].logit)
	}
	return top
}

// argmax is the token with the largest logit, the first of equals.
func (s *set) argmax() int32 {
	if s.dense {
		return int32(argmax(s.logits))
	}
	top, best := float32(math.Inf(-1)), 0
	for i := range s.c {
		if s.c[i].logit > top {
			top, best = s.c[i].logit, i
		}
	}
	return s.c[best].id
}

// argmax is the index of the largest value, the first of equals; NaN counts as
// -Inf. Four values share a branch that is hardly ever taken, which halves the
// time of a whole vocabulary.
func argmax(x []float32) int {
	top, best := float32(math.Inf(-1)), 0
	i := 0
	for ; i+4 <= len(x); i += 4 {
		q := x[i : i+4 : i+4]
		if q[0] > top || q[1] > top || q[2] > top || q[3] > top {
			for j, v := range q {
				if v > top {
					top, best = v, i+j
				}
			}
		}
	}
	for ; i < len(x); i++ {
		if x[i] > top {
			top, best = x[i], i
		}
	}
	return best
}

// softmax fills in the probabilities of c. When the largest logit is infinite,
// its first holder has them all.
func softmax(c []candidate) {
	top := 0
	for i := range c {
		if c[i].logit > c[top].logit {
			top = i
		}
	}
	m := c[top].logit
	if infinite(m) {
		for i := range c {
			c[i].p = 0
		}
		c[top].p = 1
		return
	}
	var sum float32
	for i := range c {
		c[i].p = weight(c[i].logit, m)
		sum += c[i].p
	}
	for i := range c {
		c[i].p /= sum
	}
}

// weight is e^(l-m), l <= m; 0 where float32 has nothing smaller, and for NaN.
func weight(l, m float32) float32 {
	d := l - m
	if !(d > -104) {
		return 0
	}
	return expWeight(float64(d))
}

func number(l float32) float32 {
	if l != l {
		return float32(math.Inf(-1))
	}
	return l
}

func infinite(l float32) bool { return l > math.MaxFloat32 || l < -math.MaxFloat32 }

// falling is the order of candidates; it is total, so sorting has one result.
func falling(a, b candidate) int {
	switch {
	case a.logit > b.logit:
		return -1
	case a.logit < b.logit:
		return 1
	}
	return cmp.Compare(a.id, b.id)
}

// heapify and sink keep the worst candidate at c[0].
func heapify(c []candidate) {
	for i := len(c)/2 - 1; i >= 0; i-- {
		sink(c, i)
	}
}

func sink(c []candidate, i int) {
	for {
		kid := 2*i + 1
		if kid >= len(c) {
			return
		}
		if kid+1 < len(c) && falling(c[kid+1], c[kid]) > 0 {
			kid++
		}
		if falling(c[kid], c[i]) <= 0 {
			return
		}
		c[i], c[kid] = c[kid], c[i]
		i = kid
	}
}
