package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode"
)

type filterFunc func(r *runtime, v Value, a *args) Value

// filters are what stands behind a bar: the filters on strings and numbers here, those on collections in
// filters_seq.go. The filters of jinja2 that make HTML or random choices are left out.
var filters map[string]filterFunc

func init() {
	// onText makes a filter of a string method without arguments; other values are printed first.
	onText := func(fn func(s string) string) filterFunc {
		return func(r *runtime, v Value, a *args) Value {
			a.bind(r, "filter", 0)
			s := r.toStr(v)
			r.step(len(s) / 64)
			return like(v, r.str(fn(s)))
		}
	}
	filters = map[string]filterFunc{
		"upper":      onText(upper),
		"lower":      onText(lower),
		"capitalize": onText(capitalize),
		"title":      onText(titleWords),
		"string":     onText(func(s string) string { return s }),
		"trim": func(r *runtime, v Value, a *args) Value {
			b := a.bind(r, "trim", 0, "chars")
			return like(v, r.strip(r.toStr(v), or(b[0], nil), true, true))
		},
		"replace": func(r *runtime, v Value, a *args) Value {
			b := a.bind(r, "replace", 2, "old", "new", "count")
			n := -1
			if c := or(b[2], nil); c != nil {
				n = int(r.integer("replace", c))
			}
			return r.replace(r.toStr(v), r.toStr(b[0]), r.toStr(b[1]), n)
		},
		"safe": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "safe", 0)
			return Markup(r.toStr(v))
		},
		"escape":      escapeFilter,
		"e":           escapeFilter,
		"forceescape": func(r *runtime, v Value, a *args) Value { return Markup(r.str(escapeHTML(r.toStr(v)))) },
		"indent":      indentFilter,
		"format": func(r *runtime, v Value, a *args) Value {
			if len(a.names) > 0 {
				d := &Dict{}
				for i, name := range a.names {
					r.put(d, name, a.vals[i])
				}
				return r.percent(like(v, r.toStr(v)), d)
			}
			return r.percent(like(v, r.toStr(v)), &Tuple{a.pos})
		},
		"tojson":    toJSON,
		"truncate":  truncateFilter,
		"wordcount": wordCount,
		"center": func(r *runtime, v Value, a *args) Value {
			return like(v, r.pad(r.toStr(v), r.integer("center", or(a.bind(r, "center", 0, "width")[0], int64(80))), " ", '^'))
		},
		"urlencode": urlEncode,
		"abs": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "abs", 0)
			i, f, isFloat, ok := number(r.use(v))
			switch {
			case !ok:
				r.fail("TypeError", "bad operand type for abs(): '%s'", typeName(v))
			case isFloat:
				return math.Abs(f)
			}
			return r.normal(new(big.Int).Abs(i))
		},
		"int":     intFilter,
		"float":   floatFilter,
		"round":   roundFilter,
		"default": defaultFilter,
		"d":       defaultFilter,
		"attr": func(r *runtime, v Value, a *args) Value {
			name := r.string("attr", a.bind(r, "attr", 1, "name")[0])
			if m, ok := r.method(r.use(v), name); ok {
				return m
			}
			return r.noAttr(v, name)
		},
	}
	addSeqFilters()
}

func escapeFilter(r *runtime, v Value, a *args) Value {
	a.bind(r, "escape", 0)
	if m, ok := v.(Markup); ok {
		return m
	}
	return Markup(r.str(escapeHTML(r.toStr(v))))
}

func defaultFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "default", 0, "default_value", "boolean")
	if _, u := v.(*undefined); u || (truth(or(b[1], false)) && !truth(v)) {
		return or(b[0], "")
	}
	return v
}

func indentFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "indent", 0, "width", "first", "blank")
	s := r.string("indent", v)
	pad, ok := text(or(b[0], int64(4)))
	if !ok {
		n := r.integer("indent", or(b[0], int64(4)))
		if n > 1000 {
			r.fail("LimitError", "indent: a width of %d", n)
		}
		pad = strings.Repeat(" ", int(max(n, 0)))
	}
	r.alloc(valueBytes * strings.Count(s, "\n"))
	lines := splitLines(s+"\n", false)
	r.alloc(len(lines) * (len(pad) + valueBytes))
	var out strings.Builder
	for i, line := range lines {
		if i > 0 {
			out.WriteByte('\n')
		}
		if (i > 0 && (line != "" || truth(or(b[2], false)))) || (i == 0 && truth(or(b[1], false))) {
			out.WriteString(pad)
		}
		out.WriteString(line)
	}
	return like(v, r.str(out.String()))
}

func truncateFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "truncate", 0, "length", "killwords", "end", "leeway")
	n, ok := length(v)
	if !ok {
		r.fail("TypeError", "object of type '%s' has no len()", typeName(v))
	}
	size := r.integer("truncate", or(b[0], int64(255)))
	end := r.string("truncate", or(b[2], "..."))
	endLen, _ := length(end)
	leeway := int64(5)
	if l := or(b[3], nil); l != nil {
		leeway = r.integer("truncate", l)
	}
	if size < int64(endLen) || leeway < 0 {
		r.fail("AssertionError", "expected length >= %d, got %d", endLen, size)
	}
	if int64(n) <= size || int64(n)-size <= leeway {
		return v // whatever it is
	}
	cut := substring(r.string("truncate", v), 0, size-int64(endLen))
	if !truth(or(b[1], false)) {
		if i := strings.LastIndex(cut, " "); i >= 0 {
			cut = cut[:i]
		}
	}
	return like(v, r.str(cut+end))
}

func wordCount(r *runtime, v Value, a *args) Value {
	a.bind(r, "wordcount", 0)
	n, in := int64(0), false
	for _, c := range r.toStr(v) {
		word := c == '_' || unicode.IsLetter(c) || unicode.IsNumber(c)
		if word && !in {
			n++
		}
		in = word
	}
	return n
}

func urlEncode(r *runtime, v Value, a *args) Value {
	a.bind(r, "urlencode", 0)
	quote := func(v Value, query bool) string {
		var b strings.Builder
		for _, c := range []byte(r.toStr(v)) {
			switch {
			case c|32 >= 'a' && c|32 <= 'z' || c >= '0' && c <= '9' || strings.IndexByte("_.-~", c) >= 0 || (c == '/' && !query):
				b.WriteByte(c)
			case c == ' ' && query:
				b.WriteByte('+')
			default:
				const hex = "0123456789ABCDEF"
				b.WriteString("%" + string(hex[c>>4]) + string(hex[c&15]))
			}
		}
		return r.str(b.String())
	}
	if isText(v) || !iterable(v) {
		return quote(v, false)
	}
	pairs := v
	if d, ok := v.(*Dict); ok {
		pairs = r.items(d)
	}
	var parts []string
	for _, p := range r.collect(pairs) {
		kv := r.collect(p)
		if len(kv) != 2 {
			r.fail("ValueError", "not enough values to unpack (expected 2, got %d)", len(kv))
		}
		parts = append(parts, quote(kv[0], true)+"="+quote(kv[1], true))
	}
	return r.str(strings.Join(parts, "&"))
}

// parseInt is Python's int(text, base); false: no integer.
func parseInt(s string, base int) (*big.Int, bool) {
	s = strings.TrimFunc(s, isSpace)
	body := strings.TrimLeft(s, "+-")
	if len(s)-len(body) > 1 || len(body) > maxDigits || strings.HasPrefix(body, "_") || strings.HasSuffix(body, "_") || strings.Contains(body, "__") {
		return nil, false
	}
	if len(body) > 2 && body[0] == '0' {
		if map[byte]int{'x': 16, 'o': 8, 'b': 2}[body[1]|32] == base {
			body = strings.TrimPrefix(body[2:], "_")
		}
	}
	i, ok := new(big.Int).SetString(strings.ReplaceAll(body, "_", ""), base)
	if ok && strings.HasPrefix(s, "-") {
		i.Neg(i)
	}
	if body == "" || !isAlnum(body[0]) {
		return nil, false
	}
	return i, ok
}

