package jinja

import (
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

// maxDigits is how many digits of an integer Python prints or reads.
const maxDigits = 4300

// toStr is Python's str(v), what {{ v }} prints.
func (r *runtime) toStr(v Value) string {
	switch v := v.(type) {
	case string:
		return v
	case Markup:
		return string(v)
	case *undefined:
		return ""
	}
	return r.repr(v)
}

// repr is Python's repr(v).
func (r *runtime) repr(v Value) string {
	var b strings.Builder
	r.writeRepr(&b, v)
	return r.str(b.String())
}

func (r *runtime) writeRepr(b *strings.Builder, v Value) {
	r.enter()
	defer r.leave()
	r.step(1)
	if b.Len() > r.lim.Output {
		r.fail("LimitError", "a printed value is longer than %d bytes", r.lim.Output)
	}
	switch v := v.(type) {
	case nil:
		b.WriteString("None")
	case bool:
		if v {
			b.WriteString("True")
		} else {
			b.WriteString("False")
		}
	case int64:
		b.WriteString(strconv.FormatInt(v, 10))
	case *big.Int:
		b.WriteString(r.bigText(v))
	case float64:
		b.WriteString(floatRepr(v))
	case string:
		quoteTo(b, v)
	case Markup:
		b.WriteString("Markup(")
		quoteTo(b, string(v))
		b.WriteByte(')')
	case *undefined:
		b.WriteString("Undefined")
	case *List:
		r.writeItems(b, "[", v.Items, "]")
	case *Tuple:
		if len(v.Items) == 1 {
			r.writeItems(b, "(", v.Items, ",)")
		} else {
			r.writeItems(b, "(", v.Items, ")")
		}
	case *Dict:
		b.WriteByte('{')
		for i, k := range v.keys {
			if i > 0 {
				b.WriteString(", ")
			}
			r.writeRepr(b, k)
			b.WriteString(": ")
			r.writeRepr(b, v.vals[i])
		}
		b.WriteByte('}')
	case *namespace:
		b.WriteString("<Namespace ")
		r.writeRepr(b, v.attrs)
		b.WriteByte('>')
	case *view:
		b.WriteString(v.name)
		r.writeItems(b, "([", v.items, "])")
	case *pyRange:
		if v.step == 1 {
			fmt.Fprintf(b, "range(%d, %d)", v.start, v.stop)
		} else {
			fmt.Fprintf(b, "range(%d, %d, %d)", v.start, v.stop, v.step)
		}
	case *macro:
		b.WriteString("<Macro ")
		quoteTo(b, v.def.name)
		b.WriteByte('>')
	case *loopState:
		fmt.Fprintf(b, "<LoopContext %d/%d>", v.index0+1, v.length())
	default:
		// Python prints an address here; no template means that.
		b.WriteString("<" + typeName(v) + " object>")
	}
}

func (r *runtime) writeItems(b *strings.Builder, open string, items []Value, end string) {
	b.WriteString(open)
	for i, item := range items {
		if i > 0 {
			b.WriteString(", ")
		}
		r.writeRepr(b, item)
	}
	b.WriteString(end)
}

func (r *runtime) bigText(v *big.Int) string {
	s := v.String()
	if len(strings.TrimPrefix(s, "-")) > maxDigits {
		r.fail("ValueError", "Exceeds the limit (%d digits) for integer string conversion", maxDigits)
	}
	return s
}

// floatRepr is the shortest text that reads back the same: fixed from 1e-4 up to 1e16, else with an exponent.
func floatRepr(f float64) string {
	switch {
	case math.IsInf(f, 1):
		return "inf"
	case math.IsInf(f, -1):
		return "-inf"
	case math.IsNaN(f):
		return "nan"
	}
	s := strconv.FormatFloat(f, 'e', -1, 64)
	mant, exp, _ := strings.Cut(s, "e")
	e, _ := strconv.Atoi(exp)
	if f == 0 || (e >= -4 && e < 16) {
		s = strconv.FormatFloat(f, 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return s
	}
	return fmt.Sprintf("%se%+03d", mant, e)
}

// quoteTo writes a string as Python's repr does: single quotes unless only those occur in it, and escapes for
// what cannot be printed.
func quoteTo(b *strings.Builder, s string) {
	q := byte('\'')
	if strings.Contains(s, "'") && !strings.Contains(s, `"`) {
		q = '"'
	}
	b.WriteByte(q)
	for _, c := range s {
		switch {
		case c == rune(q) || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c == '\r':
			b.WriteString(`\r`)
		case c == '\t':
			b.WriteString(`\t`)
		case c < ' ' || c == 0x7f || (c < 0x100 && !unicode.IsPrint(c)):
			fmt.Fprintf(b, `\x%02x`, c)
		case unicode.IsPrint(c):
			b.WriteRune(c)
		case c < 0x10000:
			fmt.Fprintf(b, `\u%04x`, c)
		default:
			fmt.Fprintf(b, `\U%08x`, c)
		}
	}
	b.WriteByte(q)
}
