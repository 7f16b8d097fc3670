package jinja

import (
	"math/big"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokEOF        tokenKind = iota
	tokData                 // text between tags
	tokVarBegin             // {{
	tokVarEnd               // }}
	tokBlockBegin           // {%
	tokBlockEnd             // %}
	tokName
	tokString
	tokNumber // val is int64, *big.Int or float64
	tokOp
)

type token struct {
	kind tokenKind
	text string
	val  Value
	line int
}

func (t token) String() string {
	switch t.kind {
	case tokEOF:
		return "end of template"
	case tokData:
		return "template text"
	case tokVarBegin, tokVarEnd, tokBlockBegin, tokBlockEnd:
		return [...]string{"begin of print statement", "end of print statement", "begin of statement block", "end of statement block"}[t.kind-tokVarBegin]
	case tokString:
		return "string"
	}
	return "'" + t.text + "'"
}

// lexer cuts a template into tokens. Whitespace control happens here, as trim_blocks and lstrip_blocks ask.
type lexer struct {
	src  string
	pos  int
	line int
	toks []token
	// lineStart: the last tag swallowed its newline (or nothing came yet), so text here begins a line.
	lineStart bool
}

func lex(src string) []token {
	src = strings.ReplaceAll(src, "\r\n", "\n")
	src = strings.ReplaceAll(src, "\r", "\n")
	src = strings.TrimSuffix(src, "\n")
	l := &lexer{src: src, line: 1, lineStart: true}
	for l.pos < len(l.src) {
		l.text()
	}
	return append(l.toks, token{kind: tokEOF, line: l.line})
}

func (l *lexer) add(kind tokenKind, text string, val Value) {
	l.toks = append(l.toks, token{kind, text, val, l.line})
}

func (l *lexer) fail(format string, args ...any) {
	raise("TemplateSyntaxError", l.line, format, args...)
}

// advance moves over n bytes and counts their lines.
func (l *lexer) advance(n int) string {
	s := l.src[l.pos : l.pos+n]
	l.line += strings.Count(s, "\n")
	l.pos += n
	return s
}

// text reads up to the next tag, and the tag.
func (l *lexer) text() {
	rest := l.src[l.pos:]
	at := tagStart(rest)
	if at < 0 {
		l.add(tokData, rest, nil)
		l.advance(len(rest))
		return
	}
	open := rest[at : at+2]
	sign := byte(0)
	if at+2 < len(rest) && (rest[at+2] == '-' || rest[at+2] == '+') {
		sign = rest[at+2]
	}
	l.data(rest[:at], sign, open != "{{")
	l.advance(at)
	if open == "{%" && l.raw() {
		return
	}
	l.advance(2)
	if sign != 0 {
		l.advance(1)
	}
	switch open {
	case "{#":
		l.comment()
	case "{{":
		l.add(tokVarBegin, "", nil)
		l.tag("}}", tokVarEnd)
	default:
		l.add(tokBlockBegin, "", nil)
		l.tag("%}", tokBlockEnd)
	}
}

func tagStart(s string) int {
	for from := 0; ; {
		i := strings.IndexByte(s[from:], '{')
		if i < 0 || from+i+1 >= len(s) {
			return -1
		}
		i += from
		switch s[i+1] {
		case '{', '%', '#':
			return i
		}
		from = i + 1
	}
}

// data emits the text before a tag, stripped as the tag's sign and lstrip_blocks ask.
func (l *lexer) data(s string, sign byte, lstrip bool) {
	switch {
	case sign == '-':
		s = strings.TrimRightFunc(s, isSpace)
	case sign != '+' && lstrip:
		cut := strings.LastIndexByte(s, '\n') + 1
		if (cut > 0 || l.lineStart) && strings.TrimLeftFunc(s[cut:], isSpace) == "" {
			s = s[:cut]
		}
	}
	if s != "" {
		l.add(tokData, s, nil)
	}
}

// close matches the end of a tag at the lexer's place: "-}}" eats whitespace, "%}" one newline. It returns the
// length of the match, 0 if there is none.
func (l *lexer) close(end string) int {
	rest := l.src[l.pos:]
	trim := end != "}}"
	switch {
	case strings.HasPrefix(rest, "-"+end):
		n := 1 + len(end)
		return n + len(rest[n:]) - len(strings.TrimLeftFunc(rest[n:], isSpace))
	case trim && strings.HasPrefix(rest, "+"+end):
		return 1 + len(end)
	case strings.HasPrefix(rest, end):
		if trim && strings.HasPrefix(rest[len(end):], "\n") {
			return len(end) + 1
		}
		return len(end)
	}
	return 0
}

