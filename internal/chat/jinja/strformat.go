package jinja

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// format is str.format. auto is the next field without a number; -1: fields have numbers.
func (r *runtime) format(s string, a *args) string {
	auto := 0
	return r.formatText(s, a, &auto, 0)
}

func (r *runtime) formatText(s string, a *args, auto *int, depth int) string {
	if depth > 2 {
		r.fail("ValueError", "Max string recursion exceeded")
	}
	var b strings.Builder
	for s != "" {
		i := strings.IndexAny(s, "{}")
		if i < 0 {
			b.WriteString(s)
			break
		}
		b.WriteString(s[:i])
		if b.Len() > r.lim.Output {
			r.fail("LimitError", "format: more than %d bytes", r.lim.Output)
		}
		c := s[i]
		s = s[i+1:]
		switch {
		case strings.HasPrefix(s, string(rune(c))):
			b.WriteByte(c)
			s = s[1:]
		case c == '}':
			r.fail("ValueError", "Single '}' encountered in format string")
		default:
			end := fieldEnd(s)
			if end < 0 {
				r.fail("ValueError", "expected '}' before end of string")
			}
			b.WriteString(r.field(s[:end], a, auto, depth))
			s = s[end+1:]
		}
	}
	return r.str(b.String())
}

// fieldEnd finds the brace that ends a field; its specification may hold fields of its own.
func fieldEnd(s string) int {
	open := 1
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				return i
			}
		}
	}
	return -1
}

// field formats one replacement field: name, conversion and specification.
func (r *runtime) field(s string, a *args, auto *int, depth int) string {
	r.step(1)
	name, rest := s, ""
	if i := strings.IndexAny(s, "!:"); i >= 0 {
		name, rest = s[:i], s[i:]
	}
	v := r.fieldValue(name, a, auto)
	if strings.HasPrefix(rest, "!") {
		if len(rest) < 2 || (len(rest) > 2 && rest[2] != ':') {
			r.fail("ValueError", "expected ':' after conversion specifier")
		}
		switch rest[1] {
		case 's':
			v = r.toStr(v)
		case 'r':
			v = r.repr(v)
		case 'a':
			v = asciiOnly(r.repr(v))
		default:
			r.fail("ValueError", "Unknown conversion specifier %c", rest[1])
		}
		rest = rest[2:]
	}
	return r.formatValue(v, r.formatText(strings.TrimPrefix(rest, ":"), a, auto, depth+1))
}

// fieldValue looks up a field's name: a number or a keyword, then .attributes and [items].
func (r *runtime) fieldValue(path string, a *args, auto *int) Value {
	end := strings.IndexAny(path, ".[")
	if end < 0 {
		end = len(path)
	}
	first := path[:end]
	path = path[end:]
	numbered := first != ""
	if !numbered {
		if *auto < 0 {
			r.fail("ValueError", "cannot switch from manual field specification to automatic field numbering")
		}
		first = strconv.Itoa(*auto)
		*auto++
	}
	var v Value
	if n, err := strconv.Atoi(first); err == nil {
		if numbered {
			if *auto > 0 {
				r.fail("ValueError", "cannot switch from automatic field numbering to manual field specification")
			}
			*auto = -1
		}
		if n < 0 || n >= len(a.pos) {
			r.fail("IndexError", "Replacement index %d out of range for positional args tuple", n)
		}
		v = a.pos[n]
	} else {
		i := slices.Index(a.names, first)
		if i < 0 {
			r.fail("KeyError", "'%s'", first)
		}
		v = a.vals[i]
	}
	for path != "" {
		r.step(1)
		if path[0] == '.' {
			end := strings.IndexAny(path[1:], ".[") + 1
			if end == 0 {
				end = len(path)
			}
			v = r.attr(v, path[1:end])
			path = path[end:]
			continue
		}
		end := strings.IndexByte(path, ']')
		if path[0] != '[' || end < 0 {
			r.fail("ValueError", "Missing ']' in format string")
		}
		var key Value = path[1:end]
		if n, err := strconv.ParseInt(path[1:end], 10, 64); err == nil && n >= 0 {
			key = n
		}
		v = r.item(v, key)
		path = path[end+1:]
	}
	return v
}

// parseSpec reads [[fill]align][sign][#][0][width][,][.precision][type].
func (r *runtime) parseSpec(s string) spec {
	sp := spec{fill: " ", prec: -1}
	isAlign := func(s string) bool { return s != "" && strings.IndexByte("<>^=", s[0]) >= 0 }
	if _, n := utf8.DecodeRuneInString(s); n > 0 && isAlign(s[n:]) {
		sp.fill, sp.align = s[:n], s[n]
		s = s[n+1:]
	} else if isAlign(s) {
		sp.align = s[0]
		s = s[1:]
	}
	if s != "" && strings.IndexByte("+- ", s[0]) >= 0 {
		sp.sign = s[0]
		s = s[1:]
	}
	if strings.HasPrefix(s, "#") {
		sp.alt = true
		s = s[1:]
	}
	if strings.HasPrefix(s, "0") {
		if sp.align == 0 {
			sp.fill, sp.align, sp.zeroed = "0", '=', true
		}
		s = s[1:]
	}
	num := func() int64 {
		n := digits(s, decimal)
		d, _ := strconv.ParseInt(s[:n], 10, 32)
		s = s[n:]
		return d
	}
	sp.width = num()
	if s != "" && (s[0] == ',' || s[0] == '_') {
		sp.group = s[:1]
		s = s[1:]
	}
	if strings.HasPrefix(s, ".") {
		s = s[1:]
		if s == "" || !decimal(s[0]) {
			r.fail("ValueError", "Format specifier missing precision")
		}
		sp.prec = num()
	}
	if len(s) > 1 {
		r.fail("ValueError", "Invalid format specifier")
	}
	if s != "" {
		sp.verb = s[0]
	}
	return sp
}

// formatValue is format(v, spec).
func (r *runtime) formatValue(v Value, s string) string {
	if s == "" {
		return r.toStr(v)
	}
	sp := r.parseSpec(s)
	def := func(align byte) {
		if sp.align == 0 {
			sp.align = align
		}
	}
	bad := func() {
		r.fail("ValueError", "Unknown format code '%c' for object of type '%s'", sp.verb, typeName(v))
	}
	if t, ok := text(v); ok {
		def('<')
		if (sp.verb != 0 && sp.verb != 's') || (sp.align == '=' && !sp.zeroed) || sp.sign != 0 {
			bad()
		}
		if sp.zeroed {
			sp.align = '<'
		}
		return r.layout(sp, "", r.cut(t, sp.prec))
	}
	i, f, isFloat, ok := number(v)
	if !ok {
		r.fail("TypeError", "unsupported format string passed to %s.__format__", typeName(v))
	}
	def('>')
	switch {
	case !isFloat && (sp.verb == 0 || strings.IndexByte("dxXob", sp.verb) >= 0):
		if sp.prec >= 0 {
			r.fail("ValueError", "Precision not allowed in integer format specifier")
		}
		return r.formatInt(sp, i)
	case !isFloat && sp.verb == 'c':
		return r.layout(sp, "", string(rune(r.integer("format", v))))
	case sp.verb == 0 || strings.IndexByte("eEfFgG%", sp.verb) >= 0:
		if !isFloat {
			f = bigFloat(i)
		}
		return r.formatFloat(sp, f)
	case sp.verb == 'n' && !isFloat:
		sp.verb = 'd'
		return r.formatInt(sp, i)
	case sp.verb == 'n':
		sp.verb = 'g'
		return r.formatFloat(sp, f)
	}
	bad()
	return ""
}
