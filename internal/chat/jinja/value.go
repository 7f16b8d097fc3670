package jinja

import (
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Value is a value of the template language, one of: nil (None), bool, int64, *big.Int (only beyond int64),
// float64, string, [Markup], [*List], [*Tuple], [*Dict], and the package's own kinds (undefined, namespaces,
// ranges, generators, macros, functions). Strings are UTF-8 and count in code points.
type Value = any

// Markup is a string that the safe filter marked: joined to a plain string by + or %, it escapes that one for HTML.
type Markup string

// List is a list. Templates cannot change it.
type List struct{ Items []Value }

// Tuple is a tuple.
type Tuple struct{ Items []Value }

// Dict maps hashable values to values in the order of insertion. The zero value is empty.
type Dict struct {
	keys  []Value
	vals  []Value
	index map[any]int
}

// NewDict returns a dict of alternating string keys and values.
func NewDict(pairs ...Value) *Dict {
	d := &Dict{}
	for i := 0; i+1 < len(pairs); i += 2 {
		d.Set(pairs[i].(string), pairs[i+1])
	}
	return d
}

// Len is the number of entries.
func (d *Dict) Len() int { return len(d.keys) }

// Set puts a value under a string key; a key that is there keeps its place.
func (d *Dict) Set(key string, v Value) { d.put(key, key, v) }

// Get returns the value under a string key.
func (d *Dict) Get(key string) (Value, bool) { return d.lookup(key) }

func (d *Dict) put(hash any, key, v Value) {
	if i, ok := d.index[hash]; ok {
		d.vals[i] = v
		return
	}
	if d.index == nil {
		d.index = map[any]int{}
	}
	d.index[hash] = len(d.keys)
	d.keys = append(d.keys, key)
	d.vals = append(d.vals, v)
}

func (d *Dict) lookup(hash any) (Value, bool) {
	if i, ok := d.index[hash]; ok {
		return d.vals[i], true
	}
	return nil, false
}

// Hashes of dict keys: equal values have equal Go values.
type (
	noneHash  struct{}
	tupleHash string
)

// hash returns a comparable stand-in for a key, as Python's == and hash see it; false: unhashable.
func hash(v Value) (any, bool) {
	switch v := v.(type) {
	case nil:
		return noneHash{}, true
	case bool:
		if v {
			return int64(1), true
		}
		return int64(0), true
	case int64, string:
		return v, true
	case Markup:
		return string(v), true
	case *big.Int:
		return "int " + v.String(), true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<62 {
			return int64(v), true
		}
		return v, true
	case *Tuple:
		var b strings.Builder
		for _, item := range v.Items {
			h, ok := hash(item)
			if !ok {
				return nil, false
			}
			switch h := h.(type) {
			case string:
				b.WriteString("s" + strconv.Quote(h))
			case int64:
				b.WriteString("i" + strconv.FormatInt(h, 10))
			case float64:
				b.WriteString("f" + strconv.FormatFloat(h, 'g', -1, 64))
			case noneHash:
				b.WriteString("n")
			case tupleHash:
				b.WriteString("(" + string(h) + ")")
			default:
				return nil, false
			}
			b.WriteByte(',')
		}
		return tupleHash(b.String()), true
	case *undefined:
		return "undefined", true
	case *List, *Dict:
		return nil, false
	}
	return v, true // the other kinds are pointers and equal only themselves
}

// undefined is what a missing name, key or attribute gives: false, empty, printed as nothing, and an error in
// any other use. msg is that error's text, kind its exception.
type undefined struct{ kind, msg string }

func undef(msg string) *undefined { return &undefined{"UndefinedError", msg} }

// namespace is what namespace() makes, the only thing a template can change.
type namespace struct{ attrs *Dict }

// pyRange is range(start, stop, step).
type pyRange struct{ start, stop, step int64 }

func (p *pyRange) len() int {
	if p.step > 0 && p.start < p.stop {
		return int((p.stop-p.start-1)/p.step) + 1
	}
	if p.step < 0 && p.start > p.stop {
		return int((p.start-p.stop-1)/-p.step) + 1
	}
	return 0
}

// iterator is a generator: it can be walked once.
type iterator struct {
	name string
	next func() (Value, bool)
}

// view is a dict's keys(), values() or items().
type view struct {
	name  string
	items []Value
}

// function is something built in that can be called.
type function struct {
	name string
	call func(r *runtime, a *args) Value
}

// macro is a macroDef and the scope that it was defined in.
type macro struct {
	def   *macroDef
	scope *scope
}

// typeName is Python's name of the value's type.
func typeName(v Value) string {
	switch v := v.(type) {
	case nil:
		return "NoneType"
	case bool:
		return "bool"
	case int64, *big.Int:
		return "int"
	case float64:
		return "float"
	case string:
		return "str"
	case Markup:
		return "Markup"
	case *List:
		return "list"
	case *Tuple:
		return "tuple"
	case *Dict:
		return "dict"
	case *undefined:
		return "Undefined"
	case *namespace:
		return "Namespace"
	case *pyRange:
		return "range"
	case *iterator:
		return v.name
	case *view:
		return v.name
	case *macro:
		return "Macro"
	case *loopState:
		return "LoopContext"
	}
	return "function"
}

// objectName is how jinja2's messages about missing attributes call the object.
func objectName(v Value) string {
	if v == nil {
		return "None"
	}
	return typeName(v) + " object"
}

// text returns the string in v.
func text(v Value) (s string, ok bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case Markup:
		return string(v), true
	}
	return "", false
}

