package jinja

import (
	"math/big"
	"slices"
	"strings"
)

// eval evaluates an expression under the limits.
func (f *frame) eval(x expr) Value {
	f.r.step(1)
	f.r.enter()
	v := x.eval(f)
	f.r.leave()
	return v
}

func (x *constExpr) eval(*frame) Value { return x.v }

func (x *nameExpr) eval(f *frame) Value {
	if v, ok := f.scope.get(x.name); ok {
		return v
	}
	if g, ok := globals[x.name]; ok {
		return g
	}
	return undef("'" + x.name + "' is undefined")
}

func (f *frame) all(xs []expr) []Value {
	f.r.alloc(valueBytes * len(xs))
	vs := make([]Value, len(xs))
	for i, x := range xs {
		vs[i] = f.eval(x)
	}
	return vs
}

func (x *listExpr) eval(f *frame) Value  { return &List{f.all(x.items)} }
func (x *tupleExpr) eval(f *frame) Value { return &Tuple{f.all(x.items)} }

func (x *dictExpr) eval(f *frame) Value {
	d := &Dict{}
	for i, k := range x.keys {
		f.r.put(d, f.eval(k), f.eval(x.vals[i]))
	}
	return d
}

// put adds an entry under any key.
func (r *runtime) put(d *Dict, key, v Value) {
	h, ok := hash(key)
	if !ok {
		r.fail("TypeError", "unhashable type: '%s'", typeName(key))
	}
	r.alloc(4 * valueBytes)
	d.put(h, key, v)
}

func (x *attrExpr) eval(f *frame) Value { return f.r.attr(f.eval(x.x), x.name) }

// attr is x.name: a method or attribute first, then an entry.
func (r *runtime) attr(x Value, name string) Value {
	r.use(x)
	if v, ok := r.method(x, name); ok {
		return v
	}
	if d, ok := x.(*Dict); ok {
		if v, ok := d.lookup(name); ok {
			return v
		}
	}
	return r.noAttr(x, name)
}

func (r *runtime) noAttr(x Value, name string) Value {
	return undef("'" + objectName(x) + "' has no attribute '" + name + "'")
}

func (x *unaryExpr) eval(f *frame) Value {
	v := f.r.use(f.eval(x.x))
	i, fl, isFloat, ok := number(v)
	switch {
	case !ok:
		f.r.fail("TypeError", "bad operand type for unary %s: '%s'", x.op, typeName(v))
	case x.op == "+" && isFloat:
		return fl
	case x.op == "+":
		return f.r.normal(i)
	case isFloat:
		return -fl
	}
	return f.r.normal(new(big.Int).Neg(i))
}

func (x *notExpr) eval(f *frame) Value { return !truth(f.eval(x.x)) }

func (x *binaryExpr) eval(f *frame) Value {
	a := f.eval(x.x)
	return f.r.binary(x.op, a, f.eval(x.y))
}

func (x *concatExpr) eval(f *frame) Value {
	var b strings.Builder
	for _, item := range x.items {
		b.WriteString(f.r.toStr(f.eval(item)))
		if b.Len() > f.r.lim.Output {
			f.r.fail("LimitError", "a string is longer than %d bytes", f.r.lim.Output)
		}
	}
	return f.r.str(b.String())
}

func (x *andExpr) eval(f *frame) Value {
	if v := f.eval(x.x); !truth(v) {
		return v
	}
	return f.eval(x.y)
}

func (x *orExpr) eval(f *frame) Value {
	if v := f.eval(x.x); truth(v) {
		return v
	}
	return f.eval(x.y)
}

func (x *compareExpr) eval(f *frame) Value {
	left := f.eval(x.x)
	for i, op := range x.ops {
		right := f.eval(x.ys[i])
		if !f.r.compare(op, left, right) {
			return false
		}
		left = right
	}
	return true
}

func (x *condExpr) eval(f *frame) Value {
	if truth(f.eval(x.test)) {
		return f.eval(x.yes)
	}
	if x.no == nil {
		return undef("the inline if-expression evaluated to false and no else section was defined.")
	}
	return f.eval(x.no)
}

func (x *filterExpr) eval(f *frame) Value {
	var v Value
	if x.x != nil {
		v = f.eval(x.x)
	}
	return x.apply(f, v)
}

