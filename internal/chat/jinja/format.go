package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// spec is how a value is laid out: one of Python's format specifications.
type spec struct {
	fill   string
	align  byte // < > ^ =, 0: the type's own
	sign   byte // + - space
	alt    bool
	width  int64
	group  string // "", "," or "_"
	prec   int64  // -1: none
	verb   byte   // 0: none
	zeroed bool
}

// percent is Python's text % values.
func (r *runtime) percent(f, v Value) Value {
	s, _ := text(f)
	_, marked := f.(Markup)
	var pos []Value
	var dict *Dict
	// What can be indexed may have values left over; a tuple may not.
	spare := !isText(v) && isSequenceTest(v)
	switch v := v.(type) {
	case *Tuple:
		pos, spare = v.Items, false
	case *Dict:
		dict, pos = v, []Value{v}
	default:
		pos = []Value{v}
	}
	used := 0
	next := func() Value {
		if used >= len(pos) {
			r.fail("TypeError", "not enough arguments for format string")
		}
		used++
		return pos[used-1]
	}
	var b strings.Builder
	for {
		i := strings.IndexByte(s, '%')
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		s = s[i+1:]
		if b.Len() > r.lim.Output {
			r.fail("LimitError", "%%: more than %d bytes", r.lim.Output)
		}
		var val Value
		hasVal := false
		if strings.HasPrefix(s, "(") {
			end := strings.IndexByte(s, ')')
			if dict == nil || end < 0 {
				r.fail("TypeError", "format requires a mapping")
			}
			var ok bool
			if val, ok = dict.lookup(s[1:end]); !ok {
				r.fail("KeyError", "%s", s[1:end])
			}
			hasVal, used = true, 1
			s = s[end+1:]
		}
		sp := spec{fill: " ", align: '>', prec: -1}
		for s != "" && strings.IndexByte("-+ #0", s[0]) >= 0 {
			switch s[0] {
			case '-':
				sp.align = '<'
			case '#':
				sp.alt = true
			case '0':
				sp.zeroed = true
			case ' ':
				if sp.sign == 0 {
					sp.sign = ' '
				}
			default:
				sp.sign = '+'
			}
			s = s[1:]
		}
		num := func() int64 {
			if strings.HasPrefix(s, "*") {
				s = s[1:]
				return r.integer("%", next())
			}
			n := digits(s, decimal)
			d, _ := strconv.ParseInt(s[:n], 10, 32)
			s = s[n:]
			return d
		}
		if sp.width = num(); sp.width < 0 {
			sp.align, sp.width = '<', -sp.width
		}
		if strings.HasPrefix(s, ".") {
			s = s[1:]
			sp.prec = max(num(), 0)
		}
		s = strings.TrimLeft(s, "hlL")
		if s == "" {
			r.fail("ValueError", "incomplete format")
		}
		verb := s[0]
		s = s[1:]
		if verb == '%' {
			b.WriteByte('%')
			continue
		}
		if !hasVal {
			val = next()
		}
		if sp.zeroed && sp.align == '>' && verb != 's' && verb != 'r' && verb != 'a' && verb != 'c' {
			sp.fill, sp.align = "0", '='
		}
		out := r.percentOne(sp, verb, val)
		if _, safe := val.(Markup); marked && !safe {
			out = escapeHTML(out)
		}
		b.WriteString(out)
	}
	if used < len(pos) && !spare {
		r.fail("TypeError", "not all arguments converted during string formatting")
	}
	return like(f, r.str(b.String()))
}

func (r *runtime) percentOne(sp spec, verb byte, v Value) string {
	switch verb {
	case 's':
		return r.layout(sp, "", r.cut(r.toStr(v), sp.prec))
	case 'r':
		return r.layout(sp, "", r.cut(r.repr(v), sp.prec))
	case 'a':
		return r.layout(sp, "", r.cut(asciiOnly(r.repr(v)), sp.prec))
	case 'c':
		if s, ok := text(v); ok && utf8.RuneCountInString(s) == 1 {
			return r.layout(sp, "", s)
		}
		return r.layout(sp, "", string(rune(r.integer("%c", v))))
	case 'd', 'i', 'u', 'x', 'X', 'o':
		i, f, isFloat, ok := number(r.use(v))
		if isFloat && (verb == 'd' || verb == 'i' || verb == 'u') {
			n, finite := floatToInt(r, f)
			if !finite {
				r.fail("ValueError", "cannot convert float %s to integer", floatRepr(f))
			}
			i, _, _, _ = number(n)
		} else if !ok || isFloat {
			r.fail("TypeError", "%%%c format: a real number is required, not %s", verb, typeName(v))
		}
		if verb == 'i' || verb == 'u' {
			verb = 'd'
		}
		sp.verb = verb
		if sp.prec >= 0 { // at least so many digits
			s := i.Text(map[byte]int{'d': 10, 'x': 16, 'X': 16, 'o': 8}[verb])
			neg := strings.HasPrefix(s, "-")
			s = r.pad(strings.TrimPrefix(s, "-"), sp.prec, "0", '>')
			if verb == 'X' {
				s = strings.ToUpper(s)
			}
			return r.layout(sp, signText(sp.sign, neg), s)
		}
		return r.formatInt(sp, i)
	case 'e', 'E', 'f', 'F', 'g', 'G':
		i, f, isFloat, ok := number(r.use(v))
		if !ok {
			r.fail("TypeError", "must be real number, not %s", typeName(v))
		}
		if !isFloat {
			f = bigFloat(i)
		}
		sp.verb = verb
		return r.formatFloat(sp, f)
	}
	r.fail("ValueError", "unsupported format character '%c'", verb)
	return ""
}