func isAlnum(c byte) bool { return decimal(c) || (c|32 >= 'a' && c|32 <= 'z') }

// parseFloat is Python's float(text).
func parseFloat(s string) (float64, bool) {
	s = strings.TrimFunc(s, isSpace)
	if strings.ContainsAny(s, "xXpP") || strings.HasPrefix(s, "_") || strings.HasSuffix(s, "_") || strings.Contains(s, "__") {
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(s, "_", ""), 64)
	return f, err == nil || math.IsInf(f, 0)
}

func floatToInt(r *runtime, f float64) (Value, bool) {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return nil, false
	}
	i, _ := big.NewFloat(math.Trunc(f)).Int(nil)
	return r.normal(i), true
}

func intFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "int", 0, "default", "base")
	if s, ok := text(v); ok {
		base := r.integer("int", or(b[1], int64(10)))
		if base < 2 || base > 36 {
			base = 10
		}
		if i, ok := parseInt(s, int(base)); ok {
			return r.normal(i)
		}
		if f, ok := parseFloat(s); ok {
			if i, ok := floatToInt(r, f); ok {
				return i
			}
		}
		return or(b[0], int64(0))
	}
	i, f, isFloat, ok := number(r.use(v))
	if ok && !isFloat {
		return r.normal(i)
	}
	if ok {
		if i, ok := floatToInt(r, f); ok {
			return i
		}
		if math.IsInf(f, 0) {
			r.fail("OverflowError", "cannot convert float infinity to integer")
		}
	}
	return or(b[0], int64(0))
}

func floatFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "float", 0, "default")
	if s, ok := text(v); ok {
		if f, ok := parseFloat(s); ok {
			return f
		}
		return or(b[0], 0.0)
	}
	i, f, isFloat, ok := number(r.use(v))
	switch {
	case !ok:
		return or(b[0], 0.0)
	case isFloat:
		return f
	}
	return bigFloat(i)
}

func roundFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "round", 0, "precision", "method")
	digits := r.integer("round", or(b[0], int64(0)))
	method := r.string("round", or(b[1], "common"))
	i, f, isFloat, ok := number(r.use(v))
	if !ok {
		r.fail("TypeError", "type %s doesn't define __round__ method", typeName(v))
	}
	if digits < -400 || digits > 400 {
		r.fail("LimitError", "round to %d digits", digits)
	}
	switch method {
	case "common":
		if !isFloat && digits >= 0 {
			return r.normal(i)
		}
		if !isFloat {
			return roundInt(r, i, -digits)
		}
		if digits < 0 {
			p := math.Pow(10, float64(-digits))
			return math.RoundToEven(f/p) * p
		}
		// Decimal digits of the exact value, halves to even, as Python rounds.
		f, _ = strconv.ParseFloat(strconv.FormatFloat(f, 'f', int(digits), 64), 64)
		return f
	case "ceil", "floor":
		if !isFloat {
			f = bigFloat(i)
		}
		p := math.Pow(10, float64(digits))
		if method == "ceil" {
			f = math.Ceil(f*p) / p
		} else {
			f = math.Floor(f*p) / p
		}
		return f
	}
	r.fail("FilterArgumentError", "method must be common, ceil or floor")
	return nil
}

// roundInt rounds to a power of ten, halves to even.
func roundInt(r *runtime, i *big.Int, zeros int64) Value {
	p := new(big.Int).Exp(big.NewInt(10), big.NewInt(zeros), nil)
	q, m := new(big.Int).DivMod(i, p, new(big.Int))
	c := m.Lsh(m, 1).Cmp(p)
	if c > 0 || (c == 0 && q.Bit(0) == 1) {
		q.Add(q, big.NewInt(1))
	}
	return r.normal(q.Mul(q, p))
}
