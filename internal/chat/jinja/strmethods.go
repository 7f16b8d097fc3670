package jinja

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// strMethods are the methods of str. v is the string as it is (marked or not), s its text.
var strMethods map[string]func(r *runtime, v Value, s string, a *args) Value

func init() {
	type method = func(r *runtime, v Value, s string, a *args) Value
	// mapped makes a method without arguments that changes the text.
	mapped := func(fn func(string) string) method {
		return func(r *runtime, v Value, s string, a *args) Value {
			a.bind(r, "method", 0)
			return like(v, r.str(fn(s)))
		}
	}
	// is makes a method that tests every character of a text that is not empty.
	is := func(fn func(c rune) bool) method {
		return func(r *runtime, v Value, s string, a *args) Value {
			a.bind(r, "method", 0)
			return s != "" && strings.IndexFunc(s, func(c rune) bool { return !fn(c) }) < 0
		}
	}
	strip := func(name string, left, right bool) method {
		return func(r *runtime, v Value, s string, a *args) Value {
			return like(v, r.strip(s, or(a.bind(r, name, 0, "chars")[0], nil), left, right))
		}
	}
	fix := func(name string, has func(s, t string) bool) method {
		return func(r *runtime, v Value, s string, a *args) Value { return r.hasFix(name, s, a, has) }
	}
	cut := func(name string, fn func(s, t string) string) method {
		return func(r *runtime, v Value, s string, a *args) Value {
			return like(v, r.str(fn(s, r.string(name, a.bind(r, name, 1, "text")[0]))))
		}
	}
	align := func(name string, side byte) method {
		return func(r *runtime, v Value, s string, a *args) Value {
			b := a.bind(r, name, 1, "width", "fillchar")
			return like(v, r.pad(s, r.integer(name, b[0]), r.string(name, or(b[1], " ")), side))
		}
	}
	digit := func(c rune) bool { return unicode.IsDigit(c) || strings.ContainsRune("²³¹", c) }
	strMethods = map[string]method{
		"upper":        mapped(upper),
		"lower":        mapped(lower),
		"casefold":     mapped(func(s string) string { return lower(strings.ReplaceAll(s, "ß", "ss")) }),
		"capitalize":   mapped(capitalize),
		"title":        mapped(titleMethod),
		"swapcase":     mapped(swapCase),
		"strip":        strip("strip", true, true),
		"lstrip":       strip("lstrip", true, false),
		"rstrip":       strip("rstrip", false, true),
		"startswith":   fix("startswith", strings.HasPrefix),
		"endswith":     fix("endswith", strings.HasSuffix),
		"removeprefix": cut("removeprefix", strings.TrimPrefix),
		"removesuffix": cut("removesuffix", strings.TrimSuffix),
		"ljust":        align("ljust", '<'),
		"rjust":        align("rjust", '>'),
		"center":       align("center", '^'),
		"zfill":        zfill,
		"isdigit":      is(digit),
		"isdecimal":    is(unicode.IsDigit),
		"isnumeric":    is(unicode.IsNumber),
		"isalpha":      is(unicode.IsLetter),
		"isalnum":      is(func(c rune) bool { return unicode.IsLetter(c) || unicode.IsNumber(c) }),
		"isspace":      is(isSpace),
		"isprintable": func(r *runtime, v Value, s string, a *args) Value {
			return strings.IndexFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) < 0
		},
		"isascii": func(r *runtime, v Value, s string, a *args) Value {
			return strings.IndexFunc(s, func(c rune) bool { return c >= utf8.RuneSelf }) < 0
		},
		"isidentifier": func(r *runtime, v Value, s string, a *args) Value {
			c, _ := utf8.DecodeRuneInString(s)
			return s != "" && !unicode.IsDigit(c) && strings.IndexFunc(s, func(c rune) bool { return !isWord(c) }) < 0
		},
		"islower": func(r *runtime, v Value, s string, a *args) Value {
			return cased(s, unicode.IsLower, unicode.IsUpper)
		},
		"isupper": func(r *runtime, v Value, s string, a *args) Value {
			return cased(s, unicode.IsUpper, unicode.IsLower)
		},
		"istitle": func(r *runtime, v Value, s string, a *args) Value {
			return s == titleMethod(s) && upper(s) != lower(s)
		},
		"split":  func(r *runtime, v Value, s string, a *args) Value { return r.split("split", v, s, a, false) },
		"rsplit": func(r *runtime, v Value, s string, a *args) Value { return r.split("rsplit", v, s, a, true) },
		"splitlines": func(r *runtime, v Value, s string, a *args) Value {
			keep := truth(or(a.bind(r, "splitlines", 0, "keepends")[0], false))
			r.alloc(valueBytes * strings.Count(s, "\n"))
			return r.texts(v, splitLines(s, keep))
		},
		"partition": func(r *runtime, v Value, s string, a *args) Value { return r.partition(v, s, a, strings.Index) },
		"rpartition": func(r *runtime, v Value, s string, a *args) Value {
			return r.partition(v, s, a, strings.LastIndex)
		},
		"replace": func(r *runtime, v Value, s string, a *args) Value {
			b := a.bind(r, "replace", 2, "old", "new", "count")
			n := r.integer("replace", or(b[2], int64(-1)))
			return like(v, r.replace(s, r.string("replace", b[0]), r.string("replace", b[1]), int(n)))
		},
		"join":       strJoin,
		"find":       func(r *runtime, v Value, s string, a *args) Value { return r.index("find", s, a) },
		"rfind":      func(r *runtime, v Value, s string, a *args) Value { return r.index("rfind", s, a) },
		"index":      func(r *runtime, v Value, s string, a *args) Value { return r.index("index", s, a) },
		"rindex":     func(r *runtime, v Value, s string, a *args) Value { return r.index("rindex", s, a) },
		"count":      strCount,
		"expandtabs": expandTabs,
		"format":     func(r *runtime, v Value, s string, a *args) Value { return like(v, r.format(s, a)) },
		"format_map": func(r *runtime, v Value, s string, a *args) Value {
			d, ok := a.bind(r, "format_map", 1, "mapping")[0].(*Dict)
			if !ok {
				r.fail("TypeError", "format_map() argument must be a mapping")
			}
			fa := &args{}
			for i, k := range d.keys {
				if name, ok := text(k); ok {
					fa.names = append(fa.names, name)
					fa.vals = append(fa.vals, d.vals[i])
				}
			}
			return like(v, r.format(s, fa))
		},
	}
}

