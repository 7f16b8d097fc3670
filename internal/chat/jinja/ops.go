package jinja

import (
	"cmp"
	"math"
	"math/big"
	"strings"
)

// maxIntBits bounds integers: some digits more than Python would print.
const maxIntBits = 16384

// number splits a number: exactly one of i and f is meant. Booleans are 0 and 1, as in Python.
func number(v Value) (i *big.Int, f float64, isFloat, ok bool) {
	switch v := v.(type) {
	case bool:
		if v {
			return big.NewInt(1), 0, false, true
		}
		return new(big.Int), 0, false, true
	case int64:
		return big.NewInt(v), 0, false, true
	case *big.Int:
		return v, 0, false, true
	case float64:
		return nil, v, true, true
	}
	return nil, 0, false, false
}

// smallInt is an int64 (or bool) without the way over big.Int.
func smallInt(v Value) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case bool:
		if v {
			return 1, true
		}
		return 0, true
	}
	return 0, false
}

func (r *runtime) normal(i *big.Int) Value {
	if i.IsInt64() {
		return i.Int64()
	}
	if i.BitLen() > maxIntBits {
		r.fail("LimitError", "an integer of more than %d bits", maxIntBits)
	}
	r.alloc(i.BitLen() / 8)
	return i
}

func bigFloat(i *big.Int) float64 {
	f, _ := new(big.Float).SetInt(i).Float64()
	return f
}

// use fails if v is undefined: nearly every operation on it is an error.
func (r *runtime) use(v Value) Value {
	if u, ok := v.(*undefined); ok {
		r.fail(u.kind, "%s", u.msg)
	}
	return v
}

func (r *runtime) badOperands(op string, x, y Value) {
	switch {
	case op == "+" && isText(x):
		r.fail("TypeError", `can only concatenate str (not "%s") to str`, typeName(y))
	case op == "+" && typeName(x) == "list":
		r.fail("TypeError", `can only concatenate list (not "%s") to list`, typeName(y))
	}
	r.fail("TypeError", "unsupported operand type(s) for %s: '%s' and '%s'", op, typeName(x), typeName(y))
}

func isText(v Value) bool { _, ok := text(v); return ok }

// binary applies + - * / // % **.
func (r *runtime) binary(op string, x, y Value) Value {
	r.use(x)
	if isText(x) && op == "%" {
		return r.percent(x, y) // which prints an undefined value as any other
	}
	r.use(y)
	if s, ok := text(x); ok {
		switch op {
		case "+":
			t, ok := text(y)
			if !ok {
				r.badOperands(op, x, y)
			}
			return r.concat(x, y, s, t)
		}
	}
	if op == "+" {
		switch a := x.(type) {
		case *List:
			if b, ok := y.(*List); ok {
				return r.list(append(append([]Value{}, a.Items...), b.Items...))
			}
		case *Tuple:
			if b, ok := y.(*Tuple); ok {
				r.alloc(valueBytes * (len(a.Items) + len(b.Items)))
				return &Tuple{append(append([]Value{}, a.Items...), b.Items...)}
			}
		}
	}
	if op == "*" {
		if n, ok := smallInt(y); ok && isSequence(x) {
			return r.repeat(x, n)
		}
		if n, ok := smallInt(x); ok && isSequence(y) {
			return r.repeat(y, n)
		}
	}
	a, af, aFloat, ok := number(x)
	b, bf, bFloat, ok2 := number(y)
	if !ok || !ok2 {
		r.badOperands(op, x, y)
	}
	if !aFloat && !bFloat {
		return r.intOp(op, a, b)
	}
	if !aFloat {
		af = bigFloat(a)
	}
	if !bFloat {
		bf = bigFloat(b)
	}
	return r.floatOp(op, af, bf)
}

func isSequence(v Value) bool {
	switch v.(type) {
	case string, Markup, *List, *Tuple:
		return true
	}
	return false
}

// concat joins two strings; a marked one escapes the other.
func (r *runtime) concat(x, y Value, s, t string) Value {
	_, mx := x.(Markup)
	_, my := y.(Markup)
	switch {
	case mx && !my:
		t = escapeHTML(t)
	case my && !mx:
		s = escapeHTML(s)
	case !mx:
		return r.str(s + t)
	}
	return Markup(r.str(s + t))
}

var htmlEscaper = strings.NewReplacer("&", "&amp;", ">", "&gt;", "<", "&lt;", "'", "&#39;", `"`, "&#34;")

func escapeHTML(s string) string { return htmlEscaper.Replace(s) }

