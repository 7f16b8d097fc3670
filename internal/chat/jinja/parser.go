package jinja

import (
	"slices"
	"strings"
)

// parser turns tokens into statements. The grammar of expressions is in parse_expr.go.
type parser struct {
	toks   []token
	pos    int
	depth  int
	loops  int         // loops around this place in the same macro
	macros []*macroDef // macros around this place
	open   []string    // tags that wait for their end, for messages
	// soft: inside an if, where an unknown filter or test is an error only when it is reached.
	soft    bool
	unknown []*Error // unknown filters and tests elsewhere: they fail the template
}

// maxParseDepth bounds nested tags and brackets of the text.
const maxParseDepth = 250

func (p *parser) cur() token { return p.toks[p.pos] }

func (p *parser) look() token {
	if p.pos+1 < len(p.toks) {
		return p.toks[p.pos+1]
	}
	return p.toks[len(p.toks)-1]
}

func (p *parser) next() token {
	t := p.toks[p.pos]
	if t.kind != tokEOF {
		p.pos++
	}
	return t
}

func (p *parser) fail(format string, args ...any) {
	raise("TemplateSyntaxError", p.cur().line, format, args...)
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxParseDepth {
		p.fail("nested deeper than %d levels", maxParseDepth)
	}
}

func (p *parser) leave() { p.depth-- }

func (p *parser) isOp(op string) bool     { return p.cur().kind == tokOp && p.cur().text == op }
func (p *parser) isName(name string) bool { return p.cur().kind == tokName && p.cur().text == name }

func (p *parser) skipOp(op string) bool {
	if p.isOp(op) {
		p.next()
		return true
	}
	return false
}

func (p *parser) skipName(name string) bool {
	if p.isName(name) {
		p.next()
		return true
	}
	return false
}

func (p *parser) wantOp(op string) {
	if !p.skipOp(op) {
		p.fail("expected token '%s', got %s", op, p.cur())
	}
}

func (p *parser) wantName() string {
	if p.cur().kind != tokName {
		p.fail("expected token 'name', got %s", p.cur())
	}
	return p.next().text
}

func (p *parser) want(kind tokenKind) {
	if p.cur().kind != kind {
		p.fail("expected %s, got %s", token{kind: kind}, p.cur())
	}
	p.next()
}

func (p *parser) template() []stmt {
	body := p.until()
	if len(p.unknown) > 0 {
		panic(p.unknown[0])
	}
	return body
}

// known notes a filter or test that does not exist.
func (p *parser) known(ok bool, kind, name string) {
	if !ok && !p.soft {
		p.unknown = append(p.unknown, &Error{"TemplateAssertionError", "No " + kind + " named '" + name + "'.", p.cur().line})
	}
}

// until reads statements up to a tag whose name is in ends, which stays the current token; without ends, up to
// the end of the template.
func (p *parser) until(ends ...string) []stmt {
	var body []stmt
	for {
		switch t := p.cur(); t.kind {
		case tokEOF:
			if len(ends) > 0 {
				p.fail("Unexpected end of template. Jinja was looking for the following tags: '%s'. The innermost block that needs to be closed is '%s'.",
					strings.Join(ends, "' or '"), p.open[len(p.open)-1])
			}
			return body
		case tokData:
			p.next()
			body = append(body, &textStmt{t.text})
		case tokVarBegin:
			p.next()
			x := p.tuple(true, false)
			p.want(tokVarEnd)
			body = append(body, &outputStmt{x, t.line})
		default: // tokBlockBegin: the lexer emits nothing else outside of tags
			p.next()
			if p.cur().kind == tokName && slices.Contains(ends, p.cur().text) {
				return body
			}
			body = append(body, p.statement()...)
			p.want(tokBlockEnd)
		}
	}
}

// body reads the rest of a tag and the statements after it, and stops behind the name that ended them.
func (p *parser) body(ends ...string) (stmts []stmt, end string) {
	p.skipOp(":")
	p.want(tokBlockEnd)
	stmts = p.until(ends...)
	return stmts, p.next().text
}

func (p *parser) statement() []stmt {
	t := p.cur()
	if t.kind != tokName {
		p.fail("tag name expected")
	}
	p.enter()
	p.open = append(p.open, t.text)
	soft := p.soft
	// What has a scope of its own is compiled apart from an if around it.
	p.soft = t.text == "if" || (soft && (t.text == "set" || t.text == "for" || t.text == "print"))
	defer func() {
		p.leave()
		p.soft = soft
		p.open = p.open[:len(p.open)-1]
	}()
	p.next()
	switch t.text {
	case "if":
		return one(p.ifTag(t.line))
	case "for":
		return one(p.forTag(t.line))
	case "set":
		return one(p.setTag(t.line))
	case "macro":
		return one(p.macroTag(t.line))
	case "call":
		return one(p.callTag(t.line))
	case "filter":
		filter := p.filters(nil, true)
		body, _ := p.body("endfilter")
		return one(&filterStmt{filter.(*filterExpr), body, t.line})
	case "with":
		return one(p.withTag(t.line))
	case "print":
		var out []stmt
		for p.cur().kind != tokBlockEnd {
			if len(out) > 0 {
				p.wantOp(",")
			}
			out = append(out, &outputStmt{p.expression(), t.line})
		}
		return out
	case "break", "continue":
		if p.loops == 0 {
			p.fail("'%s' outside of a loop", t.text)
		}
		return one(&flowStmt{map[string]flow{"break": flowBreak, "continue": flowContinue}[t.text]})
	case "generation":
		loops := p.loops
		p.loops = 0
		body, _ := p.body("endgeneration")
		p.loops = loops
		return one(&scopeStmt{body, t.line})
	case "block":
		name := p.wantName()
		p.skipName("scoped")
		loops := p.loops
		p.loops = 0
		body, _ := p.body("endblock")
		p.loops = loops
		p.skipName(name)
		return one(&scopeStmt{body, t.line})
	case "include", "import", "from", "extends":
		for p.cur().kind != tokBlockEnd && p.cur().kind != tokEOF {
			p.next()
		}
		return one(&failStmt{t.text, t.line})
	}
	raise("TemplateSyntaxError", t.line, "Encountered unknown tag '%s'.", t.text)
	return nil
}

