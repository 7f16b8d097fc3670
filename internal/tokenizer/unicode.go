package tokenizer

import (
	"sort"
	"sync"
	"unicode/utf8"
)

//go:generate go run gen_unicode.go

// class is a set of character classes; every code point has exactly one.
type class uint8

const (
	letter class = 1 << iota
	number
	punct
	symbol
	mark
	space      // White_Space, control characters among them too
	control    // Cc, Cf, Co, Cs
	unassigned // Cn, and separators there are none of outside space

)

// classPages maps a code point's upper bits to a page of 256 classes. Pages of
// one class only are shared.
var classPages = sync.OnceValue(func() *[0x1100]*[256]class {
	var pages [0x1100]*[256]class
	uniform := map[class]*[256]class{}
	fill := func(c class) *[256]class {
		if uniform[c] == nil {
			p := new([256]class)
			for i := range p {
				p[i] = c
			}
			uniform[c] = p
		}
		return uniform[c]
	}
	for i, run := range classRuns {
		c, first, end := class(run), run>>8, uint32(0x110000)
		if i+1 < len(classRuns) {
			end = classRuns[i+1] >> 8
		}
		for r := first; r < end; {
			page := r >> 8
			if r&0xff == 0 && end-r >= 256 {
				pages[page] = fill(c)
				r += 256
				continue
			}
			if pages[page] == nil {
				pages[page] = new([256]class)
			}
			for stop := min(end, (page+1)<<8); r < stop; r++ {
				pages[page][r&0xff] = c
			}
		}
	}
	return &pages
})

// asciiClass is the first page, without the indirection.
var asciiClass = sync.OnceValue(func() *[256]class { return classPages()[0] })

// classes looks code points up; a splitter keeps one so that the tables are
// found once per text.
type classes struct {
	ascii *[256]class
	pages *[0x1100]*[256]class
}

func newClasses() classes { return classes{asciiClass(), classPages()} }

// at returns the class and length of the character at s[i]; class 0 at the end.
// s is what normalize returns.
func (t *classes) at(s []byte, i int) (class, int) {
	if i >= len(s) {
		return 0, 0
	}
	if c := s[i]; c < utf8.RuneSelf {
		return t.ascii[c], 1
	}
	r, n := decodeRune(s, i)
	return t.pages[r>>8][r&0xff], n
}

// before returns the class and length of the character that ends at s[i]; class 0
// at the start.
func (t *classes) before(s []byte, i int) (class, int) {
	if i == 0 {
		return 0, 0
	}
	j := i - 1
	for j > 0 && s[j]&0xC0 == 0x80 {
		j--
	}
	return t.at(s, j)
}

// run returns the end of the run of characters of the classes in set from s[i].
func (t *classes) run(s []byte, i int, set class) int {
	for i < len(s) {
		c, n := t.at(s, i)
		if c&set == 0 {
			break
		}
		i += n
	}
	return i
}

// decodeRune decodes the character at s[i] of normalized text: surrogates
// are characters here, and what is cut short decodes as U+FFFD of one byte.
func decodeRune(s []byte, i int) (rune, int) {
	c := s[i]
	switch {
	case c < 0x80:
		return rune(c), 1
	case c < 0xE0 && i+1 < len(s):
		return rune(c&0x1F)<<6 | rune(s[i+1]&0x3F), 2
	case c >= 0xE0 && c < 0xF0 && i+2 < len(s):
		return rune(c&0x0F)<<12 | rune(s[i+1]&0x3F)<<6 | rune(s[i+2]&0x3F), 3
	case c >= 0xF0 && i+3 < len(s):
		if r := rune(c&0x07)<<18 | rune(s[i+1]&0x3F)<<12 | rune(s[i+2]&0x3F)<<6 | rune(s[i+3]&0x3F); r <= utf8.MaxRune {
			return r, 4
		}
	}
	return utf8.RuneError, 1
}

// decodeLoose decodes the first character of s the way llama.cpp reads prompts: UTF-8
// in which surrogates pass, and each byte that starts no character is U+FFFD.
func decodeLoose(s []byte) (rune, int) {
	if r, n := utf8.DecodeRune(s); r != utf8.RuneError || n > 1 {
		return r, n
	}
	if len(s) > 2 && s[0] == 0xED && s[1]&0xE0 == 0xA0 && s[2]&0xC0 == 0x80 {
		return 0xD000 | rune(s[1]&0x3F)<<6 | rune(s[2]&0x3F), 3
	}
	return utf8.RuneError, 1
}

// appendRune appends r in UTF-8, surrogates included.
func appendRune(dst []byte, r rune) []byte {
	if r >= 0xD800 && r < 0xE000 {
		return append(dst, 0xED, byte(0x80|r>>6&0x3F), byte(0x80|r&0x3F))
	}
	return utf8.AppendRune(dst, r)
}

// normalize returns s with U+FFFD for what is no character to decodeLoose. Valid text is returned as it is; else the
// result is built in buf, which is returned for reuse.
func normalize(s, buf []byte) (text, scratch []byte) {
	if utf8.Valid(s) {
		return s, buf
	}
	buf = buf[:0]
	for len(s) > 0 {
		r, n := decodeLoose(s)
		buf = appendRune(buf, r)
		s = s[n:]
	}
	return buf, buf
}

// lower returns the simple lower case of r.
func lower(r rune) rune {
	if r < 0x80 {
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	i := sort.Search(len(lowerPairs), func(i int) bool { return lowerPairs[i][0] >= r })
	if i < len(lowerPairs) && lowerPairs[i][0] == r {
		return lowerPairs[i][1]
	}
	return r
}

// base returns the first code point of the canonical decomposition of r.
func base(r rune) rune {
	i := sort.Search(len(baseRanges), func(i int) bool { return baseRanges[i][1] >= r })
	if i < len(baseRanges) && baseRanges[i][0] <= r {
		return baseRanges[i][2]
	}
	return r
}