// end moves over the end of a tag that close has matched.
func (l *lexer) end(n int) {
	l.lineStart = strings.HasSuffix(l.advance(n), "\n")
}

func (l *lexer) comment() {
	i := strings.Index(l.src[l.pos:], "#}")
	if i < 0 {
		l.fail("Missing end of comment tag")
	}
	if i > 0 && (l.src[l.pos+i-1] == '-' || l.src[l.pos+i-1] == '+') {
		i--
	}
	l.advance(i)
	l.end(l.close("#}"))
}

// word matches "{%" sign spaces name spaces at s and returns the length, 0 if it is not there.
func word(s, name string) (n int, sign byte) {
	if !strings.HasPrefix(s, "{%") {
		return 0, 0
	}
	rest := s[2:]
	if rest != "" && (rest[0] == '-' || rest[0] == '+') {
		sign = rest[0]
		rest = rest[1:]
	}
	rest = strings.TrimLeftFunc(rest, isSpace)
	if !strings.HasPrefix(rest, name) {
		return 0, 0
	}
	rest = strings.TrimLeftFunc(rest[len(name):], isSpace)
	return len(s) - len(rest), sign
}

// raw reads a raw block, if one begins here.
func (l *lexer) raw() bool {
	n, _ := word(l.src[l.pos:], "raw")
	if n == 0 {
		return false
	}
	after := l.src[l.pos+n:]
	switch {
	case strings.HasPrefix(after, "-%}"):
		n += 3
		n += len(after[3:]) - len(strings.TrimLeftFunc(after[3:], isSpace))
	case strings.HasPrefix(after, "%}"):
		n += 2
	default:
		return false
	}
	l.end(n)
	start := l.pos
	for at := start; ; {
		i := strings.Index(l.src[at:], "{%")
		if i < 0 {
			l.fail("Missing end of raw directive")
		}
		at += i
		n, sign := word(l.src[at:], "endraw")
		if n > 0 {
			probe := lexer{src: l.src, pos: at + n}
			if end := probe.close("%}"); end > 0 {
				l.data(l.src[start:at], sign, true)
				l.advance(at + n - start)
				l.end(end)
				return true
			}
		}
		at += 2
	}
}

// tag reads the tokens of one tag up to and with its end.
func (l *lexer) tag(end string, endKind tokenKind) {
	var open []byte // brackets that wait for their partner
	for {
		if l.pos >= len(l.src) {
			return // the parser says what is missing
		}
		if len(open) == 0 {
			if n := l.close(end); n > 0 {
				l.add(endKind, "", nil)
				l.end(n)
				return
			}
		}
		rest := l.src[l.pos:]
		c, size := utf8.DecodeRuneInString(rest)
		switch {
		case isSpace(c):
			l.advance(size)
		case c >= '0' && c <= '9':
			l.number(rest)
		case isWord(c):
			n := strings.IndexFunc(rest, func(r rune) bool { return !isWord(r) })
			if n < 0 {
				n = len(rest)
			}
			if !unicode.IsLetter(c) && c != '_' {
				l.fail("Invalid character in identifier")
			}
			l.add(tokName, rest[:n], nil)
			l.advance(n)
		case c == '"' || c == '\'':
			l.quoted(rest)
		default:
			open = l.operator(rest, open)
		}
	}
}

func (l *lexer) operator(rest string, open []byte) []byte {
	op := rest[:1]
	if len(rest) > 1 {
		switch rest[:2] {
		case "//", "**", "==", "!=", ">=", "<=":
			op = rest[:2]
		}
	}
	if len(op) == 1 && !strings.Contains("+-/*%~[](){}><=.:|,;", op) {
		c, _ := utf8.DecodeRuneInString(rest)
		l.fail("unexpected char %q at %d", string(c), l.pos)
	}
	switch op {
	case "(", "[", "{":
		open = append(open, op[0])
	case ")", "]", "}":
		if len(open) == 0 {
			l.fail("unexpected '%s'", op)
		}
		want := map[byte]string{'(': ")", '[': "]", '{': "}"}[open[len(open)-1]]
		if want != op {
			l.fail("unexpected '%s', expected '%s'", op, want)
		}
		open = open[:len(open)-1]
	}
	l.add(tokOp, op, nil)
	l.advance(len(op))
	return open
}

