package jinja

import (
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

// addSeqFilters adds the filters on collections.
func addSeqFilters() {
	seq := map[string]filterFunc{
		"length": lengthFilter,
		"count":  lengthFilter,
		"list": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "list", 0)
			return r.list(append([]Value{}, r.collect(v)...))
		},
		"first": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "first", 0)
			if item, ok := r.iter(v)(); ok {
				return item
			}
			return undef("No first item, sequence was empty.")
		},
		"last": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "last", 0)
			items := r.reversible(v)
			if len(items) == 0 {
				return undef("No last item, sequence was empty.")
			}
			return items[len(items)-1]
		},
		"reverse": reverseFilter,
		"join":    joinFilter,
		"items": func(r *runtime, v Value, a *args) Value {
			a.bind(r, "items", 0)
			switch v := v.(type) {
			case *undefined:
				return r.generator(nil)
			case *Dict:
				return r.generator(r.items(v).items)
			}
			// jinja2's is a generator: it complains when it is walked.
			return &iterator{"generator", func() (Value, bool) {
				r.fail("TypeError", "Can only get item pairs from a mapping.")
				return nil, false
			}}
		},
		"dictsort":   dictSort,
		"sort":       sortFilter,
		"unique":     uniqueFilter,
		"min":        func(r *runtime, v Value, a *args) Value { return r.extreme(v, a, "min", "<") },
		"max":        func(r *runtime, v Value, a *args) Value { return r.extreme(v, a, "max", ">") },
		"sum":        sumFilter,
		"map":        mapFilter,
		"select":     func(r *runtime, v Value, a *args) Value { return r.choose(v, a, false, true) },
		"reject":     func(r *runtime, v Value, a *args) Value { return r.choose(v, a, false, false) },
		"selectattr": func(r *runtime, v Value, a *args) Value { return r.choose(v, a, true, true) },
		"rejectattr": func(r *runtime, v Value, a *args) Value { return r.choose(v, a, true, false) },
		"groupby":    groupBy,
		"batch":      batchFilter,
		"slice":      sliceFilter,
	}
	for name, fn := range seq {
		filters[name] = fn
	}
}

// generator makes a generator of items.
func (r *runtime) generator(items []Value) *iterator {
	return &iterator{"generator", r.each(items)}
}

func lengthFilter(r *runtime, v Value, a *args) Value {
	a.bind(r, "length", 0)
	n, ok := length(v)
	if !ok {
		r.fail("TypeError", "object of type '%s' has no len()", typeName(v))
	}
	return int64(n)
}

// reversible returns the items of what Python's reversed() takes.
func (r *runtime) reversible(v Value) []Value {
	if _, ok := v.(*iterator); ok || !iterable(v) {
		r.fail("TypeError", "'%s' object is not reversible", typeName(v))
	}
	return r.collect(v)
}

func reverseFilter(r *runtime, v Value, a *args) Value {
	a.bind(r, "reverse", 0)
	if s, ok := text(v); ok {
		runes := r.runes(s)
		for i, j := 0, len(runes)-1; i < j; i, j = i+1, j-1 {
			runes[i], runes[j] = runes[j], runes[i]
		}
		return like(v, r.str(string(runes)))
	}
	if !iterable(v) {
		r.fail("FilterArgumentError", "argument must be iterable")
	}
	items := append([]Value{}, r.collect(v)...)
	r.alloc(valueBytes * len(items))
	for i, j := 0, len(items)-1; i < j; i, j = i+1, j-1 {
		items[i], items[j] = items[j], items[i]
	}
	if _, ok := v.(*iterator); ok {
		return &List{items}
	}
	it := r.generator(items)
	it.name = "list_reverseiterator"
	return it
}

func joinFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "join", 0, "d", "attribute")
	sep := r.toStr(or(b[0], ""))
	get := r.getter(or(b[1], nil), nil)
	var out strings.Builder
	next := r.iter(v)
	for i := 0; ; i++ {
		item, ok := next()
		if !ok {
			return r.str(out.String())
		}
		if i > 0 {
			out.WriteString(sep)
		}
		out.WriteString(r.toStr(get(item)))
		if out.Len() > r.lim.Output {
			r.fail("LimitError", "join: more than %d bytes", r.lim.Output)
		}
	}
}

// getter returns a function that follows a dotted path; nil: the item itself. deflt, if not nil, stands in for
// what is undefined on the way.
func (r *runtime) getter(path Value, deflt Value) func(Value) Value {
	if path == nil {
		return func(v Value) Value { return v }
	}
	var parts []Value
	if s, ok := text(path); ok {
		for _, p := range strings.Split(s, ".") {
			if n, err := strconv.ParseInt(p, 10, 64); err == nil && decimal(p[0]) {
				parts = append(parts, n)
			} else {
				parts = append(parts, p)
			}
		}
	} else {
		parts = []Value{path}
	}
	return func(v Value) Value {
		for _, p := range parts {
			r.step(1)
			v = r.item(v, p)
			if _, u := v.(*undefined); u && deflt != nil {
				v = deflt
			}
		}
		return v
	}
}