// like returns s as the kind of string that v is.
func like(v Value, s string) Value {
	if _, ok := v.(Markup); ok {
		return Markup(s)
	}
	return s
}

func truth(v Value) bool {
	switch v := v.(type) {
	case nil:
		return false
	case bool:
		return v
	case int64:
		return v != 0
	case float64:
		return v != 0
	case string:
		return v != ""
	case Markup:
		return v != ""
	case *undefined:
		return false
	}
	if n, ok := length(v); ok {
		return n > 0
	}
	return true
}

// length is Python's len; false: the value has none.
func length(v Value) (int, bool) {
	switch v := v.(type) {
	case string:
		return utf8.RuneCountInString(v), true
	case Markup:
		return utf8.RuneCountInString(string(v)), true
	case *List:
		return len(v.Items), true
	case *Tuple:
		return len(v.Items), true
	case *Dict:
		return len(v.keys), true
	case *pyRange:
		return v.len(), true
	case *view:
		return len(v.items), true
	case *undefined:
		return 0, true
	case *loopState:
		return v.length(), true
	}
	return 0, false
}

// iter returns a function that gives the value's items one by one.
func (r *runtime) iter(v Value) func() (Value, bool) {
	switch v := v.(type) {
	case *List:
		return r.each(v.Items)
	case *Tuple:
		return r.each(v.Items)
	case *Dict:
		return r.each(v.keys)
	case *view:
		return r.each(v.items)
	case *iterator:
		return func() (Value, bool) {
			r.step(1)
			return v.next()
		}
	case *loopState:
		return v.advance
	case *undefined:
		return r.each(nil)
	case *pyRange:
		i, n := 0, v.len()
		return func() (Value, bool) {
			r.step(1)
			if i >= n {
				return nil, false
			}
			i++
			return v.start + int64(i-1)*v.step, true
		}
	}
	s, ok := text(v)
	if !ok {
		r.fail("TypeError", "'%s' object is not iterable", typeName(v))
	}
	return func() (Value, bool) {
		r.step(1)
		if s == "" {
			return nil, false
		}
		_, n := utf8.DecodeRuneInString(s)
		c := s[:n]
		s = s[n:]
		return c, true // the letters of a marked string are plain
	}
}

func (r *runtime) each(items []Value) func() (Value, bool) {
	i := 0
	return func() (Value, bool) {
		r.step(1)
		if i >= len(items) {
			return nil, false
		}
		i++
		return items[i-1], true
	}
}

// iterable says whether iter would work.
func iterable(v Value) bool {
	switch v.(type) {
	case nil, bool, int64, *big.Int, float64, *namespace, *macro, *function:
		return false
	}
	return true
}

// valueBytes is what one item of a list costs.
const valueBytes = 16

// collect reads all items. The result must not be changed: it may be the value's own slice.
func (r *runtime) collect(v Value) []Value {
	switch v := v.(type) {
	case *List:
		return v.Items
	case *Tuple:
		return v.Items
	}
	var items []Value
	next := r.iter(v)
	for {
		item, ok := next()
		if !ok {
			return items
		}
		r.alloc(valueBytes)
		items = append(items, item)
	}
}

func (r *runtime) list(items []Value) *List {
	r.alloc(valueBytes * len(items))
	return &List{items}
}

func strs(parts []string) *List {
	l := &List{make([]Value, len(parts))}
	for i, p := range parts {
		l.Items[i] = p
	}
	return l
}
