package tokenizer

import (
	"cmp"
	"slices"
)

// specials finds the special tokens of a text: those whose attributes include one
// of a set. llama.cpp takes them in the order of their lengths, the longest first,
// and each wherever it stands in what the ones before have left, from the left.
type specials struct {
	lexicon
}

func newSpecials(v *vocab, want, not attr) specials {
	return specials{newLexicon(v.index, v.attrs, want, not)}
}

// before says whether c is taken before d.
func (c candidate) before(d candidate) int {
	return cmp.Or(cmp.Compare(d.len, c.len), cmp.Compare(c.id, d.id), cmp.Compare(c.at, d.at))
}

// partition appends the ids of s: special tokens, and what model makes of the text
// between them.
func (x *specials) partition(e *encoder, dst []int32, s []byte, model encoderModel) []int32 {
	text, afterSpecial := 0, true
	take := func(c candidate) {
		end := c.at
		if x.attrs[c.id]&attrLStrip != 0 {
			for end > text && isSpaceByte(s[end-1]) {
				end--
			}
		}
		if end > text {
			dst = model.text(e, dst, s[text:end], afterSpecial)
		}
		dst = append(dst, c.id)
		afterSpecial = true
		text = c.at + c.len
		if x.attrs[c.id]&attrRStrip != 0 {
			for text < len(s) && isSpaceByte(s[text]) {
				if d := x.longest(s, text); d.len > 0 && d.before(c) < 0 {
					break
				}
				text++
			}
		}
	}
	for i := 0; i < len(s); {
		if len(x.lengths[s[i]]) == 0 {
			i++
			continue
		}
		c := x.longest(s, i)
		if c.len == 0 {
			i++
			continue
		}
		if x.alone(s, c) {
			take(c)
		} else {
			i = x.cluster(e, s, c)
			for _, c := range e.cands {
				if c.at >= text {
					take(c)
				}
			}
		}
		i = max(i, text)
	}
	if text < len(s) {
		dst = model.text(e, dst, s[text:], afterSpecial)
	}
	return dst
}

// alone says whether no token that begins inside c is taken before it.
func (x *specials) alone(s []byte, c candidate) bool {
	for i := c.at + 1; i < c.at+c.len; i++ {
		if len(x.lengths[s[i]]) == 0 {
			continue
		}
		if d := x.longest(s, i); d.len > 0 && d.before(c) < 0 {
			return false
		}
	}
	return true
}

// cluster leaves in e.cands the tokens that are taken among all that overlap, one
// after the other, from c on, in the order of the text; it returns where they end.
func (x *specials) cluster(e *encoder, s []byte, c candidate) int {
	all := e.cands[:0]
	end := c.at + c.len
	for i := c.at; i < end; i++ {
		x.each(s, i, func(d candidate) bool {
			all = append(all, d)
			end = max(end, d.at+d.len)
			return true
		})
	}
	slices.SortFunc(all, candidate.before)
	taken := make([]bool, end-c.at)
	kept := all[:0]
	for _, d := range all {
		span := taken[d.at-c.at : d.at-c.at+d.len]
		if slices.Contains(span, true) {
			continue
		}
		for i := range span {
			span[i] = true
		}
		kept = append(kept, d)
	}
	slices.SortFunc(kept, func(a, b candidate) int { return cmp.Compare(a.at, b.at) })
	e.cands = kept
	return end
}

// isSpaceByte is C's isspace.
func isSpaceByte(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' }
