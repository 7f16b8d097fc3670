package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// set says which characters belong to it.
type set func(r rune) bool

// Limits of an expression: the longest that a published tokenizer has is 3,500
// bytes long and 4 deep.
const (
	maxLength = 1 << 16
	maxDepth  = 100
	maxTimes  = 1 << 12
)

// Compile reads an expression. The error says what of it is not known, and where.
func Compile(text string) (*Pattern, error) {
	p := &parser{text: text}
	if len(text) > maxLength {
		return nil, fmt.Errorf("an expression of %d bytes: more than %d", len(text), maxLength)
	}
	if !utf8.ValidString(text) {
		return nil, fmt.Errorf("the expression is no valid UTF-8")
	}
	n, err := p.alternatives(0)
	if err == nil && p.at < len(text) {
		err = p.wrong("unexpected %q", text[p.at:p.at+1])
	}
	if err != nil {
		return nil, err
	}
	return &Pattern{n}, nil
}

// Literal matches text itself.
func Literal(text string) *Pattern {
	var s sequence
	for _, r := range text {
		s = append(s, chars{func(x rune) bool { return x == r }})
	}
	return &Pattern{s}
}

type parser struct {
	text string
	at   int
	fold bool // (?i)
}

func (p *parser) wrong(format string, a ...any) error {
	return fmt.Errorf("%s (at byte %d)", fmt.Sprintf(format, a...), p.at)
}

// take skips s if it is what follows.
func (p *parser) take(s string) bool {
	if strings.HasPrefix(p.text[p.at:], s) {
		p.at += len(s)
		return true
	}
	return false
}

func (p *parser) next() rune {
	r, n := utf8.DecodeRuneInString(p.text[p.at:])
	p.at += n
	return r
}

func (p *parser) alternatives(depth int) (node, error) {
	if depth > maxDepth {
		return nil, p.wrong("groups are more than %d deep", maxDepth)
	}
	fold := p.fold
	defer func() { p.fold = fold }()
	var all choice
	for {
		s, err := p.sequence(depth)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
		if !p.take("|") {
			break
		}
	}
	if len(all) == 1 {
		return all[0], nil
	}
	return all, nil
}

func (p *parser) sequence(depth int) (node, error) {
	var s sequence
	for p.at < len(p.text) && p.text[p.at] != '|' && p.text[p.at] != ')' {
		n, err := p.term(depth)
		if err != nil {
			return nil, err
		}
		if n == nil {
			continue // an option like (?i)
		}
		if n, err = p.quantified(n); err != nil {
			return nil, err
		}
		s = append(s, n)
	}
	if len(s) == 1 {
		return s[0], nil
	}
	return s, nil
}

// quantified takes the quantifiers after n.
func (p *parser) quantified(n node) (node, error) {
	for count := 0; p.at < len(p.text); count++ {
		if count > maxDepth {
			return nil, p.wrong("more than %d quantifiers in a row", maxDepth)
		}
		low, high, interval := 0, -1, false
		switch {
		case p.take("*"):
		case p.take("+"):
			low = 1
		case p.take("?"):
			high = 1
		case p.text[p.at] == '{':
			var ok bool
			if low, high, ok = p.interval(); !ok {
				return n, nil
			}
			if low > maxTimes || high > maxTimes || high >= 0 && low > high {
				return nil, p.wrong("a quantifier of %d to %d times", low, high)
			}
			interval = true
		default:
			return n, nil
		}
		r := &repeat{part: n, low: low, high: high, lazy: p.take("?")}
		n = r
		if !interval && !r.lazy && p.take("+") { // after an interval, "+" is a quantifier
			n = atomic{r}
		}
	}
	return n, nil
}

// interval reads {n}, {n,}, {,m} or {n,m}; anything else is text.
func (p *parser) interval() (low, high int, ok bool) {
	end := strings.IndexByte(p.text[p.at:], '}')
	if end < 0 {
		return 0, 0, false
	}
	first, second, two := strings.Cut(p.text[p.at+1:p.at+end], ",")
	number := func(s string, otherwise int) int {
		if s == "" && two {
			return otherwise
		}
		v, err := strconv.ParseUint(s, 10, 31)
		if err != nil {
			return -2
		}
		return int(v)
	}
	low = number(first, 0)
	high = low
	if two {
		high = number(second, -1)
	}
	if low == -2 || high == -2 || two && first == "" && second == "" {
		return 0, 0, false
	}
	p.at += end + 1
	return low, high, true
}

