package jinja

// loopState is the special variable loop. It reads ahead only when a template asks for what comes next, so a
// generator's side effects keep Python's order.
type loopState struct {
	r       *runtime
	next    func() (Value, bool)
	ahead   []Value // items read early
	size    int     // -1: not known yet
	index0  int
	depth0  int
	current Value
	before  Value
	changed *Tuple
	recurse func(v Value, depth int) Value
}

// advance moves on to the next item.
func (l *loopState) advance() (Value, bool) {
	var v Value
	if len(l.ahead) > 0 {
		v = l.ahead[0]
		l.ahead = l.ahead[1:]
	} else {
		var ok bool
		if v, ok = l.next(); !ok {
			return nil, false
		}
	}
	l.index0++
	l.before, l.current = l.current, v
	return v, true
}

func (l *loopState) peek() (Value, bool) {
	if len(l.ahead) == 0 {
		v, ok := l.next()
		if !ok {
			return nil, false
		}
		l.ahead = append(l.ahead, v)
	}
	return l.ahead[0], true
}

func (l *loopState) length() int {
	if l.size < 0 {
		for {
			v, ok := l.next()
			if !ok {
				break
			}
			l.r.alloc(valueBytes)
			l.ahead = append(l.ahead, v)
		}
		l.size = l.index0 + 1 + len(l.ahead)
	}
	return l.size
}

// attr is loop.name.
func (l *loopState) attr(name string) (Value, bool) {
	switch name {
	case "index":
		return int64(l.index0 + 1), true
	case "index0":
		return int64(l.index0), true
	case "revindex":
		return int64(l.length() - l.index0), true
	case "revindex0":
		return int64(l.length() - l.index0 - 1), true
	case "first":
		return l.index0 == 0, true
	case "last":
		_, more := l.peek()
		return !more, true
	case "length":
		return int64(l.length()), true
	case "depth":
		return int64(l.depth0 + 1), true
	case "depth0":
		return int64(l.depth0), true
	case "previtem":
		if l.index0 == 0 {
			return undef("there is no previous item"), true
		}
		return l.before, true
	case "nextitem":
		v, ok := l.peek()
		if !ok {
			return undef("there is no next item"), true
		}
		return v, true
	case "cycle":
		return &function{"cycle", func(r *runtime, a *args) Value {
			if len(a.pos) == 0 {
				r.fail("TypeError", "no items for cycling given")
			}
			return a.pos[l.index0%len(a.pos)]
		}}, true
	case "changed":
		return &function{"changed", func(r *runtime, a *args) Value {
			if l.changed != nil && r.equalItems(l.changed.Items, a.pos) {
				return false
			}
			l.changed = &Tuple{a.pos}
			return true
		}}, true
	}
	return nil, false
}

func (s *forStmt) exec(f *frame) flow {
	f.r.line = s.line
	v := f.eval(s.iter)
	if s.recursive {
		var recurse func(v Value, depth int) Value
		recurse = func(v Value, depth int) Value {
			in := &frame{r: f.r, scope: f.scope, out: &output{r: f.r}}
			s.run(in, v, depth, recurse)
			return in.out.b.String()
		}
		f.out.write(f.r.toStr(recurse(v, 0)))
		return flowNext
	}
	s.run(f, v, 0, nil)
	return flowNext
}

// run walks v once. Every iteration has a scope of its own, so what the body sets is gone in the next.
func (s *forStmt) run(f *frame, v Value, depth int, recurse func(Value, int) Value) {
	r := f.r
	next := r.iter(v)
	l := &loopState{r: r, size: -1, index0: -1, depth0: depth, recurse: recurse}
	if s.test == nil {
		l.next = next
		if n, ok := length(v); ok {
			l.size = n
		}
	} else {
		l.next = func() (Value, bool) {
			for {
				item, ok := next()
				if !ok {
					return nil, false
				}
				in := f.inner()
				in.assign(s.target, item)
				if truth(in.eval(s.test)) {
					return item, true
				}
			}
		}
	}
	empty := true
	for {
		item, ok := l.advance()
		if !ok {
			break
		}
		empty = false
		in := f.inner()
		in.scope.set("loop", l)
		in.assign(s.target, item)
		if in.block(s.body) == flowBreak {
			break
		}
	}
	if empty {
		f.inner().block(s.els)
	}
}
