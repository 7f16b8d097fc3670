// Package pattern matches the regular expressions of tokenizer.json files as the
// library behind them does: Oniguruma with Ruby's syntax. Go's own expressions
// lack what those use: look-around, possessive quantifiers, sets within sets.
//
// Matching backtracks, so that its time may be exponential in the text: a budget
// of steps ends it with an error. It is for short texts, which tell what an
// expression does; it is not for encoding.
package pattern

import (
	"errors"
	"unicode"
	"unicode/utf8"
)

// ErrBudget says that a match took more steps than are allowed.
var ErrBudget = errors.New("the expression takes too many steps")

// budget is how many steps one search may take.
const budget = 1 << 22

// Pattern is a compiled expression. It may be used by several goroutines.
type Pattern struct{ root node }

// Find returns where the first match at or after byte from begins and ends; -1, -1:
// there is none. text should be valid UTF-8.
func (p *Pattern) Find(text string, from int) (start, end int, err error) {
	m := &matcher{text: text, left: budget}
	defer func() {
		if r := recover(); r != nil {
			if r != errStop {
				panic(r)
			}
			err = ErrBudget
		}
	}()
	for i := from; i <= len(text); {
		end := -1
		if p.root.match(m, i, func(j int) bool { end = j; return true }) {
			return i, end, nil
		}
		if i == len(text) {
			break
		}
		_, n := utf8.DecodeRuneInString(text[i:])
		i += n
	}
	return -1, -1, nil
}

// errStop unwinds a match that is out of steps; Find turns it into ErrBudget.
var errStop = errors.New("out of steps")

type matcher struct {
	text string
	left int
}

func (m *matcher) step() {
	if m.left--; m.left < 0 {
		panic(errStop)
	}
}

// next is the character at i and its length; 0: the end.
func (m *matcher) next(i int) (rune, int) {
	if i >= len(m.text) {
		return 0, 0
	}
	return utf8.DecodeRuneInString(m.text[i:])
}

// node is a part of an expression. match calls then with each place where a match
// from i may end, the preferred ones first, until that returns true.
type node interface {
	match(m *matcher, i int, then func(int) bool) bool
}

// chars is one character of a set.
type chars struct{ has set }

func (c chars) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	r, n := m.next(i)
	return n > 0 && c.has(r) && then(i+n)
}

// sequence is parts that follow each other.
type sequence []node

func (s sequence) match(m *matcher, i int, then func(int) bool) bool {
	if len(s) == 0 {
		return then(i)
	}
	if len(s) == 1 {
		return s[0].match(m, i, then)
	}
	return s[0].match(m, i, func(j int) bool { return s[1:].match(m, j, then) })
}

// choice is the first of its parts that leads to a match.
type choice []node

func (c choice) match(m *matcher, i int, then func(int) bool) bool {
	for _, n := range c {
		if n.match(m, i, then) {
			return true
		}
	}
	return false
}

// repeat is part from low to high times; high -1: any.
type repeat struct {
	part      node
	low, high int
	lazy      bool
}

func (r *repeat) match(m *matcher, i int, then func(int) bool) bool {
	if c, ok := r.part.(chars); ok && !r.lazy {
		return r.run(m, c, i, then)
	}
	return r.times(m, 0, i, -1, then)
}

// run is match for single characters, without recursion.
func (r *repeat) run(m *matcher, c chars, i int, then func(int) bool) bool {
	n, end := 0, i
	for r.high < 0 || n < r.high {
		m.step()
		x, size := m.next(end)
		if size == 0 || !c.has(x) {
			break
		}
		end += size
		n++
	}
	for ; n >= r.low; n-- {
		m.step()
		if then(end) {
			return true
		}
		if n > 0 {
			_, size := utf8.DecodeLastRuneInString(m.text[:end])
			end -= size
		}
	}
	return false
}

// times goes on after n times; before is where the last of them began.
func (r *repeat) times(m *matcher, n, i, before int, then func(int) bool) bool {
	m.step()
	more := func() bool {
		if r.high >= 0 && n >= r.high || n >= r.low && i == before {
			return false // a part that matches nothing would do so for ever
		}
		return r.part.match(m, i, func(j int) bool { return r.times(m, n+1, j, i, then) })
	}
	if n < r.low {
		return more()
	}
	if r.lazy {
		return then(i) || more()
	}
	return more() || then(i)
}

// atomic is part's first match, which is not taken back.
type atomic struct{ part node }

func (a atomic) match(m *matcher, i int, then func(int) bool) bool {
	end := -1
	if !a.part.match(m, i, func(j int) bool { end = j; return true }) {
		return false
	}
	return then(end)
}

// ahead says whether part matches what follows.
type ahead struct {
	part node
	not  bool
}

func (a ahead) match(m *matcher, i int, then func(int) bool) bool {
	m.step()
	found := a.part.match(m, i, func(int) bool { return true })
	return found != a.not && then(i)
}

// behind says whether part matches what goes before.
type behind struct {
	part node
	not  bool
}

func (b behind) match(m *matcher, i int, then func(int) bool) bool {
	found := false
	for j := i; j >= 0 && !found; j-- {
		m.step()
		if j < len(m.text) && !utf8.RuneStart(m.text[j]) {
			continue
		}
		found = b.part.match(m, j, func(end int) bool { return end == i })
	}
	return found != b.not && then(i)
}

// place is a condition on the place in the text.
type place func(m *matcher, i int) bool

func (p place) match(m *matcher, i int, then func(int) bool) bool { return p(m, i) && then(i) }

func lineStart(m *matcher, i int) bool { return i == 0 || m.text[i-1] == '\n' }
func lineEnd(m *matcher, i int) bool   { return i == len(m.text) || m.text[i] == '\n' }
func textStart(_ *matcher, i int) bool { return i == 0 }
func textEnd(m *matcher, i int) bool   { return i == len(m.text) }
func lastLineEnd(m *matcher, i int) bool {
	return i == len(m.text) || i == len(m.text)-1 && m.text[i] == '\n'
}

func wordBound(m *matcher, i int) bool {
	before, after := false, false
	if i > 0 {
		r, _ := utf8.DecodeLastRuneInString(m.text[:i])
		before = isWord(r)
	}
	if r, n := m.next(i); n > 0 {
		after = isWord(r)
	}
	return before != after
}

func isWord(r rune) bool {
	return unicode.In(r, unicode.L, unicode.M, unicode.Nd, unicode.Pc)
}