func asciiOnly(s string) string {
	q := strconv.QuoteToASCII(s)
	return strings.ReplaceAll(strings.ReplaceAll(q[1:len(q)-1], `\"`, `"`), `\\`, `\`)
}

func (r *runtime) cut(s string, prec int64) string {
	if prec < 0 || prec >= int64(len(s)) {
		return s
	}
	runes := r.runes(s)
	return string(runes[:min(prec, int64(len(runes)))])
}

func signText(sign byte, neg bool) string {
	switch {
	case neg:
		return "-"
	case sign == '+' || sign == ' ':
		return string(rune(sign))
	}
	return ""
}

// layout pads sign and body to the width.
func (r *runtime) layout(sp spec, sign, body string) string {
	if sp.align == '=' {
		return sign + r.pad(body, sp.width-int64(len(sign)), sp.fill, '>')
	}
	if sp.align == '^' {
		s := sign + body
		n := r.size("width", sp.width) - utf8.RuneCountInString(s)
		if n > 0 {
			r.alloc(n * len(sp.fill))
			return strings.Repeat(sp.fill, n/2) + s + strings.Repeat(sp.fill, n-n/2)
		}
		return s
	}
	return r.pad(sign+body, sp.width, sp.fill, sp.align)
}

// grouped puts separators between every n digits of the integer part.
func grouped(s, sep string, n int) string {
	if sep == "" {
		return s
	}
	whole, rest := s, ""
	if i := strings.IndexAny(s, ".e"); i >= 0 && n == 3 {
		whole, rest = s[:i], s[i:]
	}
	for i := len(whole) - n; i > 0; i -= n {
		whole = whole[:i] + sep + whole[i:]
	}
	return whole + rest
}

func (r *runtime) formatInt(sp spec, i *big.Int) string {
	base, prefix, group := 10, "", 3
	switch sp.verb {
	case 'x', 'X':
		base, prefix, group = 16, "0"+string(rune(sp.verb)), 4
	case 'o':
		base, prefix, group = 8, "0o", 4
	case 'b':
		base, prefix, group = 2, "0b", 4
	}
	s := i.Text(base)
	neg := strings.HasPrefix(s, "-")
	s = grouped(strings.TrimPrefix(s, "-"), sp.group, group)
	if sp.verb == 'X' {
		s = strings.ToUpper(s)
	}
	sign := signText(sp.sign, neg)
	if sp.alt {
		sign += prefix
	}
	return r.layout(sp, sign, r.str(s))
}

func (r *runtime) formatFloat(sp spec, f float64) string {
	prec := int(sp.prec)
	if sp.prec > 2000 {
		r.fail("LimitError", "a precision of %d", sp.prec)
	}
	if prec < 0 {
		prec = 6
	}
	neg := math.Signbit(f) && !math.IsNaN(f)
	f = math.Abs(f)
	var s string
	switch verb := sp.verb | 32; {
	case math.IsInf(f, 0) || math.IsNaN(f):
		s = strings.TrimPrefix(floatRepr(f), "+")
		if sp.fill == "0" && sp.zeroed {
			sp.fill = " "
		}
	case sp.verb == '%':
		s = strconv.FormatFloat(f*100, 'f', prec, 64)
	case verb == 'f':
		s = strconv.FormatFloat(f, 'f', prec, 64)
	case verb == 'e':
		s = strconv.FormatFloat(f, 'e', prec, 64)
	case sp.verb == 0 && sp.prec < 0:
		s = floatRepr(f)
	default:
		s = general(f, max(prec, 1), sp.verb == 0)
	}
	if sp.verb == '%' {
		s += "%"
	}
	s = grouped(s, sp.group, 3)
	if sp.verb >= 'A' && sp.verb <= 'Z' {
		s = strings.ToUpper(s)
	}
	return r.layout(sp, signText(sp.sign, neg), s)
}

// general is the g format: prec significant digits, fixed or with an exponent, without closing zeros. keepPoint:
// the empty format, which shows floats as floats.
func general(f float64, prec int, keepPoint bool) string {
	e := strconv.FormatFloat(f, 'e', prec-1, 64)
	mant, expText, _ := strings.Cut(e, "e")
	exp, _ := strconv.Atoi(expText)
	trim := func(s string) string {
		if strings.Contains(s, ".") {
			s = strings.TrimRight(strings.TrimRight(s, "0"), ".")
		}
		return s
	}
	limit := prec
	if keepPoint {
		limit = prec - 1
	}
	if exp >= -4 && exp < limit {
		s := trim(strconv.FormatFloat(f, 'f', prec-1-exp, 64))
		if keepPoint && !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return trim(mant) + e[len(mant):]
}
