package jinja

// Call is a function call written as in Python: name(key=value, ...).
type Call struct {
	Name string
	Args *Dict
}

// jsonNull is JSON's name for None; its true and false are Jinja's too.
const jsonNull = "null"

// ParseCalls reads calls as some models write them: "[f(a='x', b=[1, True]), g()]" or one call alone. Arguments
// are keywords with literal values, of Python or of JSON; nothing is looked up or called. The error is an *Error.
func ParseCalls(source string) (calls []Call, err error) {
	defer catch(&err)
	l := &lexer{src: source, line: 1}
	l.tag("\x00", tokVarEnd) // there is no such end: it reads all
	p := &parser{toks: append(l.toks, token{kind: tokEOF, line: l.line})}
	x := p.expression()
	if p.cur().kind != tokEOF {
		p.fail("unexpected %s", p.cur())
	}
	items := []expr{x}
	if list, ok := x.(*listExpr); ok {
		items = list.items
	}
	r := &runtime{lim: Limits{}.withDefaults(&Dict{})}
	f := &frame{r: r, scope: &scope{vars: []variable{{jsonNull, nil}}}}
	for _, item := range items {
		c, ok := item.(*callExpr)
		if !ok || len(c.args.pos) > 0 || c.args.rest != nil || c.args.restDict != nil {
			p.fail("expected calls with named arguments")
		}
		call := Call{Name: p.path(c.fn), Args: &Dict{}}
		for i, name := range c.args.names {
			p.literal(c.args.vals[i])
			call.Args.Set(name, f.eval(c.args.vals[i]))
		}
		calls = append(calls, call)
	}
	return calls, nil
}

// path is the text of a name with dots.
func (p *parser) path(x expr) string {
	switch x := x.(type) {
	case *nameExpr:
		return x.name
	case *attrExpr:
		return p.path(x.x) + "." + x.name
	}
	p.fail("expected a function's name")
	return ""
}

// literal fails unless x is made of constants.
func (p *parser) literal(x expr) {
	switch x := x.(type) {
	case *constExpr:
	case *unaryExpr:
		p.literal(x.x)
	case *listExpr:
		p.literals(x.items)
	case *tupleExpr:
		p.literals(x.items)
	case *dictExpr:
		p.literals(x.keys)
		p.literals(x.vals)
	case *nameExpr:
		if x.name != jsonNull {
			p.fail("'%s' is no literal", x.name)
		}
	default:
		p.fail("expected a literal")
	}
}

func (p *parser) literals(xs []expr) {
	for _, x := range xs {
		p.literal(x)
	}
}

// ToJSON writes a value as the tojson filter does without arguments. The error is an *Error.
func ToJSON(v Value) (text string, err error) {
	defer catch(&err)
	r := &runtime{lim: Limits{}.withDefaults(&Dict{})}
	return toJSON(r, v, &args{}).(string), nil
}
