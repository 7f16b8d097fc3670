package jinja

import "slices"

// block runs statements until one leaves the loop around them.
func (f *frame) block(body []stmt) flow {
	f.r.enter()
	for _, s := range body {
		f.r.step(1)
		if fl := s.exec(f); fl != flowNext {
			f.r.leave()
			return fl
		}
	}
	f.r.leave()
	return flowNext
}

func (s *textStmt) exec(f *frame) flow {
	f.out.write(s.text)
	return flowNext
}

func (s *outputStmt) exec(f *frame) flow {
	f.r.line = s.line
	f.out.write(f.r.toStr(f.eval(s.x)))
	return flowNext
}

func (s *ifStmt) exec(f *frame) flow {
	f.r.line = s.line
	for i, test := range s.tests {
		if truth(f.eval(test)) {
			return f.block(s.bodies[i])
		}
	}
	return f.block(s.els)
}

func (s *setStmt) exec(f *frame) flow {
	f.r.line = s.line
	f.assign(s.target, f.eval(s.x))
	return flowNext
}

func (s *setBlockStmt) exec(f *frame) flow {
	var v Value = f.capture(s.body)
	f.r.line = s.line
	if s.filter != nil {
		v = s.filter.on(f, v)
	}
	f.assign(s.target, v)
	return flowNext
}

// assign stores v in a target.
func (f *frame) assign(target expr, v Value) {
	switch t := target.(type) {
	case *nameExpr:
		f.scope.set(t.name, v)
	case *nsRef:
		ns, _ := f.scope.get(t.ns)
		if n, ok := ns.(*namespace); ok {
			f.r.put(n.attrs, t.name, v)
			return
		}
		f.r.fail("TemplateRuntimeError", "cannot assign attribute on non-namespace object")
	case *tupleExpr:
		f.r.use(v)
		items := f.r.collect(v)
		if len(items) > len(t.items) {
			f.r.fail("ValueError", "too many values to unpack (expected %d)", len(t.items))
		}
		if len(items) < len(t.items) {
			f.r.fail("ValueError", "not enough values to unpack (expected %d, got %d)", len(t.items), len(items))
		}
		for i, item := range items {
			f.assign(t.items[i], item)
		}
	}
}

func (s *filterStmt) exec(f *frame) flow {
	v := s.filter.on(f, f.capture(s.body))
	f.out.write(f.r.toStr(v))
	return flowNext
}

func (s *withStmt) exec(f *frame) flow {
	f.r.line = s.line
	in := f.inner()
	for i, t := range s.targets {
		in.assign(t, f.eval(s.vals[i]))
	}
	return in.block(s.body)
}

func (s *scopeStmt) exec(f *frame) flow {
	f.r.line = s.line
	return f.inner().block(s.body)
}

func (s *flowStmt) exec(*frame) flow { return s.flow }

func (s *failStmt) exec(f *frame) flow {
	f.r.line = s.line
	f.r.fail("TypeError", "{%% %s %%}: no loader for this environment specified", s.tag)
	return flowNext
}

func (s *macroStmt) exec(f *frame) flow {
	f.scope.set(s.m.name, &macro{s.m, f.scope})
	return flowNext
}

func (s *callStmt) exec(f *frame) flow {
	f.r.line = s.line
	fn := f.eval(s.call.fn)
	a := f.args(s.call.args)
	a.names = append(a.names, "caller")
	a.vals = append(a.vals, &macro{s.caller, f.scope})
	f.out.write(f.r.toStr(f.r.call(fn, a)))
	return flowNext
}

func (x *callExpr) eval(f *frame) Value {
	fn := f.eval(x.fn)
	a := f.args(x.args)
	f.r.line = x.line
	return f.r.call(fn, a)
}

// call calls a macro, a function or a recursive loop.
func (r *runtime) call(fn Value, a *args) Value {
	r.use(fn)
	r.enter()
	defer r.leave()
	switch fn := fn.(type) {
	case *function:
		return fn.call(r, a)
	case *macro:
		return r.callMacro(fn, a)
	case *loopState:
		v := a.bind(r, "loop", 1, "iterable")[0]
		if fn.recurse == nil {
			r.fail("TypeError", "The loop must have the 'recursive' marker to be called recursively.")
		}
		return fn.recurse(v, fn.depth0+1)
	}
	r.fail("TypeError", "'%s' object is not callable", typeName(fn))
	return nil
}

func (r *runtime) callMacro(m *macro, a *args) Value {
	d := m.def
	in := &frame{r: r, scope: &scope{parent: m.scope}, out: &output{r: r}}
	a = &args{a.pos, a.names, a.vals}
	for i, name := range d.args {
		if i < len(a.pos) {
			in.scope.set(name, a.pos[i])
			continue
		}
		if v, ok := a.pop(name); ok {
			in.scope.set(name, v)
		} else if k := i - (len(d.args) - len(d.defaults)); k >= 0 {
			in.scope.set(name, in.eval(d.defaults[k]))
		} else {
			in.scope.set(name, undef("parameter '"+name+"' was not provided"))
		}
	}
	if d.caller && !slices.Contains(d.args, "caller") {
		c, ok := a.pop("caller")
		if !ok {
			c = undef("No caller defined")
		}
		in.scope.set("caller", c)
	}
	if d.kwargs {
		kw := &Dict{}
		for i, name := range a.names {
			r.put(kw, name, a.vals[i])
		}
		in.scope.set("kwargs", kw)
	} else if len(a.names) > 0 {
		r.fail("TypeError", "macro '%s' takes no keyword argument '%s'", d.name, a.names[0])
	}
	rest := a.pos[min(len(a.pos), len(d.args)):]
	if d.varargs {
		in.scope.set("varargs", &Tuple{rest})
	} else if len(rest) > 0 {
		r.fail("TypeError", "macro '%s' takes not more than %d argument(s)", d.name, len(d.args))
	}
	in.block(d.body)
	return in.out.b.String()
}