func (p *parser) term(depth int) (node, error) {
	switch {
	case p.take("("):
		return p.group(depth)
	case p.take("["):
		has, err := p.class(0)
		return chars{has}, err
	case p.take("."):
		return chars{func(r rune) bool { return r != '\n' }}, nil
	case p.take("^"):
		return place(lineStart), nil
	case p.take("$"):
		return place(lineEnd), nil
	case p.take(`\`):
		return p.escape()
	}
	if strings.IndexByte("*+?", p.text[p.at]) >= 0 {
		return nil, p.wrong("nothing before the quantifier %q", p.text[p.at:p.at+1])
	}
	return chars{p.one(p.next())}, nil
}

// one is the set of one character.
func (p *parser) one(r rune) set {
	if !p.fold {
		return func(x rune) bool { return x == r }
	}
	return folded(func(x rune) bool { return x == r })
}

// folded is has in all cases.
func folded(has set) set {
	return func(x rune) bool {
		if has(x) {
			return true
		}
		for f := unicode.SimpleFold(x); f != x; f = unicode.SimpleFold(f) {
			if has(f) {
				return true
			}
		}
		return false
	}
}

// group reads what follows "(".
func (p *parser) group(depth int) (node, error) {
	wrap := func(n node) node { return n }
	fold := p.fold
	defer func() { p.fold = fold }()
	switch {
	case p.take("?:"):
	case p.take("?="):
		wrap = func(n node) node { return ahead{n, false} }
	case p.take("?!"):
		wrap = func(n node) node { return ahead{n, true} }
	case p.take("?<="):
		wrap = func(n node) node { return behind{n, false} }
	case p.take("?<!"):
		wrap = func(n node) node { return behind{n, true} }
	case p.take("?>"):
		wrap = func(n node) node { return atomic{n} }
	case p.take("?#"):
		end := strings.IndexByte(p.text[p.at:], ')')
		if end < 0 {
			return nil, p.wrong("a comment does not end")
		}
		p.at += end + 1
		return nil, nil
	case p.take("?<"), p.take("?'"):
		return nil, p.wrong("named groups are not known")
	case p.take("?"):
		end := strings.IndexAny(p.text[p.at:], ":)")
		if end < 0 {
			return nil, p.wrong("options of a group do not end")
		}
		on := true
		for _, c := range p.text[p.at : p.at+end] {
			switch c {
			case '-':
				on = false
			case 'i':
				p.fold = on
			default:
				return nil, p.wrong("option %q of a group is not known", c)
			}
		}
		p.at += end
		if p.take(")") { // for the rest of the group around it
			fold = p.fold
			return nil, nil
		}
		p.at++
	}
	n, err := p.alternatives(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(")") {
		return nil, p.wrong("a group does not end")
	}
	return wrap(n), nil
}

// escape reads what follows a backslash outside of a class.
func (p *parser) escape() (node, error) {
	switch {
	case p.take("b"):
		return place(wordBound), nil
	case p.take("B"):
		return place(func(m *matcher, i int) bool { return !wordBound(m, i) }), nil
	case p.take("A"):
		return place(textStart), nil
	case p.take("z"):
		return place(textEnd), nil
	case p.take("Z"):
		return place(lastLineEnd), nil
	}
	has, _, err := p.escaped()
	return chars{has}, err
}

// escaped reads a set or a character after a backslash; r is that, -1 for a set.
func (p *parser) escaped() (has set, r rune, err error) {
	if p.at == len(p.text) {
		return nil, 0, p.wrong("nothing after the last backslash")
	}
	c := p.next()
	not := func(has set) set { return func(r rune) bool { return !has(r) } }
	switch c {
	case 'd', 'D', 's', 'S', 'w', 'W', 'h', 'H':
		has := shorthand[unicode.ToLower(c)]
		if unicode.IsUpper(c) {
			has = not(has)
		}
		return has, -1, nil
	case 'p', 'P':
		has, err := p.property()
		if err == nil && c == 'P' {
			has = not(has)
		}
		if err == nil && p.fold {
			has = folded(has)
		}
		return has, -1, err
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'f':
		c = '\f'
	case 'v':
		c = '\v'
	case 'a':
		c = '\a'
	case 'e':
		c = 0x1b
	case '0':
		c = 0
	case 'x', 'u':
		if c, err = p.code(c); err != nil {
			return nil, 0, err
		}
	default:
		if c < utf8.RuneSelf && (unicode.IsLetter(c) || unicode.IsDigit(c)) {
			return nil, 0, p.wrong(`\%c is not known`, c)
		}
	}
	return p.one(c), c, nil
}

// code reads the number of \xHH, \x{H...} or \uHHHH.
func (p *parser) code(kind rune) (rune, error) {
	digits := 4
	if kind == 'x' {
		digits = 2
		if p.take("{") {
			digits = strings.IndexByte(p.text[p.at:], '}')
			defer p.take("}")
		}
	}
	if digits < 1 || digits > 8 || p.at+digits > len(p.text) {
		return 0, p.wrong("a character's number does not end")
	}
	v, err := strconv.ParseUint(p.text[p.at:p.at+digits], 16, 31)
	if err != nil || v > unicode.MaxRune {
		return 0, p.wrong("%q is no character's number", p.text[p.at:p.at+digits])
	}
	p.at += digits
	return rune(v), nil
}
