package jinja

import (
	"math/big"
	"strings"
	"unicode/utf8"
)

// Subscripts: x[i] and x[lo:hi:step] of strings, lists, tuples, ranges and dicts, with
// Python's rules for what is negative, missing or out of range.

func (x *indexExpr) eval(f *frame) Value {
	v := f.eval(x.x)
	if s, ok := x.i.(*sliceExpr); ok {
		return f.slice(v, s)
	}
	return f.r.item(v, f.eval(x.i))
}

func (*sliceExpr) eval(f *frame) Value {
	f.r.fail("TypeError", "a slice is only an index")
	return nil
}

// item is x[i]: an entry first, then, for a string, an attribute.
func (r *runtime) item(x, i Value) Value {
	r.use(x)
	if d, ok := x.(*Dict); ok {
		if h, ok := hash(i); ok {
			if v, ok := d.lookup(h); ok {
				return v
			}
		}
	} else if n, ok := smallInt(i); ok {
		if v, ok := r.at(x, n); ok {
			return v
		}
	}
	name, ok := text(i)
	if !ok {
		return undef(objectName(x) + " has no element " + r.repr(i))
	}
	if v, ok := r.method(x, name); ok {
		return v
	}
	return r.noAttr(x, name)
}

// at returns the n-th item of a sequence, from its end if n is negative.
func (r *runtime) at(x Value, n int64) (Value, bool) {
	var items []Value
	switch v := x.(type) {
	case *List:
		items = v.Items
	case *Tuple:
		items = v.Items
	case *pyRange:
		size := int64(v.len())
		if n < 0 {
			n += size
		}
		if n < 0 || n >= size {
			return nil, false
		}
		return v.start + n*v.step, true
	default:
		s, ok := text(x)
		if !ok {
			return nil, false
		}
		size, _ := length(x)
		r.step(len(s) / 16)
		if n < 0 {
			n += int64(size)
		}
		if n < 0 || n >= int64(size) {
			return nil, false
		}
		return like(x, substring(s, n, 1)), true
	}
	if n < 0 {
		n += int64(len(items))
	}
	if n < 0 || n >= int64(len(items)) {
		return nil, false
	}
	return items[n], true
}

// substring returns n code points of s from the start-th on.
func substring(s string, start, n int64) string {
	skip := func(s string, n int64) int {
		i := 0
		for ; n > 0 && i < len(s); n-- {
			_, size := utf8.DecodeRuneInString(s[i:])
			i += size
		}
		return i
	}
	s = s[skip(s, start):]
	return s[:skip(s, n)]
}

// runes cuts a string into code points and counts the work.
func (r *runtime) runes(s string) []rune {
	r.step(len(s) / 16)
	r.alloc(4 * len(s))
	return []rune(s)
}

// slice is v[lo:hi:step].
func (f *frame) slice(v Value, s *sliceExpr) Value {
	r := f.r
	bound := func(x expr) (n int64, ok bool) {
		if x == nil {
			return 0, false
		}
		i := f.eval(x)
		switch i := i.(type) {
		case nil:
			return 0, false
		case *big.Int:
			if i.Sign() < 0 {
				return -1 << 62, true
			}
			return 1 << 62, true
		}
		n, ok = smallInt(i)
		if !ok {
			r.fail("TypeError", "slice indices must be integers or None or have an __index__ method")
		}
		return n, true
	}
	lo, hasLo := bound(s.lo)
	hi, hasHi := bound(s.hi)
	step, hasStep := bound(s.step)
	r.use(v)
	if !hasStep {
		step = 1
	}
	var items []Value
	size := 0
	str, isStr := text(v)
	switch l := v.(type) {
	case *List:
		items, size = l.Items, len(l.Items)
	case *Tuple:
		items, size = l.Items, len(l.Items)
	case *pyRange:
		size = l.len()
	default:
		if !isStr {
			r.fail("TypeError", "'%s' object has no slices", typeName(v))
		}
		size, _ = length(v)
		r.step(len(str) / 16)
	}
	if step == 0 {
		r.fail("ValueError", "slice step cannot be zero")
	}
	start, n := sliceRange(int64(size), lo, hi, step, hasLo, hasHi)
	if isStr {
		if step == 1 {
			return like(v, substring(str, start, n))
		}
		runes := r.runes(str)
		var b strings.Builder
		for i := range n {
			b.WriteRune(runes[start+i*step])
		}
		return like(v, r.str(b.String()))
	}
	if l, ok := v.(*pyRange); ok {
		from := l.start + start*l.step
		return &pyRange{from, from + n*step*l.step, step * l.step}
	}
	r.alloc(valueBytes * int(n))
	out := make([]Value, n)
	for i := range n {
		out[i] = items[start+i*step]
	}
	if _, ok := v.(*Tuple); ok {
		return &Tuple{out}
	}
	return &List{out}
}

// sliceRange resolves Python's slice bounds to a start and a count.
func sliceRange(size, lo, hi, step int64, hasLo, hasHi bool) (start, n int64) {
	clamp := func(i int64, has bool, missing, low, high int64) int64 {
		if !has {
			return missing
		}
		if i < 0 {
			i += size
		}
		return min(max(i, low), high)
	}
	if step > 0 {
		start = clamp(lo, hasLo, 0, 0, size)
		end := clamp(hi, hasHi, size, 0, size)
		if end > start {
			n = (end-start-1)/step + 1
		}
		return start, n
	}
	start = clamp(lo, hasLo, size-1, -1, size-1)
	end := clamp(hi, hasHi, -1, -1, size-1)
	if start > end && step > -1<<62 {
		n = (start-end-1)/-step + 1
	} else if start > end {
		n = 1
	}
	return start, n
}
