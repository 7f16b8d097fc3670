package sample

import (
	"slices"
	"strings"

	"happyphonellm/internal/tokenizer"
)

// dry, "don't repeat yourself" (p-e-w 2024), lowers the logit of a token that
// would lengthen a repetition of the text's end:
// multiplier * base^(length - allowed). A repetition is not followed back
// past a sequence breaker.
type dry struct {
	multiplier, base float32
	allowed          int
	maxExponent      int // keeps base^n a float32; 0: no bound
	window           ring
	breakers         breakers

	recent []int32 // the window, newest first
	match  []int   // match[k]: common length of recent and recent[k:]
	length []int32 // [vocab] the longest repetition that the token lengthens
}

// breakers maps the first token of a sequence breaker to the tokens that may
// follow it; an empty tail is a breaker of one token.
type breakers map[int32][][]int32

// Bounds on one breaker: bytes, and tokens after its first.
const (
	maxBreakerBytes = 40
	maxBreakerTail  = 20
)

func newDry(p *Params, b breakers, vocab int) *dry {
	d := &dry{
		multiplier: p.DryMultiplier, base: p.DryBase, allowed: p.DryAllowedLength,
		window: newRing(p.DryPenaltyLastN), breakers: b,
		recent: make([]int32, 0, p.DryPenaltyLastN),
		match:  make([]int, p.DryPenaltyLastN),
		length: make([]int32, vocab),
	}
	if d.base > 1.000001 {
		// log(MaxFloat32) = 88.72
		d.maxExponent = int(88.7228391 / log64(float64(d.base)))
	}
	return d
}

// tokenBreakers finds every token that holds a breaker's text, or ends with
// the beginning of it; in that case the tail is the rest's usual tokens.
func tokenBreakers(t *tokenizer.Tokenizer, texts []string) breakers {
	out := breakers{}
	if t == nil {
		return out
	}
	for id := range int32(t.Size()) {
		word := t.Decode([]int32{id}, true)
		for _, text := range texts {
			text = text[:min(len(text), maxBreakerBytes)]
			if text == "" {
				continue
			}
			if strings.Contains(word, text) {
				out.add(id, nil)
				continue
			}
			for n := 1; n < len(text) && n <= len(word); n++ {
				if strings.HasSuffix(word, text[:n]) {
					tail := t.Encode(text[n:], tokenizer.Options{})
					out.add(id, tail[:min(len(tail), maxBreakerTail)])
				}
			}
		}
	}
	return out
}

func (b breakers) add(id int32, tail []int32) {
	same := func(other []int32) bool { return slices.Equal(other, tail) }
	if !slices.ContainsFunc(b[id], same) {
		b[id] = append(b[id], tail)
	}
}

func (d *dry) accept(id int32) { d.window.push(id) }

func (d *dry) reset() { d.window.clear() }

func (d *dry) apply(s *set) {
	n := d.window.len()
	if n <= d.allowed {
		return
	}
	d.recent = d.recent[:0]
	for i := range n {
		d.recent = append(d.recent, d.window.back(i))
	}
	limit := d.sinceBreaker()
	if limit < d.allowed {
		return
	}
	d.matches()

	// Where the end of the text stood before, k steps back, the token after it
	// was recent[k-1].
	for k := 1; k < n; k++ {
		if m := min(d.match[k], limit); m >= d.allowed {
			id := d.recent[k-1]
			// One more, so that 0 stays "none" when the allowed length is 0.
			d.length[id] = max(d.length[id], int32(m)+1)
		}
	}
	if s.dense {
		for _, id := range d.recent {
			if m := d.length[id]; m > 0 {
				s.logits[id] -= d.penalty(id, m-1)
				d.length[id] = 0
			}
		}
		return
	}
	for i := range s.c {
		if m := d.length[s.c[i].id]; m > 0 {
			s.c[i].logit -= d.penalty(s.c[i].id, m-1)
		}
	}
	for _, id := range d.recent {
		d.length[id] = 0
	}
	s.sorted = false
}

// sinceBreaker counts the tokens after the last breaker in the window.
func (d *dry) sinceBreaker() int {
	for i, id := range d.recent {
		longest := -1
		for _, tail := range d.breakers[id] {
			if len(tail) > longest && len(tail) <= i && d.follows(i, tail) {
				longest = len(tail)
			}
		}
		if longest >= 0 {
			return i - longest
		}
	}
	return len(d.recent)
}

// follows reports whether tail comes right after the token i steps back.
func (d *dry) follows(i int, tail []int32) bool {
	for j, id := range tail {
		if d.recent[i-1-j] != id {
			return false
		}
	}
	return true
}

// matches fills match by the Z algorithm (Gusfield 1997): [left, right) is the
// match found so far that reaches farthest, and what it covers is known.
func (d *dry) matches() {
	r, n := d.recent, len(d.recent)
	left, right := 0, 0
	for k := 1; k < n; k++ {
		m := 0
		if k < right {
			m = min(right-k, d.match[k-left])
		}
		for k+m < n && r[m] == r[k+m] {
			m++
		}
		if k+m > right {
			left, right = k, k+m
		}
		d.match[k] = m
	}
}

func (d *dry) penalty(id int32, length int32) float32 {
	for _, tail := range d.breakers[id] {
		if len(tail) == 0 {
			return 0
		}
	}
	n := int(length) - d.allowed
	if d.maxExponent > 0 {
		n = min(n, d.maxExponent)
	}
	return float32(float64(d.multiplier) * powInt(float64(d.base), n))
}
