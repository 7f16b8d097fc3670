package jinja

import (
	"slices"
	"strings"
)

// Attributes that would change a value: the sandbox hides them.
var mutators = map[string][]string{
	"list": {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"},
	"dict": {"clear", "pop", "popitem", "setdefault", "update"},
}

// method returns x's built-in attribute called name.
func (r *runtime) method(x Value, name string) (Value, bool) {
	if strings.HasPrefix(name, "__") && strings.HasSuffix(name, "__") || slices.Contains(mutators[typeName(x)], name) {
		return &undefined{"SecurityError", "access to attribute '" + name + "' of '" + typeName(x) + "' object is unsafe."}, true
	}
	bind := func(fn func(r *runtime, a *args) Value) (Value, bool) {
		return &function{name, fn}, true
	}
	switch v := x.(type) {
	case string, Markup:
		if fn, ok := strMethods[name]; ok {
			s, _ := text(v)
			return bind(func(r *runtime, a *args) Value {
				r.step(1 + len(s)/64)
				return fn(r, v, s, a)
			})
		}
	case *Dict:
		if fn, ok := dictMethods[name]; ok {
			return bind(func(r *runtime, a *args) Value { return fn(r, v, a) })
		}
	case *List:
		switch name {
		case "copy":
			return bind(func(r *runtime, a *args) Value {
				a.bind(r, name, 0)
				return v
			})
		case "count", "index":
			return bind(func(r *runtime, a *args) Value { return r.find(name, v.Items, a) })
		}
	case *Tuple:
		if name == "count" || name == "index" {
			return bind(func(r *runtime, a *args) Value { return r.find(name, v.Items, a) })
		}
	case *namespace:
		return v.attrs.lookup(name)
	case *loopState:
		return v.attr(name)
	case *pyRange:
		switch name {
		case "start":
			return v.start, true
		case "stop":
			return v.stop, true
		case "step":
			return v.step, true
		case "count", "index":
			return bind(func(r *runtime, a *args) Value { return r.find(name, r.collect(v), a) })
		}
	case *macro:
		switch name {
		case "name":
			return v.def.name, true
		case "arguments":
			return &Tuple{strs(v.def.args).Items}, true
		case "caller":
			return v.def.caller, true
		case "catch_kwargs":
			return v.def.kwargs, true
		case "catch_varargs":
			return v.def.varargs, true
		}
	case int64, bool:
		n, _ := smallInt(v)
		switch name {
		case "real", "numerator":
			return n, true
		case "imag":
			return int64(0), true
		case "denominator":
			return int64(1), true
		}
	case float64:
		switch name {
		case "real":
			return v, true
		case "imag":
			return 0.0, true
		case "is_integer":
			return bind(func(*runtime, *args) Value { return v == float64(int64(v)) })
		}
	}
	return nil, false
}

// find is list.count and list.index.
func (r *runtime) find(name string, items []Value, a *args) Value {
	want := a.bind(r, name, 1, "value")[0]
	n := int64(0)
	for i, item := range items {
		if r.equal(item, want) {
			if name == "index" {
				return int64(i)
			}
			n++
		}
	}
	if name == "index" {
		r.fail("ValueError", "%s is not in list", r.repr(want))
	}
	return n
}

var dictMethods = map[string]func(r *runtime, d *Dict, a *args) Value{
	"get": func(r *runtime, d *Dict, a *args) Value {
		b := a.bind(r, "get", 1, "key", "default")
		h, ok := hash(b[0])
		if !ok {
			r.fail("TypeError", "unhashable type: '%s'", typeName(b[0]))
		}
		if v, ok := d.lookup(h); ok {
			return v
		}
		return or(b[1], nil)
	},
	"items":  func(r *runtime, d *Dict, a *args) Value { a.bind(r, "items", 0); return r.items(d) },
	"keys":   func(r *runtime, d *Dict, a *args) Value { a.bind(r, "keys", 0); return &view{"dict_keys", d.keys} },
	"values": func(r *runtime, d *Dict, a *args) Value { a.bind(r, "values", 0); return &view{"dict_values", d.vals} },
	"copy":   func(r *runtime, d *Dict, a *args) Value { a.bind(r, "copy", 0); return d },
}

func (r *runtime) items(d *Dict) *view {
	r.alloc(4 * valueBytes * d.Len())
	pairs := make([]Value, d.Len())
	for i, k := range d.keys {
		pairs[i] = &Tuple{[]Value{k, d.vals[i]}}
	}
	return &view{"dict_items", pairs}
}

// maxRange is the sandbox's bound on range().
const maxRange = 100000

// globals are the functions that a template finds beside its variables.
var globals map[string]Value

func init() {
	globals = map[string]Value{}
	for name, fn := range map[string]func(r *runtime, a *args) Value{
		"range":           callRange,
		"namespace":       func(r *runtime, a *args) Value { return &namespace{r.dict("namespace", a)} },
		"dict":            func(r *runtime, a *args) Value { return r.dict("dict", a) },
		"raise_exception": callRaise,
		"strftime_now": func(r *runtime, a *args) Value {
			return r.strftime(r.string("strftime_now", a.bind(r, "strftime_now", 1, "format")[0]))
		},
		"joiner": callJoiner,
		"cycler": callCycler,
	} {
		globals[name] = &function{name, fn}
	}
}

func callRaise(r *runtime, a *args) Value {
	r.fail("TemplateError", "%s", r.toStr(a.bind(r, "raise_exception", 1, "message")[0]))
	return nil
}

func callRange(r *runtime, a *args) Value {
	if len(a.names) > 0 {
		r.fail("TypeError", "range() takes no keyword arguments")
	}
	n := a.bind(r, "range", 1, "start", "stop", "step")
	p := &pyRange{0, r.integer("range", n[0]), 1}
	if len(a.pos) > 1 {
		p.start, p.stop = p.stop, r.integer("range", n[1])
	}
	if len(a.pos) > 2 {
		p.step = r.integer("range", n[2])
	}
	if p.step == 0 {
		r.fail("ValueError", "range() arg 3 must not be zero")
	}
	const far = 1 << 61
	if max(p.start, p.stop, p.step) > far || min(p.start, p.stop, p.step) < -far || p.len() > maxRange {
		r.fail("OverflowError", "Range too big. The sandbox blocks ranges larger than MAX_RANGE (%d).", maxRange)
	}
	return p
}

// dict is Python's dict(mapping or pairs, **entries).
func (r *runtime) dict(fn string, a *args) *Dict {
	if len(a.pos) > 1 {
		r.fail("TypeError", "%s expected at most 1 argument, got %d", fn, len(a.pos))
	}
	d := &Dict{}
	if len(a.pos) == 1 {
		if from, ok := r.use(a.pos[0]).(*Dict); ok {
			for i, k := range from.keys {
				r.put(d, k, from.vals[i])
			}
		} else {
			for _, pair := range r.collect(a.pos[0]) {
				kv := r.collect(pair)
				if len(kv) != 2 {
					r.fail("ValueError", "dictionary update sequence element has length %d; 2 is required", len(kv))
				}
				r.put(d, kv[0], kv[1])
			}
		}
	}
	for i, name := range a.names {
		r.put(d, name, a.vals[i])
	}
	return d
}

func callJoiner(r *runtime, a *args) Value {
	sep := or(a.bind(r, "joiner", 0, "sep")[0], ", ")
	used := false
	return &function{"joiner", func(*runtime, *args) Value {
		if !used {
			used = true
			return ""
		}
		return sep
	}}
}

func callCycler(r *runtime, a *args) Value {
	if len(a.pos) == 0 {
		r.fail("RuntimeError", "at least one item has to be provided")
	}
	pos := 0
	ns := &namespace{&Dict{}}
	step := func(fn func() Value) func(*runtime, *args) Value {
		return func(*runtime, *args) Value {
			v := fn()
			ns.attrs.Set("current", a.pos[pos])
			return v
		}
	}
	ns.attrs.Set("current", a.pos[0])
	ns.attrs.Set("next", &function{"next", step(func() Value {
		v := a.pos[pos]
		pos = (pos + 1) % len(a.pos)
		return v
	})})
	ns.attrs.Set("reset", &function{"reset", step(func() Value { pos = 0; return nil })})
	return ns
}