func one(s stmt) []stmt { return []stmt{s} }

func (p *parser) ifTag(line int) stmt {
	s := &ifStmt{line: line}
	for {
		s.tests = append(s.tests, p.tuple(false, false))
		body, end := p.body("elif", "else", "endif")
		s.bodies = append(s.bodies, body)
		switch end {
		case "elif":
			continue
		case "else":
			s.els, _ = p.body("endif")
		}
		return s
	}
}

func (p *parser) forTag(line int) stmt {
	s := &forStmt{line: line, target: p.target(false, "in")}
	if !p.skipName("in") {
		p.fail("expected token 'in', got %s", p.cur())
	}
	s.iter = p.tuple(false, false, "recursive")
	p.soft = false
	if p.skipName("if") {
		s.test = p.expression()
	}
	s.recursive = p.skipName("recursive")
	p.loops++
	body, end := p.body("endfor", "else")
	p.loops--
	s.body = body
	if end == "else" {
		s.els, _ = p.body("endfor")
	}
	return s
}

func (p *parser) setTag(line int) stmt {
	target := p.target(true)
	if p.skipOp("=") {
		return &setStmt{target, p.tuple(true, false), line}
	}
	p.soft = false
	s := &setBlockStmt{target: target, line: line}
	if p.isOp("|") {
		s.filter = p.filters(nil, false).(*filterExpr)
	}
	s.body, _ = p.body("endset")
	return s
}

func (p *parser) withTag(line int) stmt {
	s := &withStmt{line: line}
	for p.cur().kind != tokBlockEnd {
		if len(s.targets) > 0 {
			p.wantOp(",")
		}
		s.targets = append(s.targets, p.target(false))
		p.wantOp("=")
		s.vals = append(s.vals, p.expression())
	}
	s.body, _ = p.body("endwith")
	return s
}

// target reads what a value is assigned to: a name, a tuple of them, or an attribute of a namespace.
func (p *parser) target(namespace bool, ends ...string) expr {
	x := p.tupleOf(func() expr {
		if namespace && p.cur().kind == tokName && p.look().kind == tokOp && p.look().text == "." {
			ns := p.next().text
			p.next()
			return &nsRef{ns, p.wantName()}
		}
		return p.primary()
	}, false, ends...)
	p.checkTarget(x)
	return x
}

func (p *parser) checkTarget(x expr) {
	switch x := x.(type) {
	case *nsRef:
		return
	case *nameExpr:
		if x.name == "loop" && p.loops > 0 {
			p.fail("Can't assign to special loop variable in for-loop target")
		}
		return
	case *tupleExpr:
		for _, item := range x.items {
			p.checkTarget(item)
		}
		return
	}
	p.fail("can't assign to this expression")
}

func (p *parser) signature(m *macroDef) {
	p.wantOp("(")
	for !p.isOp(")") {
		if len(m.args) > 0 {
			p.wantOp(",")
		}
		m.args = append(m.args, p.wantName())
		if p.skipOp("=") {
			m.defaults = append(m.defaults, p.expression())
		} else if len(m.defaults) > 0 {
			p.fail("non-default argument follows default argument")
		}
	}
	p.wantOp(")")
}

// macroBody reads a macro's statements; loops outside of it are out of reach.
func (p *parser) macroBody(m *macroDef, end string) {
	loops := p.loops
	p.loops = 0
	p.macros = append(p.macros, m)
	m.body, _ = p.body(end)
	p.macros = p.macros[:len(p.macros)-1]
	p.loops = loops
}

func (p *parser) macroTag(line int) stmt {
	m := &macroDef{name: p.wantName()}
	p.signature(m)
	p.macroBody(m, "endmacro")
	return &macroStmt{m, line}
}

func (p *parser) callTag(line int) stmt {
	m := &macroDef{name: "caller"}
	if p.isOp("(") {
		p.signature(m)
	}
	call, ok := p.expression().(*callExpr)
	if !ok {
		p.fail("expected call")
	}
	p.macroBody(m, "endcall")
	return &callStmt{call, m, line}
}