// foldCase lowers strings unless case counts.
func foldCase(v Value, caseSensitive bool) Value {
	if s, ok := text(v); ok && !caseSensitive {
		return lower(s)
	}
	return v
}

// sorted sorts items by their keys, stably; reverse keeps equal ones in their order, too.
func (r *runtime) sorted(items, keys []Value, reverse bool) []Value {
	r.alloc(2 * valueBytes * len(items))
	order := make([]int, len(items))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool {
		if reverse {
			a, b = b, a
		}
		return r.less("<", keys[order[a]], keys[order[b]])
	})
	out := make([]Value, len(items))
	for i, k := range order {
		out[i] = items[k]
	}
	return out
}

func dictSort(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "dictsort", 0, "case_sensitive", "by", "reverse")
	d, ok := r.use(v).(*Dict)
	if !ok {
		r.use(r.noAttr(v, "items"))
	}
	by := r.string("dictsort", or(b[1], "key"))
	col, ok := map[string]int{"key": 0, "value": 1}[by]
	if !ok {
		r.fail("FilterArgumentError", `You can only sort by either "key" or "value"`)
	}
	pairs := r.items(d).items
	keys := make([]Value, len(pairs))
	for i, p := range pairs {
		keys[i] = foldCase(p.(*Tuple).Items[col], truth(or(b[0], false)))
	}
	return &List{r.sorted(pairs, keys, truth(or(b[2], false)))}
}

func sortFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "sort", 0, "reverse", "case_sensitive", "attribute")
	var getters []func(Value) Value
	if s, ok := text(or(b[2], nil)); ok {
		for _, path := range strings.Split(s, ",") {
			getters = append(getters, r.getter(path, nil))
		}
	} else {
		getters = append(getters, r.getter(or(b[2], nil), nil))
	}
	items := r.collect(v)
	keys := make([]Value, len(items))
	for i, item := range items {
		key := &List{}
		for _, get := range getters {
			key.Items = append(key.Items, foldCase(get(item), truth(or(b[1], false))))
		}
		keys[i] = key
	}
	return &List{r.sorted(items, keys, truth(or(b[0], false)))}
}

func uniqueFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "unique", 0, "case_sensitive", "attribute")
	get := r.getter(or(b[1], nil), nil)
	seen := map[any]bool{}
	var next func() (Value, bool)
	return &iterator{"generator", func() (Value, bool) {
		if next == nil {
			next = r.iter(v)
		}
		for {
			item, ok := next()
			if !ok {
				return nil, false
			}
			h, ok := hash(foldCase(get(item), truth(or(b[0], false))))
			if !ok {
				r.fail("TypeError", "unhashable type: '%s'", typeName(get(item)))
			}
			if !seen[h] {
				seen[h] = true
				return item, true
			}
		}
	}}
}

func (r *runtime) extreme(v Value, a *args, name, op string) Value {
	b := a.bind(r, name, 0, "case_sensitive", "attribute")
	get := r.getter(or(b[1], nil), nil)
	key := func(v Value) Value { return foldCase(get(v), truth(or(b[0], false))) }
	var best Value = undef("No aggregated item, sequence was empty.")
	next := r.iter(v)
	for i := 0; ; i++ {
		item, ok := next()
		if !ok {
			return best
		}
		if i == 0 || r.compare(op, key(item), key(best)) {
			best = item
		}
	}
}

func sumFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "sum", 0, "attribute", "start")
	get := r.getter(or(b[0], nil), nil)
	sum := or(b[1], int64(0))
	if isText(sum) {
		r.fail("TypeError", "sum() can't sum strings [use ''.join(seq) instead]")
	}
	next := r.iter(v)
	for {
		item, ok := next()
		if !ok {
			return sum
		}
		sum = r.binary("+", sum, get(item))
	}
}

func mapFilter(r *runtime, v Value, a *args) Value {
	var fn func(Value) Value
	var next func() (Value, bool)
	// A generator: what is wrong with the arguments shows when it is walked.
	return &iterator{"generator", func() (Value, bool) {
		if next == nil {
			if !truth(v) {
				return nil, false
			}
			fn = r.mapper(a)
			next = r.iter(v)
		}
		item, ok := next()
		if !ok {
			return nil, false
		}
		return fn(item), true
	}}
}

