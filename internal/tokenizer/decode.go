package tokenizer

import (
	"slices"
	"unicode/utf8"
)

// Piece returns the text of one token, which need not be whole UTF-8. Control and
// unknown tokens are "" unless special is set.
func (t *Tokenizer) Piece(id int32, special bool) string {
	return string(t.appendPiece(nil, id, special))
}

func (t *Tokenizer) appendPiece(dst []byte, id int32, special bool) []byte {
	if !t.valid(id) {
		return dst
	}
	v := t.v
	a, text := v.attrs[id], v.text(id)
	if a&(attrControl|attrUnknown) != 0 && !special {
		return dst
	}
	switch {
	case v.kind == rwkv:
		return appendUnescaped(dst, text)
	case a&(attrControl|attrUnknown|attrUser) != 0:
		return append(dst, v.bare(text)...)
	case a&attrByte != 0:
		if b, ok := byteOf(text); ok {
			return append(dst, b)
		}
		return append(dst, text...)
	case v.kind == plamo:
		return append(dst, text...)
	case a&attrNormal == 0:
		return dst
	case v.kind == bpe && !v.escape:
		return appendLetters(dst, v.bare(text))
	}
	return append(dst, unescape(text)...)
}

// bare returns text without the mark of DNA tokens.
func (v *vocab) bare(text []byte) []byte {
	if n := len(text) - len(dnaMark); v.model == "hybriddna" && n >= 0 && string(text[n:]) == dnaMark {
		return text[:n]
	}
	return text
}

// Decode returns the text of ids, as they stand: bytes that are no UTF-8 stay. The
// space that encoding puts before a text is taken off again.
func (t *Tokenizer) Decode(ids []int32, special bool) string {
	var out []byte
	lead := t.v.prefix
	for _, id := range ids {
		n := len(out)
		out = t.appendPiece(out, id, special)
		if lead && t.valid(id) && t.v.attrs[id]&(attrControl|attrUnknown) == 0 && len(out) > n {
			lead = false
			if out[n] == ' ' {
				out = append(out[:n], out[n+1:]...)
			}
		}
	}
	return string(out)
}

// Decoder turns a stream of ids into text that never ends within a code point. It
// belongs to one goroutine. It leaves control tokens out, but for those of Show, and it
// keeps a leading space: what it decodes continues a text.
type Decoder struct {
	t     *Tokenizer
	held  []byte // the beginning of a code point
	shown []int32
}

// NewDecoder returns a Decoder at the beginning of a text.
func (t *Tokenizer) NewDecoder() *Decoder { return &Decoder{t: t, held: make([]byte, 0, 64)} }

// Show makes control tokens part of the text.
func (d *Decoder) Show(ids []int32) { d.shown = append(d.shown, ids...) }

// Push adds a token and returns the text that is complete with it, often "". What
// cannot become UTF-8 any more is U+FFFD, one for each longest beginning of a code point.
func (d *Decoder) Push(id int32) string { return string(d.Append(nil, id)) }

// Append is Push that appends the text to dst.
func (d *Decoder) Append(dst []byte, id int32) []byte {
	d.held = d.t.appendPiece(d.held, id, slices.Contains(d.shown, id))
	end := len(d.held) - cutOff(d.held)
	dst = appendValid(dst, d.held[:end])
	d.held = append(d.held[:0], d.held[end:]...)
	return dst
}

// Flush returns what is held back, as U+FFFD, and begins anew.
func (d *Decoder) Flush() string {
	text := appendValid(nil, d.held)
	d.held = d.held[:0]
	return string(text)
}

// Reset forgets what is held back.
func (d *Decoder) Reset() { d.held = d.held[:0] }

// cutOff returns the length of the beginning of a code point that s ends with and
// that more bytes could complete.
func cutOff(s []byte) int {
	for n := 1; n <= 3 && n <= len(s); n++ {
		if tail := s[len(s)-n:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				return n
			}
			return 0
		}
	}
	return 0
}

// appendValid appends s with U+FFFD for each maximal part of an ill-formed sequence, as
// the Unicode standard recommends (chapter 3, "U+FFFD Substitution of Maximal Subparts").
func appendValid(dst, s []byte) []byte {
	if utf8.Valid(s) {
		return append(dst, s...)
	}
	for len(s) > 0 {
		r, n := utf8.DecodeRune(s)
		if r != utf8.RuneError || n > 1 {
			dst = append(dst, s[:n]...)
			s = s[n:]
			continue
		}
		for n < len(s) && n < 4 && !utf8.FullRune(s[:n]) {
			n++
		}
		if n > 1 && utf8.FullRune(s[:n]) {
			n-- // the byte that made it ill-formed starts anew
		}
		dst = utf8.AppendRune(dst, utf8.RuneError)
		s = s[n:]
	}
	return dst
}