func (r *runtime) repeat(v Value, n int64) Value {
	n = max(n, 0)
	size, _ := length(v)
	if s, ok := text(v); ok {
		size = len(s)
	}
	if size > 0 && n > r.lim.Bytes/int64(size) {
		r.fail("LimitError", "a value repeated %d times is too long", n)
	}
	switch v := v.(type) {
	case *List:
		return &List{r.repeatItems(v.Items, int(n))}
	case *Tuple:
		return &Tuple{r.repeatItems(v.Items, int(n))}
	}
	s, _ := text(v)
	r.alloc(size * int(n))
	if size == 0 {
		n = 0
	}
	return like(v, strings.Repeat(s, int(n)))
}

func (r *runtime) repeatItems(items []Value, n int) []Value {
	if len(items) == 0 {
		return nil
	}
	r.alloc(valueBytes * len(items) * n)
	out := make([]Value, 0, len(items)*n)
	for range n {
		out = append(out, items...)
	}
	return out
}

func (r *runtime) intOp(op string, a, b *big.Int) Value {
	z := new(big.Int)
	switch op {
	case "+":
		return r.normal(z.Add(a, b))
	case "-":
		return r.normal(z.Sub(a, b))
	case "*":
		return r.normal(z.Mul(a, b))
	case "/":
		if b.Sign() == 0 {
			r.fail("ZeroDivisionError", "division by zero")
		}
		f, _ := new(big.Rat).SetFrac(a, b).Float64()
		if math.IsInf(f, 0) {
			r.fail("OverflowError", "integer division result too large for a float")
		}
		return f
	case "//", "%":
		if b.Sign() == 0 {
			r.fail("ZeroDivisionError", "integer division or modulo by zero")
		}
		// Rounded down, the remainder has the divisor's sign.
		m := new(big.Int)
		z.QuoRem(a, b, m)
		if m.Sign() != 0 && m.Sign() != b.Sign() {
			z.Sub(z, big.NewInt(1))
			m.Add(m, b)
		}
		if op == "//" {
			return r.normal(z)
		}
		return r.normal(m)
	}
	if b.Sign() < 0 {
		return r.floatOp(op, bigFloat(a), bigFloat(b))
	}
	if a.BitLen() > 1 && (!b.IsInt64() || b.Int64() > maxIntBits || int64(a.BitLen())*b.Int64() > 2*maxIntBits) {
		r.fail("LimitError", "an integer of more than %d bits", maxIntBits)
	}
	if a.BitLen() <= 1 && b.BitLen() > 1 { // 0, 1 and -1 to any power
		b = big.NewInt(2 + int64(b.Bit(0)))
	}
	return r.normal(z.Exp(a, b, nil))
}

func (r *runtime) floatOp(op string, a, b float64) Value {
	if b == 0 && (op == "/" || op == "//" || op == "%") {
		r.fail("ZeroDivisionError", "float division by zero")
	}
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "//", "%":
		m := math.Mod(a, b)
		if m != 0 && (m < 0) != (b < 0) {
			m += b
		} else if m == 0 {
			m = math.Copysign(0, b)
		}
		if op == "%" {
			return m
		}
		q := (a - m) / b
		if q == 0 {
			return math.Copysign(0, a/b)
		}
		fl := math.Floor(q)
		if q-fl > 0.5 {
			fl++
		}
		return fl
	}
	if a == 0 && b < 0 {
		r.fail("ZeroDivisionError", "0.0 cannot be raised to a negative power")
	}
	f := math.Pow(a, b)
	if math.IsNaN(f) && !math.IsNaN(a) && !math.IsNaN(b) {
		r.fail("TypeError", "complex numbers are not supported")
	}
	if math.IsInf(f, 0) && !math.IsInf(a, 0) && !math.IsInf(b, 0) {
		r.fail("OverflowError", "Numerical result out of range")
	}
	return f
}

// equal is Python's ==.
func (r *runtime) equal(x, y Value) bool {
	r.enter()
	defer r.leave()
	r.step(1)
	if s, ok := text(x); ok {
		t, ok := text(y)
		return ok && s == t
	}
	if a, ok := smallInt(x); ok {
		if b, ok := smallInt(y); ok {
			return a == b
		}
	}
	if c, ok := compareNumbers(x, y); ok {
		return c == 0
	}
	switch x := x.(type) {
	case nil:
		return y == nil
	case *undefined:
		_, ok := y.(*undefined)
		return ok
	case *List:
		y, ok := y.(*List)
		return ok && r.equalItems(x.Items, y.Items)
	case *Tuple:
		y, ok := y.(*Tuple)
		return ok && r.equalItems(x.Items, y.Items)
	case *Dict:
		y, ok := y.(*Dict)
		if !ok || x.Len() != y.Len() {
			return false
		}
		for i, k := range x.keys {
			h, _ := hash(k)
			v, ok := y.lookup(h)
			if !ok || !r.equal(x.vals[i], v) {
				return false
			}
		}
		return true
	case *pyRange:
		y, ok := y.(*pyRange)
		return ok && x.len() == y.len() && (x.len() == 0 || (x.start == y.start && (x.len() == 1 || x.step == y.step)))
	case bool, int64, *big.Int, float64:
		return false
	}
	return x == y // pointers
}

