package kernels

import (
	"fmt"
	"strings"

	"happyphonellm/internal/quant"
)

// typeCount bounds the tables that are indexed by a tensor type.
const typeCount = 43

// mulFunc computes dst[t*stride+r] = row r of m . token t, for all rows in
// [r0,r1) and all tokens of a; ranges are checked by the caller.
type mulFunc func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch)

// tier is one CPU family's set of functions. A nil or zero entry falls back to
// the tier before it (base), at last to plain Go.
type tier struct {
	name string
	base *tier
	has  func() bool // whether this CPU runs it; nil: always

	// few serves up to fewMax tokens and reads the blocks of the file; many
	// serves more and unpacks panels of rows first.
	few       [typeCount]mulFunc
	many      [typeCount]mulFunc
	fewMax    [typeCount]int
	group     int // rows that few takes at once
	groupMany int // rows of a panel

	quantize func(a *Acts, b0, b1 int) // blocks of 32, counted through all tokens

	dot       func(x, y []float32) float32
	axpy      func(y []float32, a float32, x []float32)
	add       func(dst, x, y []float32)
	mul       func(dst, x, y []float32)
	scale     func(dst, x []float32, s float32)
	rmsNorm   func(dst, x, w []float32, eps float32)
	layerNorm func(dst, x, w, b []float32, eps float32)
	softmax   func(x []float32)
	swiGLU    func(dst, gate, up []float32)
	geGLU     func(dst, gate, up []float32)
	softcap   func(x []float32, scale, limit float32)
	ropeNorm  func(x, cos, sin []float32)
	ropeNeox  func(x, cos, sin []float32)
	storeF16  func(dst []byte, src []float32)
	roundF16  func(dst, x []float32, scale float32)
	splitBF16 func(dst, x []float32)
	storeQ8   func(dst []byte, src []float32)
	attend    func(out, q []float32, kv *HeadCache, from, to int, p *AttendParams, s *Scratch)

	// attendMany, if there is one, gets at least 2 queries.
	attendMany func(qs []Query, kv *HeadCache, s *Scratch)
}

// Tier names one set of kernels and says whether this CPU runs it.
type Tier struct {
	Name      string
	Supported bool
}

// active is the tier in use with every entry filled. It changes only in init
// and in Use.
var active tier

func init() { setActive(best()) }

// best is the last tier that this CPU runs.
func best() *tier {
	t := &goTier
	for _, c := range tiers() {
		if c.has == nil || c.has() {
			t = c
		}
	}
	return t
}

// tiers lists all tiers of this build, slowest first.
func tiers() []*tier { return append([]*tier{&goTier}, archTiers()...) }

// Tiers lists the sets of kernels in this build, slowest first.
func Tiers() []Tier {
	var list []Tier
	for _, t := range tiers() {
		list = append(list, Tier{Name: t.name, Supported: t.has == nil || t.has()})
	}
	return list
}

// Current is the name of the tier in use.
func Current() string { return active.name }

// Use selects a tier by name and returns a function that puts the former one
// back. It is for tests and benchmarks: no kernel may be running.
func Use(name string) (restore func(), err error) {
	var names []string
	for _, t := range tiers() {
		if t.name == name {
			if t.has != nil && !t.has() {
				return nil, fmt.Errorf("kernels: this CPU does not run tier %q", name)
			}
			old := active
			setActive(t)
			return func() { active = old }, nil
		}
		names = append(names, t.name)
	}
	return nil, fmt.Errorf("kernels: no tier %q in this build (it has %s)", name, strings.Join(names, ", "))
}

// setActive copies t over its bases, so that no call has to look further.
func setActive(t *tier) {
	var chain []*tier
	for c := t; c != nil; c = c.base {
		chain = append(chain, c)
	}
	active = tier{}
	for i := len(chain) - 1; i >= 0; i-- {
		active.overlay(chain[i])
	}
	active.name = t.name
}

// overlay replaces the entries that t has.
func (a *tier) overlay(t *tier) {
	for i := range t.few {
		setIf(&a.few[i], t.few[i])
		setIf(&a.many[i], t.many[i])
		if t.fewMax[i] != 0 {
			a.fewMax[i] = t.fewMax[i]
		}
	}
	if t.group != 0 {
		a.group = t.group
	}
	if t.groupMany != 0 {
		a.groupMany = t.groupMany
	}
	if t.quantize != nil {
		a.quantize = t.quantize
	}
	if t.dot != nil {
		a.dot = t.dot
	}
	if t.axpy != nil {
		a.axpy = t.axpy
	}
	if t.add != nil {
		a.add = t.add
	}
	if t.mul != nil {
		a.mul = t.mul
	}
	if t.scale != nil {
		a.scale = t.scale
	}
	if t.rmsNorm != nil {
		a.rmsNorm = t.rmsNorm
	}
	if t.layerNorm != nil {
		a.layerNorm = t.layerNorm
	}
	if t.softmax != nil {
		a.softmax = t.softmax
	}
	if t.swiGLU != nil {
		a.swiGLU = t.swiGLU
	}
	if t.geGLU != nil {
		a.geGLU = t.geGLU
	}
	if t.softcap != nil {
		a.softcap = t.softcap
	}
	if t.ropeNorm != nil {
		a.ropeNorm = t.ropeNorm
	}
	if t.ropeNeox != nil {
		a.ropeNeox = t.ropeNeox
	}
	if t.storeF16 != nil {
		a.storeF16 = t.storeF16
	}
	if t.roundF16 != nil {
		a.roundF16 = t.roundF16
	}
	if t.splitBF16 != nil {
		a.splitBF16 = t.splitBF16
	}
	if t.storeQ8 != nil {
		a.storeQ8 = t.storeQ8
	}
	if t.attend != nil {
		a.attend = t.attend
	}
	if t.attendMany != nil {
		a.attendMany = t.attendMany
	}
}

func setIf(dst *mulFunc, f mulFunc) {
	if f != nil {
		*dst = f
	}
}

// goTier is plain Go: the reference, and the fallback of every other tier.
var goTier = tier{
	name:      "go",
	group:     16,
	groupMany: 16,
	quantize:  quantizeGo,
	dot:       dotGo,
	axpy:      axpyGo,
	add:       addGo,
	mul:       mulGo,
	scale:     scaleGo,
	rmsNorm:   rmsNormGo,
	layerNorm: layerNormGo,
	softmax:   softmaxGo,
	swiGLU:    swiGLUGo,
	geGLU:     geGLUGo,
	softcap:   softcapGo,
	ropeNorm:  ropeNormGo,
	ropeNeox:  ropeNeoxGo,
	storeF16:  storeF16Go,
	roundF16:  roundF16Go,
	splitBF16: splitBF16Go,
	storeQ8:   storeQ8Go,
	attend:    attendGo,
	few:       goMul(),
	many:      goMul(),
	fewMax:    allTypes(3),
}

// goMul has the plain-Go product of every supported type.
func goMul() (f [typeCount]mulFunc) {
	for t := range f {
		switch {
		case takesHalves(quant.Type(t)):
			f[t] = inHalves(mulFloatGo)
		case rowFloats[t] != nil:
			f[t] = mulFloatGo
		case rowUnpack[t] != nil:
			f[t] = mulQuantGo
		}
	}
	return f
}

func allTypes(n int) (f [typeCount]int) {
	for t := range f {
		f[t] = n
	}
	return f
}