// digits returns the length of a run of digits with single underscores between them.
func digits(s string, ok func(byte) bool) int {
	n := 0
	for n < len(s) && (ok(s[n]) || (s[n] == '_' && n > 0 && s[n-1] != '_' && n+1 < len(s) && ok(s[n+1]))) {
		n++
	}
	return n
}

func decimal(c byte) bool { return c >= '0' && c <= '9' }

func (l *lexer) number(s string) {
	n := 0
	if len(s) > 2 && s[0] == '0' {
		ok := map[byte]func(byte) bool{
			'b': func(c byte) bool { return c == '0' || c == '1' },
			'o': func(c byte) bool { return c >= '0' && c <= '7' },
			'x': func(c byte) bool { return decimal(c) || (c|32 >= 'a' && c|32 <= 'f') },
		}[s[1]|32]
		if ok != nil {
			if m := digits(strings.TrimPrefix(s[2:], "_"), ok); m > 0 {
				n = len(s) - len(strings.TrimPrefix(s[2:], "_")) + m
			}
		}
	}
	float := false
	if n == 0 {
		n = digits(s, decimal)
		// After a dot a number is a subscript (x.0.1), never a fraction.
		if l.pos == 0 || l.src[l.pos-1] != '.' {
			if m := fraction(s[n:]); m > 0 {
				n, float = n+m, true
			}
		}
		if !float && s[0] == '0' {
			n = digits(s, func(c byte) bool { return c == '0' })
		}
	}
	text := strings.ReplaceAll(s[:n], "_", "")
	var val Value
	if float {
		val, _ = strconv.ParseFloat(text, 64) // out of range is infinity, as in Python
	} else if i, err := strconv.ParseInt(text, 0, 64); err == nil {
		val = i
	} else if b, ok := new(big.Int).SetString(text, 0); ok && len(text) <= maxDigits {
		val = b
	} else {
		l.fail("invalid number '%.40s'", text)
	}
	l.add(tokNumber, s[:n], val)
	l.advance(n)
}

// fraction matches what makes a number a float: ".5", "e3", ".5e-3".
func fraction(s string) int {
	n := 0
	if len(s) > 1 && s[0] == '.' {
		if m := digits(s[1:], decimal); m > 0 {
			n = 1 + m
		}
	}
	if e := s[n:]; len(e) > 1 && e[0]|32 == 'e' {
		k := 1
		if e[1] == '+' || e[1] == '-' {
			k = 2
		}
		if m := digits(e[k:], decimal); m > 0 {
			n += k + m
		}
	}
	return n
}

func (l *lexer) quoted(s string) {
	for i := 1; i < len(s); i++ {
		switch s[i] {
		case '\\':
			i++
		case s[0]:
			l.add(tokString, l.unescape(s[1:i]), nil)
			l.advance(i + 1)
			return
		}
	}
	l.fail("unexpected char %q at %d", s[:1], l.pos)
}

// unescape resolves the backslash escapes of a Python string literal.
func (l *lexer) unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' || i+1 == len(s) {
			b.WriteByte(s[i])
			continue
		}
		i++
		if c := strings.IndexByte(`abfnrtv'"\`, s[i]); c >= 0 {
			b.WriteByte("\a\b\f\n\r\t\v'\"\\"[c])
			continue
		}
		switch c := s[i]; {
		case c == '\n':
		case c == 'x' || c == 'u' || c == 'U':
			width := map[byte]int{'x': 2, 'u': 4, 'U': 8}[c]
			if i+width >= len(s) {
				l.fail("truncated \\%c escape", c)
			}
			code, err := strconv.ParseUint(s[i+1:i+1+width], 16, 32)
			if err != nil || code > unicode.MaxRune {
				l.fail("invalid \\%c escape", c)
			}
			i += width
			// A pair of \u surrogates is two characters in Python, which no UTF-8 text can hold: U+FFFD each.
			b.WriteRune(rune(code))
		case c >= '0' && c <= '7':
			n := 1
			for n < 3 && i+n < len(s) && s[i+n] >= '0' && s[i+n] <= '7' {
				n++
			}
			code, _ := strconv.ParseUint(s[i:i+n], 8, 32)
			i += n - 1
			b.WriteRune(rune(code))
		case c == 'N':
			l.fail("character names (\\N) are not supported")
		default:
			b.WriteByte('\\')
			b.WriteByte(c)
		}
	}
	return b.String()
}

// isSpace is Python's str.isspace for one character.
func isSpace(r rune) bool {
	return unicode.IsSpace(r) || (r >= 0x1c && r <= 0x1f)
}

func isWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.In(r, unicode.Mn, unicode.Mc, unicode.N)
}
