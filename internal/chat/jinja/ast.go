package jinja

// expr is an expression: it has a value.
type expr interface{ eval(f *frame) Value }

// stmt is a statement: it runs, and says whether the loop around it goes on.
type stmt interface{ exec(f *frame) flow }

type flow uint8

const (
	flowNext flow = iota
	flowBreak
	flowContinue
)

type (
	constExpr struct{ v Value }
	nameExpr  struct{ name string }
	listExpr  struct{ items []expr }
	tupleExpr struct{ items []expr }
	dictExpr  struct{ keys, vals []expr }
	attrExpr  struct { // x.name
		x    expr
		name string
	}
	indexExpr struct{ x, i expr }         // x[i]
	sliceExpr struct{ lo, hi, step expr } // only as an index; nil: left out
	callExpr  struct {
		fn   expr
		args callArgs
		line int
	}
	filterExpr struct {
		x    expr // nil in {% filter %} and {% set x | f %}, where the captured text is the input
		name string
		args callArgs
		line int
	}
	testExpr struct {
		x    expr
		name string
		args callArgs
		line int
	}
	unaryExpr struct {
		op string // "-", "+"
		x  expr
	}
	notExpr    struct{ x expr }
	binaryExpr struct {
		op   string
		x, y expr
	}
	concatExpr  struct{ items []expr }
	andExpr     struct{ x, y expr }
	orExpr      struct{ x, y expr }
	compareExpr struct {
		x   expr
		ops []string
		ys  []expr
	}
	condExpr struct{ test, yes, no expr } // no is nil without else
)

type callArgs struct {
	pos      []expr
	names    []string // keywords, in order
	vals     []expr
	rest     expr // *rest
	restDict expr // **rest
}

type (
	textStmt   struct{ text string }
	outputStmt struct {
		x    expr
		line int
	}
	ifStmt struct {
		tests  []expr // if, elif...
		bodies [][]stmt
		els    []stmt
		line   int
	}
	forStmt struct {
		target    expr
		iter      expr
		test      expr // nil: none
		recursive bool
		body, els []stmt
		line      int
	}
	setStmt struct {
		target expr
		x      expr
		line   int
	}
	setBlockStmt struct {
		target expr
		filter *filterExpr // nil: none
		body   []stmt
		line   int
	}
	filterStmt struct {
		filter *filterExpr
		body   []stmt
		line   int
	}
	withStmt struct {
		targets []expr
		vals    []expr
		body    []stmt
		line    int
	}
	scopeStmt struct { // {% generation %}, {% block %}
		body []stmt
		line int
	}
	macroStmt struct {
		m    *macroDef
		line int
	}
	callStmt struct {
		call   *callExpr
		caller *macroDef
		line   int
	}
	flowStmt struct{ flow flow }
	failStmt struct { // include, import, extends: there is nothing to load from
		tag  string
		line int
	}
)

// macroDef is the text of a macro or of a call block's body.
type macroDef struct {
	name     string
	args     []string
	defaults []expr // of the last args
	body     []stmt
	// Whether the body mentions these names decides what a call may pass.
	kwargs, varargs, caller bool
}

// nsRef is the target of {% set ns.name = ... %}.
type nsRef struct{ ns, name string }

func (*nsRef) eval(*frame) Value { panic("a namespace reference is only a target") }