// size checks a count or width that a template asks for.
func (r *runtime) size(fn string, n int64) int {
	if n > 1<<30 {
		r.fail("LimitError", "%s: %d is too much", fn, n)
	}
	return int(n)
}

func (r *runtime) texts(v Value, parts []string) *List {
	r.alloc(2 * valueBytes * len(parts))
	l := &List{make([]Value, len(parts))}
	for i, p := range parts {
		l.Items[i] = like(v, p)
	}
	return l
}

// strip cuts whitespace, or the characters of chars, off the ends.
func (r *runtime) strip(s string, chars Value, left, right bool) string {
	drop := isSpace
	if chars != nil {
		set := r.string("strip", chars)
		r.step(len(s) / 64 * (1 + len(set)/16))
		drop = func(c rune) bool { return strings.ContainsRune(set, c) }
	}
	if left {
		s = strings.TrimLeftFunc(s, drop)
	}
	if right {
		s = strings.TrimRightFunc(s, drop)
	}
	return s
}

func (r *runtime) replace(s, old, new string, n int) string {
	count := strings.Count(s, old)
	if n >= 0 {
		count = min(count, n)
	}
	r.alloc(len(s) + count*len(new))
	return strings.Replace(s, old, new, n)
}

// part resolves the optional start and end arguments of a method to a part of s and its offset in code points.
func (r *runtime) part(fn, s string, start, end Value) (part string, offset int) {
	if start == nil && end == nil {
		return s, 0
	}
	runes := r.runes(s)
	size := int64(len(runes))
	bound := func(v Value, missing int64) int64 {
		if v == nil {
			return missing
		}
		n := r.integer(fn, v)
		if n < 0 {
			n += size
		}
		return min(max(n, 0), size)
	}
	lo, hi := bound(start, 0), bound(end, size)
	if lo > hi {
		return "", int(lo)
	}
	return string(runes[lo:hi]), int(lo)
}

func (r *runtime) hasFix(name, s string, a *args, has func(s, t string) bool) bool {
	b := a.bind(r, name, 1, "prefix", "start", "end")
	s, _ = r.part(name, s, or(b[1], nil), or(b[2], nil))
	if t, ok := b[0].(*Tuple); ok {
		for _, item := range t.Items {
			if has(s, r.string(name, item)) {
				return true
			}
		}
		return false
	}
	return has(s, r.string(name, b[0]))
}

func (r *runtime) index(name, s string, a *args) Value {
	b := a.bind(r, name, 1, "sub", "start", "end")
	part, offset := r.part(name, s, or(b[1], nil), or(b[2], nil))
	find := strings.Index
	if name[0] == 'r' {
		find = strings.LastIndex
	}
	i := find(part, r.string(name, b[0]))
	if i < 0 {
		if strings.HasSuffix(name, "index") {
			r.fail("ValueError", "substring not found")
		}
		return int64(-1)
	}
	return int64(utf8.RuneCountInString(part[:i]) + offset)
}

func strCount(r *runtime, v Value, s string, a *args) Value {
	b := a.bind(r, "count", 1, "sub", "start", "end")
	part, _ := r.part("count", s, or(b[1], nil), or(b[2], nil))
	return int64(strings.Count(part, r.string("count", b[0])))
}

