package jinja

import (
	"math/big"
	"strings"
	"unicode"
)

type testFunc func(r *runtime, v Value, a *args) bool

// tests are what stands behind "is".
var tests map[string]testFunc

func init() {
	// is makes a test without arguments.
	is := func(fn func(v Value) bool) testFunc {
		return func(r *runtime, v Value, a *args) bool {
			a.bind(r, "test", 0)
			return fn(v)
		}
	}
	// cmp makes a test that compares with its argument.
	cmp := func(op string) testFunc {
		return func(r *runtime, v Value, a *args) bool {
			return r.compare(op, v, a.bind(r, "test", 1, "other")[0])
		}
	}
	modulo := func(r *runtime, v, n Value) Value { return r.binary("%", v, n) }
	isInt := func(v Value) bool {
		switch v.(type) {
		case int64, *big.Int:
			return true
		}
		return false
	}
	kind := func(names ...string) testFunc {
		return is(func(v Value) bool {
			for _, n := range names {
				if typeName(v) == n {
					return true
				}
			}
			return false
		})
	}
	tests = map[string]testFunc{
		"defined":   is(func(v Value) bool { _, u := v.(*undefined); return !u }),
		"undefined": kind("Undefined"),
		"none":      is(func(v Value) bool { return v == nil }),
		"boolean":   kind("bool"),
		"true":      is(func(v Value) bool { return v == true }),
		"false":     is(func(v Value) bool { return v == false }),
		"integer":   is(isInt),
		"float":     kind("float"),
		"number":    kind("bool", "int", "float"),
		"string":    is(isText),
		"mapping":   kind("dict"),
		"sequence":  is(isSequenceTest),
		"iterable":  is(iterable),
		"callable": is(func(v Value) bool {
			switch v.(type) {
			case *function, *macro, *loopState:
				return true
			case *undefined:
				return true // its class has __call__
			}
			return false
		}),
		"escaped": kind("Markup"),
		"odd": func(r *runtime, v Value, a *args) bool {
			a.bind(r, "odd", 0)
			return r.equal(modulo(r, v, int64(2)), int64(1))
		},
		"even": func(r *runtime, v Value, a *args) bool {
			a.bind(r, "even", 0)
			return r.equal(modulo(r, v, int64(2)), int64(0))
		},
		"divisibleby": func(r *runtime, v Value, a *args) bool {
			return r.equal(modulo(r, v, a.bind(r, "divisibleby", 1, "num")[0]), int64(0))
		},
		"lower": func(r *runtime, v Value, a *args) bool { return cased(r.toStr(v), unicode.IsLower, unicode.IsUpper) },
		"upper": func(r *runtime, v Value, a *args) bool { return cased(r.toStr(v), unicode.IsUpper, unicode.IsLower) },
		"sameas": func(r *runtime, v Value, a *args) bool {
			other := a.bind(r, "sameas", 1, "other")[0]
			switch v.(type) {
			case *List, *Dict, *Tuple:
				return v == other
			}
			return typeName(v) == typeName(other) && r.equal(v, other)
		},
		"in": func(r *runtime, v Value, a *args) bool { return r.contains(a.bind(r, "in", 1, "seq")[0], v) },
		"filter": func(r *runtime, v Value, a *args) bool {
			_, ok := filters[r.toStr(v)]
			return ok
		},
		"test": func(r *runtime, v Value, a *args) bool {
			_, ok := tests[r.toStr(v)]
			return ok
		},
	}
	for op, names := range map[string]string{
		"==": "== eq equalto", "!=": "!= ne", "<": "< lt lessthan", "<=": "<= le", ">": "> gt greaterthan", ">=": ">= ge",
	} {
		for _, name := range strings.Fields(names) {
			tests[name] = cmp(op)
		}
	}
}

func isSequenceTest(v Value) bool {
	switch v.(type) {
	case string, Markup, *List, *Tuple, *Dict, *pyRange, *undefined:
		return true
	}
	return false
}

// cased is str.islower and str.isupper: at least one letter of the wanted case and none of the other.
func cased(s string, want, other func(rune) bool) bool {
	any := false
	for _, c := range s {
		if other(c) || unicode.IsTitle(c) {
			return false
		}
		any = any || want(c)
	}
	return any
}
