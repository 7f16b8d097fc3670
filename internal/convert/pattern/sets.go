package pattern

import (
	"slices"
	"strings"
	"unicode"
)

// Sets of characters: shorthands, properties of Unicode, and those in brackets.

var shorthand = map[rune]set{
	'd': func(r rune) bool { return unicode.Is(unicode.Nd, r) },
	's': unicode.IsSpace,
	'w': isWord,
	'h': func(r rune) bool { return unicode.Is(unicode.ASCII_Hex_Digit, r) },
}

// property reads {NAME} or {^NAME}.
func (p *parser) property() (set, error) {
	end := strings.IndexByte(p.text[p.at:], '}')
	if end < 0 || p.text[p.at] != '{' {
		if p.at < len(p.text) && strings.IndexByte("LMNPSZC", p.text[p.at]) >= 0 {
			p.at++ // \pL
			return inTable(unicode.Categories[p.text[p.at-1:p.at]]), nil
		}
		return nil, p.wrong("the name of a property is missing")
	}
	name := p.text[p.at+1 : p.at+end]
	bare, not := strings.CutPrefix(name, "^")
	has := propertyNamed(bare)
	if has == nil {
		return nil, p.wrong(`\p{%s} is not known`, name)
	}
	p.at += end + 1
	if not {
		return func(r rune) bool { return !has(r) }, nil
	}
	return has, nil
}

func inTable(t *unicode.RangeTable) set { return func(r rune) bool { return unicode.Is(t, r) } }

// Names of properties beside those of the Unicode tables.
var properties = map[string]set{
	"any":    func(rune) bool { return true },
	"ascii":  func(r rune) bool { return r < 0x80 },
	"alpha":  func(r rune) bool { return unicode.In(r, unicode.L, unicode.Nl, unicode.Other_Alphabetic) },
	"digit":  shorthand['d'],
	"space":  unicode.IsSpace,
	"upper":  func(r rune) bool { return unicode.In(r, unicode.Lu, unicode.Other_Uppercase) },
	"lower":  func(r rune) bool { return unicode.In(r, unicode.Ll, unicode.Other_Lowercase) },
	"punct":  func(r rune) bool { return unicode.Is(unicode.P, r) || r < 0x80 && unicode.Is(unicode.S, r) },
	"word":   isWord,
	"alnum":  func(r rune) bool { return unicode.In(r, unicode.L, unicode.Nl, unicode.Nd, unicode.Other_Alphabetic) },
	"cntrl":  inTable(unicode.Cc),
	"xdigit": shorthand['h'],
	"blank":  func(r rune) bool { return r == '\t' || unicode.Is(unicode.Zs, r) },
	"letter": inTable(unicode.L),
	"mark":   inTable(unicode.M),
	"number": inTable(unicode.N),
	"symbol": inTable(unicode.S),
	"other": func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
	},
	"c": func(r rune) bool {
		return !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z)
	},
}

func propertyNamed(name string) set {
	bare := func(s string) string {
		return strings.ToLower(strings.NewReplacer(" ", "", "_", "", "-", "").Replace(s))
	}
	name = bare(name)
	for _, prefix := range []string{"script=", "sc=", "generalcategory=", "gc="} {
		name = strings.TrimPrefix(name, prefix)
	}
	switch name {
	case "alphabetic":
		name = "alpha"
	case "whitespace":
		name = "space"
	case "punctuation":
		return inTable(unicode.P)
	case "uppercaseletter":
		name = "lu"
	case "lowercaseletter":
		name = "ll"
	case "titlecaseletter":
		name = "lt"
	}
	if has := properties[name]; has != nil {
		return has
	}
	for _, tables := range []map[string]*unicode.RangeTable{unicode.Categories, unicode.Scripts, unicode.Properties} {
		for key, t := range tables {
			if bare(key) == name {
				return inTable(t)
			}
		}
	}
	return nil
}

// class reads a set after "[".
func (p *parser) class(depth int) (set, error) {
	if depth > maxDepth {
		return nil, p.wrong("sets are more than %d deep", maxDepth)
	}
	not := p.take("^")
	var all []set // each intersected with the next
	var some []set
	union := func(list []set) set {
		return func(r rune) bool { return slices.ContainsFunc(list, func(has set) bool { return has(r) }) }
	}
	for first := true; ; first = false {
		switch {
		case p.at == len(p.text):
			return nil, p.wrong("a set does not end")
		case p.text[p.at] == ']' && !first:
			p.at++
			all = append(all, union(some))
			return func(r rune) bool {
				for _, has := range all {
					if !has(r) {
						return not
					}
				}
				return !not
			}, nil
		case p.take("&&"):
			all, some = append(all, union(some)), nil
		case p.take("[:"):
			end := strings.Index(p.text[p.at:], ":]")
			if end < 0 {
				return nil, p.wrong("the name of a set does not end")
			}
			name, invert := strings.CutPrefix(p.text[p.at:p.at+end], "^")
			has := propertyNamed(name)
			if has == nil {
				return nil, p.wrong("[:%s:] is not known", name)
			}
			p.at += end + 2
			some = append(some, func(r rune) bool { return has(r) != invert })
		case p.take("["):
			has, err := p.class(depth + 1)
			if err != nil {
				return nil, err
			}
			some = append(some, has)
		default:
			has, err := p.member()
			if err != nil {
				return nil, err
			}
			some = append(some, has)
		}
	}
}

// member reads a character, a range or an escaped set of a class.
func (p *parser) member() (set, error) {
	low := rune(-1)
	if p.take(`\`) {
		has, r, err := p.escaped()
		if err != nil || r < 0 {
			return has, err
		}
		low = r
	} else {
		low = p.next()
	}
	rest := p.text[p.at:]
	if len(rest) < 2 || rest[0] != '-' || rest[1] == ']' {
		return p.one(low), nil
	}
	if rest[1] == '[' {
		return p.one(low), nil // the dash is a character of its own
	}
	p.at++
	high := rune(-1)
	if p.take(`\`) {
		_, r, err := p.escaped()
		if err != nil {
			return nil, err
		}
		if r < 0 {
			return nil, p.wrong("a range ends with a set")
		}
		high = r
	} else {
		high = p.next()
	}
	if high < low {
		return nil, p.wrong("the range %q-%q is empty", low, high)
	}
	has := func(r rune) bool { return r >= low && r <= high }
	if p.fold {
		return folded(has), nil
	}
	return has, nil
}
