package jinja

import (
	"slices"
	"strings"
)

// expression reads a whole expression: conditional, or, and, not, comparison, + -, ~, * / // %, **, unary,
// primary with its subscripts, calls, filters and tests, from loose to tight.
func (p *parser) expression() expr {
	p.enter()
	defer p.leave()
	mark := len(p.unknown)
	x := p.or()
	for p.skipName("if") {
		test := p.or()
		var no expr
		if p.skipName("else") {
			no = p.expression()
		}
		x = &condExpr{test, x, no}
		p.unknown = p.unknown[:mark]
	}
	return x
}

func (p *parser) or() expr {
	x := p.and()
	for p.skipName("or") {
		x = &orExpr{x, p.and()}
	}
	return x
}

func (p *parser) and() expr {
	x := p.not()
	for p.skipName("and") {
		x = &andExpr{x, p.not()}
	}
	return x
}

func (p *parser) not() expr {
	if p.isName("not") {
		p.enter()
		defer p.leave()
		p.next()
		return &notExpr{p.not()}
	}
	return p.compare()
}

func (p *parser) compare() expr {
	x := p.sum()
	c := &compareExpr{x: x}
	for {
		op := p.cur().text
		switch {
		case p.cur().kind == tokOp && slices.Contains([]string{"==", "!=", "<", "<=", ">", ">="}, op):
			p.next()
		case p.isName("in"):
			p.next()
		case p.isName("not") && p.look().kind == tokName && p.look().text == "in":
			p.next()
			p.next()
			op = "not in"
		default:
			if len(c.ops) == 0 {
				return x
			}
			return c
		}
		c.ops = append(c.ops, op)
		c.ys = append(c.ys, p.sum())
	}
}

// binary reads a left-associative chain of operators over operands read by sub.
func (p *parser) binary(sub func() expr, ops ...string) expr {
	x := sub()
	for p.cur().kind == tokOp && slices.Contains(ops, p.cur().text) {
		op := p.next().text
		x = &binaryExpr{op, x, sub()}
	}
	return x
}

func (p *parser) sum() expr { return p.binary(p.concat, "+", "-") }

func (p *parser) concat() expr {
	x := p.product()
	if !p.isOp("~") {
		return x
	}
	c := &concatExpr{items: []expr{x}}
	for p.skipOp("~") {
		c.items = append(c.items, p.product())
	}
	return c
}

func (p *parser) product() expr { return p.binary(p.power, "*", "/", "//", "%") }

// power is left-associative in Jinja, unlike in Python.
func (p *parser) power() expr {
	return p.binary(func() expr { return p.unary(true) }, "**")
}

func (p *parser) unary(withFilter bool) expr {
	var x expr
	if p.isOp("-") || p.isOp("+") {
		p.enter()
		op := p.next().text
		x = &unaryExpr{op, p.unary(false)}
		p.leave()
	} else {
		x = p.primary()
	}
	x = p.postfix(x)
	if withFilter {
		x = p.filterExprs(x)
	}
	return x
}

func (p *parser) primary() expr {
	t := p.cur()
	switch {
	case t.kind == tokName:
		p.next()
		switch t.text {
		case "true", "True":
			return &constExpr{true}
		case "false", "False":
			return &constExpr{false}
		case "none", "None":
			return &constExpr{nil}
		}
		for _, m := range p.macros {
			m.kwargs = m.kwargs || t.text == "kwargs"
			m.varargs = m.varargs || t.text == "varargs"
			m.caller = m.caller || t.text == "caller"
		}
		return &nameExpr{t.text}
	case t.kind == tokString:
		var parts []string
		for p.cur().kind == tokString {
			parts = append(parts, p.next().text)
		}
		return &constExpr{strings.Join(parts, "")}
	case t.kind == tokNumber:
		p.next()
		return &constExpr{t.val}
	case p.skipOp("("):
		p.enter()
		defer p.leave()
		x := p.tuple(true, true)
		p.wantOp(")")
		return x
	case p.skipOp("["):
		return &listExpr{p.items("]")}
	case p.skipOp("{"):
		return p.dict()
	}
	p.fail("unexpected %s", t)
	return nil
}

func (p *parser) items(end string) []expr {
	var items []expr
	for !p.isOp(end) {
		if len(items) > 0 {
			p.wantOp(",")
			if p.isOp(end) {
				break
			}
		}
		items = append(items, p.expression())
	}
	p.wantOp(end)
	return items
}

func (p *parser) dict() expr {
	d := &dictExpr{}
	for !p.isOp("}") {
		if len(d.keys) > 0 {
			p.wantOp(",")
			if p.isOp("}") {
				break
			}
		}
		d.keys = append(d.keys, p.expression())
		p.wantOp(":")
		d.vals = append(d.vals, p.expression())
	}
	p.wantOp("}")
	return d
}

// tuple reads one expression, or several with commas between them as a tuple.
func (p *parser) tuple(cond, parens bool, ends ...string) expr {
	return p.tupleOf(func() expr {
		if cond {
			return p.expression()
		}
		p.enter()
		defer p.leave()
		return p.or()
	}, parens, ends...)
}