// apply runs the filter on v.
func (x *filterExpr) apply(f *frame, v Value) Value {
	a := f.args(x.args)
	f.r.line = x.line
	return f.r.filter(x.name, v, a)
}

// on runs a chain of filters, whose innermost has no input, on v.
func (x *filterExpr) on(f *frame, v Value) Value {
	if in, ok := x.x.(*filterExpr); ok {
		v = in.on(f, v)
	}
	return x.apply(f, v)
}

func (r *runtime) filter(name string, v Value, a *args) Value {
	fn, ok := filters[name]
	if !ok {
		r.fail("TemplateRuntimeError", "No filter named '%s' found.", name)
	}
	r.step(1)
	return fn(r, v, a)
}

func (x *testExpr) eval(f *frame) Value {
	v := f.eval(x.x)
	a := f.args(x.args)
	f.r.line = x.line
	return f.r.test(x.name, v, a)
}

func (r *runtime) test(name string, v Value, a *args) bool {
	fn, ok := tests[name]
	if !ok {
		r.fail("TemplateRuntimeError", "No test named '%s' found.", name)
	}
	r.step(1)
	return fn(r, v, a)
}

// args are a call's arguments.
type args struct {
	pos   []Value
	names []string
	vals  []Value
}

func (f *frame) args(c callArgs) *args {
	a := &args{}
	if len(c.pos) > 0 {
		a.pos = f.all(c.pos)
	}
	for i, name := range c.names {
		a.names = append(a.names, name)
		a.vals = append(a.vals, f.eval(c.vals[i]))
	}
	if c.rest != nil {
		a.pos = append(a.pos, f.r.collect(f.eval(c.rest))...)
	}
	if c.restDict != nil {
		d, ok := f.eval(c.restDict).(*Dict)
		if !ok {
			f.r.fail("TypeError", "argument after ** must be a mapping")
		}
		for i, k := range d.keys {
			name, ok := text(k)
			if !ok {
				f.r.fail("TypeError", "keywords must be strings")
			}
			if slices.Contains(a.names, name) {
				f.r.fail("TypeError", "got multiple values for keyword argument '%s'", name)
			}
			a.names = append(a.names, name)
			a.vals = append(a.vals, d.vals[i])
		}
	}
	return a
}

// pop takes a keyword argument out.
func (a *args) pop(name string) (Value, bool) {
	i := slices.Index(a.names, name)
	if i < 0 {
		return nil, false
	}
	v := a.vals[i]
	a.names = slices.Delete(slices.Clone(a.names), i, i+1)
	a.vals = slices.Delete(slices.Clone(a.vals), i, i+1)
	return v, true
}

// absent stands in bind's result for an argument that was not passed.
type absent struct{}

// bind lines arguments up with parameter names; the first required ones must be there, others may be absent.
func (a *args) bind(r *runtime, fn string, required int, names ...string) []Value {
	if len(a.pos) > len(names) {
		r.fail("TypeError", "%s() takes at most %d arguments (%d given)", fn, len(names), len(a.pos))
	}
	out := make([]Value, len(names))
	for i := range out {
		out[i] = absent{}
	}
	copy(out, a.pos)
	for i, name := range a.names {
		k := slices.Index(names, name)
		if k < 0 {
			r.fail("TypeError", "%s() got an unexpected keyword argument '%s'", fn, name)
		}
		if k < len(a.pos) {
			r.fail("TypeError", "%s() got multiple values for argument '%s'", fn, name)
		}
		out[k] = a.vals[i]
	}
	for i := range required {
		if _, ok := out[i].(absent); ok {
			r.fail("TypeError", "%s() missing required argument '%s'", fn, names[i])
		}
	}
	return out
}

// or returns v, or other if the argument is absent.
func or(v, other Value) Value {
	if _, ok := v.(absent); ok {
		return other
	}
	return v
}

// integer reads an int argument.
func (r *runtime) integer(fn string, v Value) int64 {
	n, ok := smallInt(r.use(v))
	if !ok {
		r.fail("TypeError", "%s(): '%s' object cannot be interpreted as an integer", fn, typeName(v))
	}
	return n
}

// string reads a str argument.
func (r *runtime) string(fn string, v Value) string {
	s, ok := text(r.use(v))
	if !ok {
		r.fail("TypeError", "%s(): expected str, got %s", fn, typeName(v))
	}
	return s
}
