// Package jinja renders chat templates: the part of Jinja2 3.1 that Hugging Face's transformers lets a model's
// chat template use, with Python's rules for values, so that the text is the same byte for byte.
//
// It has no loader, no file, network, environment or random access, and cannot change the values that it is
// given. Templates are untrusted: work, memory, nesting and output are bounded by [Limits], and whatever a
// template does wrong is an [*Error].
//
// The language follows the Jinja2 3.1 documentation (whitespace control with trim_blocks and lstrip_blocks on,
// scoping, Undefined, filters, tests, loop controls), the sandbox the one called ImmutableSandboxedEnvironment
// there; string, number and repr rules follow the Python 3 language reference.
package jinja

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// Error is what a template raised, or what is wrong with its text.
type Error struct {
	// Kind is the name of the exception that Python would raise: "TemplateSyntaxError", "UndefinedError",
	// "TypeError", ...; "TemplateError" for raise_exception, "LimitError" when a bound of Limits was met.
	Kind string
	// Msg is the text alone; for raise_exception the template's own words.
	Msg string
	// Line is the template's line, counted from 1.
	Line int
}

func (e *Error) Error() string {
	return fmt.Sprintf("chat template, line %d: %s: %s", e.Line, e.Kind, e.Msg)
}

// Limits bounds one rendering. The zero value stands for the defaults.
type Limits struct {
	Steps  int64 // evaluated nodes and visited items; default 10 million, some seconds
	Bytes  int64 // bytes of all strings and lists made on the way; default 256 MiB and 512 times the variables
	Output int   // bytes of the prompt; default 64 MiB
	Depth  int   // nesting of expressions, statements, macros and values; default 2,000
}

// maxSource bounds a template's text; the longest in the field are about 40 KB.
const maxSource = 1 << 20

func (l Limits) withDefaults(vars *Dict) Limits {
	if l.Steps <= 0 {
		l.Steps = 10e6
	}
	if l.Bytes <= 0 {
		// Some templates build the prompt by appending to one string, message by message: the bytes made grow with
		// the square of the conversation, though hardly any stay.
		l.Bytes = 256<<20 + 512*weight(vars, 0)
	}
	if l.Output <= 0 {
		l.Output = 64 << 20
	}
	if l.Depth <= 0 {
		l.Depth = 2000
	}
	return l
}

// weight is about how many bytes a value given to a template takes.
func weight(v Value, depth int) int64 {
	n := int64(valueBytes)
	if s, ok := text(v); ok {
		return n + int64(len(s))
	}
	var items []Value
	switch v := v.(type) {
	case *List:
		items = v.Items
	case *Dict:
		items = v.vals
	}
	if depth > maxJSONDepth {
		return n
	}
	for _, item := range items {
		n += weight(item, depth+1)
	}
	return n
}

// Template is a parsed template. It is immutable: any number of goroutines may render it at once.
type Template struct {
	body []stmt
}

// Parse reads a template's text (bytes that are no UTF-8 become U+FFFD). The error is an *Error.
func Parse(source string) (t *Template, err error) {
	defer catch(&err)
	if len(source) > maxSource {
		raise("LimitError", 1, "the template is longer than %d bytes", maxSource)
	}
	p := &parser{toks: lex(strings.ToValidUTF8(source, "\uFFFD"))}
	return &Template{body: p.template()}, nil
}

// Env is what one rendering sees beside its variables.
type Env struct {
	// Now is the clock behind strftime_now; nil: time.Now.
	Now    func() time.Time
	Limits Limits
}

// Render runs the template with the variables of vars, which it does not change. The error is an *Error.
func (t *Template) Render(vars *Dict, env Env) (text string, err error) {
	r := &runtime{now: env.Now, lim: env.Limits.withDefaults(vars)}
	if r.now == nil {
		r.now = time.Now
	}
	defer catch(&err)
	global := &scope{}
	for i, k := range vars.keys {
		if name, ok := k.(string); ok {
			global.set(name, vars.vals[i])
		}
	}
	out := &output{r: r}
	f := &frame{r: r, scope: &scope{parent: global}, out: out}
	f.block(t.body)
	return out.b.String(), nil
}