func (r *runtime) mapper(a *args) func(Value) Value {
	if len(a.pos) == 0 {
		rest := &args{nil, a.names, a.vals}
		if path, ok := rest.pop("attribute"); ok {
			deflt, _ := rest.pop("default")
			if len(rest.names) > 0 {
				r.fail("FilterArgumentError", "Unexpected keyword argument '%s'", rest.names[0])
			}
			return r.getter(path, deflt)
		}
		r.fail("FilterArgumentError", "map requires a filter argument")
	}
	name := r.string("map", a.pos[0])
	rest := &args{a.pos[1:], a.names, a.vals}
	return func(v Value) Value { return r.filter(name, v, rest) }
}

// choose is select, reject, selectattr and rejectattr.
func (r *runtime) choose(v Value, a *args, attr, want bool) Value {
	var keep func(Value) bool
	var next func() (Value, bool)
	return &iterator{"generator", func() (Value, bool) {
		if next == nil {
			if !truth(v) {
				return nil, false
			}
			keep = r.chooser(a, attr)
			next = r.iter(v)
		}
		for {
			item, ok := next()
			if !ok {
				return nil, false
			}
			if keep(item) == want {
				return item, true
			}
		}
	}}
}

func (r *runtime) chooser(a *args, attr bool) func(Value) bool {
	pos := a.pos
	get := r.getter(nil, nil)
	if attr {
		if len(pos) == 0 {
			r.fail("FilterArgumentError", "Missing parameter for attribute name")
		}
		get = r.getter(pos[0], nil)
		pos = pos[1:]
	}
	if len(pos) == 0 {
		return func(v Value) bool { return truth(get(v)) }
	}
	name := r.string("select", pos[0])
	rest := &args{pos[1:], a.names, a.vals}
	return func(v Value) bool { return r.test(name, get(v), rest) }
}

func groupBy(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "groupby", 1, "attribute", "default", "case_sensitive")
	get := r.getter(b[0], or(b[1], nil))
	key := func(v Value) Value { return foldCase(get(v), truth(or(b[2], false))) }
	items := r.collect(v)
	keys := make([]Value, len(items))
	for i, item := range items {
		keys[i] = key(item)
	}
	out := &List{}
	var group *List
	var last Value
	for _, item := range r.sorted(items, keys, false) {
		k := key(item)
		if group == nil || !r.equal(last, k) {
			group = &List{}
			out.Items = append(out.Items, &Tuple{[]Value{get(item), group}})
			last = k
		}
		group.Items = append(group.Items, item)
	}
	return out
}

func batchFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "batch", 1, "linecount", "fill_with")
	n := r.size("batch", r.integer("batch", b[0]))
	fill := or(b[1], nil)
	items := r.collect(v)
	var out []Value
	for len(items) > 0 && n > 0 {
		k := min(n, len(items))
		line := append([]Value{}, items[:k]...)
		items = items[k:]
		if fill != nil {
			r.alloc(valueBytes * (n - k))
			for len(line) < n {
				line = append(line, fill)
			}
		}
		out = append(out, r.list(line))
	}
	return r.generator(out)
}

func sliceFilter(r *runtime, v Value, a *args) Value {
	b := a.bind(r, "slice", 1, "slices", "fill_with")
	n := r.size("slice", r.integer("slice", b[0]))
	if n <= 0 {
		r.fail("ZeroDivisionError", "slice: integer division or modulo by zero")
	}
	fill := or(b[1], nil)
	items := r.collect(v)
	total := len(items)
	r.alloc(valueBytes * n)
	var out []Value
	for i := range n {
		k := len(items) / (n - i)
		if len(items)%(n-i) != 0 {
			k++
		}
		line := append([]Value{}, items[:k]...)
		items = items[k:]
		out = append(out, &List{line})
	}
	if fill != nil {
		// Python fills every slice behind those that got one item more, even when all are equally long.
		for _, l := range out[total%n:] {
			l := l.(*List)
			l.Items = append(l.Items, fill)
		}
	}
	return r.generator(out)
}

// splitLines is str.splitlines: at every line boundary that Python knows.
func splitLines(s string, keep bool) []string {
	var lines []string
	start := 0
	for i := 0; i < len(s); {
		c, n := utf8.DecodeRuneInString(s[i:])
		end := i + n
		switch c {
		case '\r':
			if strings.HasPrefix(s[end:], "\n") {
				end++
			}
		case '\n', '\v', '\f', 0x1c, 0x1d, 0x1e, 0x85, 0x2028, 0x2029:
		default:
			i = end
			continue
		}
		if keep {
			lines = append(lines, s[start:end])
		} else {
			lines = append(lines, s[start:i])
		}
		i, start = end, end
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}