func (p *parser) tupleOf(item func() expr, parens bool, ends ...string) expr {
	var items []expr
	isTuple := false
	for {
		if len(items) > 0 {
			p.wantOp(",")
		}
		t := p.cur()
		if t.kind == tokVarEnd || t.kind == tokBlockEnd || (t.kind == tokOp && t.text == ")") ||
			(t.kind == tokName && slices.Contains(ends, t.text)) {
			break
		}
		items = append(items, item())
		if !p.isOp(",") {
			break
		}
		isTuple = true
	}
	if !isTuple {
		if len(items) > 0 {
			return items[0]
		}
		if !parens {
			p.fail("Expected an expression, got %s", p.cur())
		}
	}
	return &tupleExpr{items}
}

// postfix reads subscripts and calls.
func (p *parser) postfix(x expr) expr {
	for {
		switch {
		case p.isOp("."):
			p.next()
			t := p.next()
			switch {
			case t.kind == tokName:
				x = &attrExpr{x, t.text}
			case t.kind == tokNumber:
				x = &indexExpr{x, &constExpr{t.val}}
			default:
				p.fail("expected name or number")
			}
		case p.isOp("["):
			p.next()
			x = &indexExpr{x, p.subscript()}
		case p.isOp("("):
			line := p.cur().line
			x = &callExpr{x, p.callArgs(), line}
		default:
			return x
		}
	}
}

func (p *parser) subscript() expr {
	var items []expr
	for !p.isOp("]") {
		if len(items) > 0 {
			p.wantOp(",")
		}
		items = append(items, p.sliceOrIndex())
	}
	p.wantOp("]")
	if len(items) == 1 {
		return items[0]
	}
	return &tupleExpr{items}
}

func (p *parser) sliceOrIndex() expr {
	s := &sliceExpr{}
	if !p.isOp(":") {
		x := p.expression()
		if !p.isOp(":") {
			return x
		}
		s.lo = x
	}
	p.next()
	if !p.isOp(":") && !p.isOp("]") && !p.isOp(",") {
		s.hi = p.expression()
	}
	if p.skipOp(":") && !p.isOp("]") && !p.isOp(",") {
		s.step = p.expression()
	}
	return s
}

func (p *parser) callArgs() (a callArgs) {
	bad := func(cond bool) {
		if cond {
			p.fail("invalid syntax for function call expression")
		}
	}
	p.wantOp("(")
	for first := true; !p.isOp(")"); first = false {
		if !first {
			p.wantOp(",")
			if p.isOp(")") {
				break
			}
		}
		switch {
		case p.skipOp("*"):
			bad(a.rest != nil || a.restDict != nil)
			a.rest = p.expression()
		case p.skipOp("**"):
			bad(a.restDict != nil)
			a.restDict = p.expression()
		case p.cur().kind == tokName && p.look().kind == tokOp && p.look().text == "=":
			bad(a.restDict != nil)
			name := p.next().text
			bad(slices.Contains(a.names, name))
			p.next()
			a.names = append(a.names, name)
			a.vals = append(a.vals, p.expression())
		default:
			bad(a.rest != nil || a.restDict != nil || len(a.names) > 0)
			a.pos = append(a.pos, p.expression())
		}
	}
	p.wantOp(")")
	return a
}

// filterExprs reads filters, tests and calls behind a primary.
func (p *parser) filterExprs(x expr) expr {
	for {
		switch {
		case p.isOp("|"):
			x = p.filters(x, false)
		case p.isName("is"):
			x = p.test(x)
		case p.isOp("("):
			line := p.cur().line
			x = &callExpr{x, p.callArgs(), line}
		default:
			return x
		}
	}
}

// dotted reads a name that may have dots in it.
func (p *parser) dotted() string {
	name := p.wantName()
	for p.skipOp(".") {
		name += "." + p.wantName()
	}
	return name
}

// filters reads one or more filters; started: the first one's bar is not there, as in {% filter %}.
func (p *parser) filters(x expr, started bool) expr {
	for started || p.isOp("|") {
		if !started {
			p.next()
		}
		started = false
		f := &filterExpr{x: x, line: p.cur().line, name: p.dotted()}
		_, ok := filters[f.name]
		p.known(ok, "filter", f.name)
		if p.isOp("(") {
			f.args = p.callArgs()
		}
		x = f
	}
	return x
}

func (p *parser) test(x expr) expr {
	p.next()
	negated := p.skipName("not")
	t := &testExpr{x: x, line: p.cur().line, name: p.dotted()}
	_, ok := tests[t.name]
	p.known(ok, "test", t.name)
	c := p.cur()
	switch {
	case p.isOp("("):
		t.args = p.callArgs()
	case c.kind == tokString || c.kind == tokNumber || p.isOp("[") || p.isOp("{") ||
		(c.kind == tokName && c.text != "else" && c.text != "or" && c.text != "and"):
		if p.isName("is") {
			p.fail("You cannot chain multiple tests with is")
		}
		p.enter()
		t.args.pos = []expr{p.postfix(p.primary())}
		p.leave()
	}
	if negated {
		return &notExpr{t}
	}
	return t
}