func (r *runtime) partition(v Value, s string, a *args, find func(s, sep string) int) Value {
	sep := r.string("partition", a.bind(r, "partition", 1, "sep")[0])
	if sep == "" {
		r.fail("ValueError", "empty separator")
	}
	parts := []string{s, "", ""}
	if i := find(s, sep); i >= 0 {
		parts = []string{s[:i], sep, s[i+len(sep):]}
	} else if find("aa", "a") == 1 { // rpartition
		parts = []string{"", "", s}
	}
	return &Tuple{r.texts(v, parts).Items}
}

// split cuts at a separator, or at runs of whitespace, at most maxsplit times, from the right if asked.
func (r *runtime) split(fn string, v Value, s string, a *args, right bool) Value {
	b := a.bind(r, fn, 0, "sep", "maxsplit")
	limit := r.integer(fn, or(b[1], int64(-1)))
	if limit < 0 {
		limit = int64(len(s)) + 1
	}
	limit = min(limit, int64(len(s))+1)
	if sep := or(b[0], nil); sep != nil {
		cut := r.string(fn, sep)
		if cut == "" {
			r.fail("ValueError", "empty separator")
		}
		r.alloc(valueBytes * int(min(int64(strings.Count(s, cut)), limit)))
		if !right {
			return r.texts(v, strings.SplitN(s, cut, int(limit)+1))
		}
		var parts []string
		for ; limit > 0; limit-- {
			i := strings.LastIndex(s, cut)
			if i < 0 {
				break
			}
			parts = append(parts, s[i+len(cut):])
			s = s[:i]
		}
		return r.texts(v, reversed(append(parts, s)))
	}
	var parts []string
	notSpace := func(c rune) bool { return !isSpace(c) }
	if right {
		for s = strings.TrimRightFunc(s, isSpace); s != ""; s = strings.TrimRightFunc(s, isSpace) {
			i := strings.LastIndexFunc(s, isSpace)
			if i < 0 || limit == 0 {
				parts = append(parts, s)
				break
			}
			_, n := utf8.DecodeRuneInString(s[i:])
			r.alloc(valueBytes)
			parts = append(parts, s[i+n:])
			s = s[:i]
			limit--
		}
		return r.texts(v, reversed(parts))
	}
	for {
		i := strings.IndexFunc(s, notSpace)
		if i < 0 {
			return r.texts(v, parts)
		}
		s = s[i:]
		j := strings.IndexFunc(s, isSpace)
		if j < 0 || limit == 0 {
			return r.texts(v, append(parts, s))
		}
		r.alloc(valueBytes)
		parts = append(parts, s[:j])
		s = s[j:]
		limit--
	}
}

func reversed(parts []string) []string {
	for i, j := 0, len(parts)-1; i < j; i, j = i+1, j-1 {
		parts[i], parts[j] = parts[j], parts[i]
	}
	return parts
}

func strJoin(r *runtime, v Value, s string, a *args) Value {
	var b strings.Builder
	next := r.iter(r.use(a.bind(r, "join", 1, "iterable")[0]))
	for i := 0; ; i++ {
		item, ok := next()
		if !ok {
			return like(v, r.str(b.String()))
		}
		if i > 0 {
			b.WriteString(s)
		}
		t, ok := text(item)
		if !ok {
			r.fail("TypeError", "sequence item %d: expected str instance, %s found", i, typeName(item))
		}
		b.WriteString(t)
		if b.Len() > r.lim.Output {
			r.fail("LimitError", "join: more than %d bytes", r.lim.Output)
		}
	}
}

// pad fills s up to a width with a one-letter fill, on the side that is free.
func (r *runtime) pad(s string, width int64, fill string, side byte) string {
	if utf8.RuneCountInString(fill) != 1 {
		r.fail("TypeError", "The fill character must be exactly one character long")
	}
	n := r.size("width", width) - utf8.RuneCountInString(s)
	if n <= 0 {
		return s
	}
	r.alloc(len(s) + n*len(fill))
	left := 0
	switch side {
	case '>':
		left = n
	case '^':
		left = n/2 + n&int(width)&1 // where Python's str.center puts the odd one
	}
	return strings.Repeat(fill, left) + s + strings.Repeat(fill, n-left)
}

func zfill(r *runtime, v Value, s string, a *args) Value {
	width := r.integer("zfill", a.bind(r, "zfill", 1, "width")[0])
	sign := ""
	if s != "" && (s[0] == '-' || s[0] == '+') {
		sign, s = s[:1], s[1:]
	}
	return like(v, sign+r.pad(s, width-int64(len(sign)), "0", '>'))
}

func expandTabs(r *runtime, v Value, s string, a *args) Value {
	size := r.size("expandtabs", r.integer("expandtabs", or(a.bind(r, "expandtabs", 0, "tabsize")[0], int64(8))))
	var b strings.Builder
	col := 0
	for _, c := range s {
		switch c {
		case '\t':
			n := 0
			if size > 0 {
				n = size - col%size
			}
			r.alloc(n)
			b.WriteString(strings.Repeat(" ", n))
			col += n
			continue
		case '\n', '\r':
			col = -1
		}
		b.WriteRune(c)
		col++
	}
	return like(v, b.String())
}