// catch turns the package's own panics into an error; any other panic is a bug here and goes on.
func catch(err *error) {
	switch p := recover().(type) {
	case nil:
	case *Error:
		*err = p
	default:
		panic(p)
	}
}

// raise ends parsing or rendering; catch receives it. Templates nest deeply and nearly every operation can
// fail, so errors travel as panics inside this package, as in text/template.
func raise(kind string, line int, format string, args ...any) {
	panic(&Error{Kind: kind, Msg: fmt.Sprintf(format, args...), Line: line})
}

// runtime is the state of one rendering.
type runtime struct {
	now   func() time.Time
	lim   Limits
	steps int64
	bytes int64
	depth int
	line  int
}

func (r *runtime) fail(kind, format string, args ...any) {
	raise(kind, r.line, format, args...)
}

// step counts n evaluated nodes or visited items.
func (r *runtime) step(n int) {
	r.steps += int64(n)
	if r.steps > r.lim.Steps {
		r.fail("LimitError", "the template needs more than %d steps", r.lim.Steps)
	}
}

// alloc counts n bytes that are about to be made.
func (r *runtime) alloc(n int) {
	if n < 0 || r.bytes > math.MaxInt64-int64(n) {
		n = math.MaxInt32
	}
	r.bytes += int64(n)
	if r.bytes > r.lim.Bytes {
		r.fail("LimitError", "the template makes more than %d bytes of values", r.lim.Bytes)
	}
}

// str counts a string that was made and returns it.
func (r *runtime) str(s string) string {
	r.alloc(len(s))
	return s
}

// enter counts one level of nesting; leave must follow (a panic ends the rendering, so no defer is needed).
func (r *runtime) enter() {
	r.depth++
	if r.depth > r.lim.Depth {
		r.fail("RecursionError", "nested deeper than %d levels", r.lim.Depth)
	}
}

func (r *runtime) leave() { r.depth-- }

// output collects text up to the limit.
type output struct {
	r *runtime
	b strings.Builder
}

func (o *output) write(s string) {
	if o.b.Len()+len(s) > o.r.lim.Output {
		o.r.fail("LimitError", "the output is longer than %d bytes", o.r.lim.Output)
	}
	o.r.alloc(len(s))
	o.b.WriteString(s)
}

// scope is one level of variables: the template, a loop's iteration, a macro's call. Most hold a handful of
// names, which a slice finds and makes faster than a map.
type scope struct {
	vars   []variable
	index  map[string]int // of vars, once there are many
	parent *scope
}

type variable struct {
	name string
	v    Value
}

// manyVars is from how many names on a map finds them faster.
const manyVars = 12

func (s *scope) find(name string) int {
	if s.index != nil {
		if i, ok := s.index[name]; ok {
			return i
		}
		return -1
	}
	for i := range s.vars {
		if s.vars[i].name == name {
			return i
		}
	}
	return -1
}

func (s *scope) set(name string, v Value) {
	if i := s.find(name); i >= 0 {
		s.vars[i].v = v
		return
	}
	s.vars = append(s.vars, variable{name, v})
	switch {
	case s.index != nil:
		s.index[name] = len(s.vars) - 1
	case len(s.vars) > manyVars:
		s.index = make(map[string]int, 2*manyVars)
		for i := range s.vars {
			s.index[s.vars[i].name] = i
		}
	}
}

func (s *scope) get(name string) (Value, bool) {
	for ; s != nil; s = s.parent {
		if i := s.find(name); i >= 0 {
			return s.vars[i].v, true
		}
	}
	return nil, false
}

// frame is where a statement runs: its variables and where its text goes.
type frame struct {
	r     *runtime
	scope *scope
	out   *output
}

// inner returns a frame with a scope of its own inside f's, with room for what a loop sets, in one piece.
func (f *frame) inner() *frame {
	in := &struct {
		frame frame
		scope scope
		vars  [2]variable
	}{}
	in.scope = scope{vars: in.vars[:0], parent: f.scope}
	in.frame = frame{r: f.r, scope: &in.scope, out: f.out}
	return &in.frame
}

// capture runs body in a frame of its own and returns its text.
func (f *frame) capture(body []stmt) string {
	in := f.inner()
	in.out = &output{r: f.r}
	in.block(body)
	return in.out.b.String()
}