func (r *runtime) equalItems(a, b []Value) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !r.equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// compareNumbers orders two numbers; 2: not comparable (NaN). ok is false if one is no number.
func compareNumbers(x, y Value) (c int, ok bool) {
	a, af, aFloat, ok := number(x)
	b, bf, bFloat, ok2 := number(y)
	switch {
	case !ok || !ok2:
		return 0, false
	case !aFloat && !bFloat:
		return a.Cmp(b), true
	case aFloat && bFloat:
		if math.IsNaN(af) || math.IsNaN(bf) {
			return 2, true
		}
		return cmp.Compare(af, bf), true
	case aFloat:
		c, ok = compareNumbers(y, x)
		if c == 2 {
			return 2, ok
		}
		return -c, ok
	}
	if math.IsNaN(bf) {
		return 2, true
	}
	if math.IsInf(bf, 0) {
		return -int(math.Copysign(1, bf)), true
	}
	return new(big.Float).SetPrec(maxIntBits + 64).SetInt(a).Cmp(big.NewFloat(bf)), true
}

// less is Python's x < y, for op's message.
func (r *runtime) less(op string, x, y Value) bool {
	r.use(x)
	r.use(y)
	r.step(1)
	if c, ok := compareNumbers(x, y); ok {
		return c == -1
	}
	if s, ok := text(x); ok {
		if t, ok := text(y); ok {
			return s < t // the order of UTF-8 is the order of code points
		}
	}
	var a, b []Value
	switch l := x.(type) {
	case *List:
		if m, ok := y.(*List); ok {
			a, b = l.Items, m.Items
			return r.lessItems(op, a, b)
		}
	case *Tuple:
		if m, ok := y.(*Tuple); ok {
			a, b = l.Items, m.Items
			return r.lessItems(op, a, b)
		}
	}
	r.fail("TypeError", "'%s' not supported between instances of '%s' and '%s'", op, typeName(x), typeName(y))
	return false
}

func (r *runtime) lessItems(op string, a, b []Value) bool {
	r.enter()
	defer r.leave()
	for i := 0; i < len(a) && i < len(b); i++ {
		if !r.equal(a[i], b[i]) {
			return r.less(op, a[i], b[i])
		}
	}
	return len(a) < len(b)
}

func (r *runtime) compare(op string, x, y Value) bool {
	switch op {
	case "==":
		return r.equal(x, y)
	case "!=":
		return !r.equal(x, y)
	case "<":
		return r.less(op, x, y)
	case ">":
		r.use(x)
		if c, ok := compareNumbers(x, y); ok {
			return c == 1
		}
		return r.less(op, y, x)
	case "<=", ">=":
		r.use(x)
		r.use(y)
		if c, ok := compareNumbers(x, y); ok {
			return c == 0 || (c != 2 && (c < 0) == (op == "<="))
		}
		if isSequence(x) && typeName(x) == typeName(y) && r.equal(x, y) {
			return true
		}
		if op == "<=" {
			return r.less(op, x, y)
		}
		return r.less(op, y, x)
	case "in":
		return r.contains(y, x)
	}
	return !r.contains(y, x)
}

// contains is Python's "x in box".
func (r *runtime) contains(box, x Value) bool {
	if s, ok := text(box); ok {
		r.use(x)
		t, ok := text(x)
		if !ok {
			r.fail("TypeError", "'in <string>' requires string as left operand, not %s", typeName(x))
		}
		r.step(len(s) / 64)
		return strings.Contains(s, t)
	}
	if d, ok := box.(*Dict); ok {
		h, ok := hash(x)
		if !ok {
			r.fail("TypeError", "unhashable type: '%s'", typeName(x))
		}
		_, ok = d.lookup(h)
		return ok
	}
	if !iterable(box) {
		r.fail("TypeError", "argument of type '%s' is not iterable", typeName(box))
	}
	next := r.iter(box)
	for {
		item, ok := next()
		if !ok {
			return false
		}
		if r.equal(item, x) {
			return true
		}
	}
}
