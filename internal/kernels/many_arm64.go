//go:build !purego

package kernels

import (
	"encoding/binary"
	"math"
	"unsafe"

	"happyphonellm/internal/quant"
)

// A panel is eight weight rows unpacked, per block of 32 columns: 256 int8
// weights, 8 float scales (I8MM: each twice), and for types with sub-scales
// per 16 weights two vectors of 8 int32 (NVFP4: floats) likewise. Behind the blocks, for types
// with minimums per 32, lie 8 floats a block; for Q2_K 8 floats, 8 int32 and
// 8 int32. The order of the weights is what one load of the kernel wants:
//
//	NEON     [8 rows][32]
//	DotProd  [8 quads of columns, by two][2 halves of the rows][2 quads][4 rows][4]
//	I8MM     [2 halves of the columns][4 pairs of rows][2 eights of columns][2 rows][8]
//
// Activations are packed by quads of four tokens, per block: 128 int8, 4 float
// scales (I8MM: 8, pairwise twice), and behind the blocks what the minimums
// multiply: 4 floats; for Q2_K 4 floats (scales), 4 int32 and 4 int32 (sums).
//
//	NEON, DotProd  [2 halves of the columns][4 tokens][16]
//	I8MM           [2 halves of the columns][2 pairs of tokens][2 eights of columns][2 tokens][8]

// zeros is what the kernels clear their integers with.
var zeros [32]byte

// gemmKernel multiplies a panel with quads of tokens: dst[t*stride/4+r], for
// four tokens a quad and eight rows.
type gemmKernel func(dst *float32, stride int, panel, acts *byte, blocks, quads int)

// manyTier is what the kernels for many tokens of one tier need.
type manyTier struct {
	gemm    [formFloatSub + 1]gemmKernel
	twice   int // how often a scale stands in the panel
	arrange func(panel *byte, block int, q *int8, step, blocks int)
	gather  func(dst *byte, block int, x *float32, step, blocks int)
	subs    func(dst *byte, block int, sub *int8, step, blocks int)
	fsubs   func(dst *byte, block int, sub *float32, step, blocks int)
	pack    func(acts *byte, a *Acts, t, blocks int)
}

// manyRows is the number of rows that share one packing of the activations.
const manyRows = 96

// Bytes of the cache that panels and packed activations may each take.
const manyBudget = 192 << 10

func (mt *manyTier) mul(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	form := formOf[m.Type]
	ts := &s.tier
	kb := m.Cols / 32
	panelBytes := mt.panelBytes(form, kb)
	quadBytes := mt.quadBytes(form, kb)
	rows := min(max(manyBudget/panelBytes, 1)*8, manyRows)
	tokens := min(max(manyBudget/quadBytes, 4)*4, 128)
	ts.panel = grow(ts.panel, rows/8*panelBytes)
	ts.acts = grow(ts.acts, tokens/4*quadBytes)
	for p0 := r0; p0 < r1; p0 += rows {
		p1 := min(p0+rows, r1)
		for r := p0; r < p1; r += 8 {
			mt.unpack(ts.panel[(r-p0)/8*panelBytes:][:panelBytes], m, r, min(r+8, p1), ts)
		}
		for t0 := 0; t0 < a.N; t0 += tokens {
			t1 := min(t0+tokens, a.N)
			for t := t0; t < t1; t += 4 {
				mt.packQuad(ts.acts[(t-t0)/4*quadBytes:][:quadBytes], a, t, form)
			}
			for r := p0; r < p1; r += 8 {
				mt.tile(dst, stride, ts.panel[(r-p0)/8*panelBytes:], r, p1, t0, t1, kb, quadBytes, form, ts)
			}
		}
	}
}

// tile multiplies one panel with the packed tokens; what is no whole panel or
// quad goes through a small buffer.
func (mt *manyTier) tile(dst []float32, stride int, panel []byte, r, r1, t0, t1, kb, quadBytes, form int, ts *tierScratch) {
	quads := (t1 - t0) / 4
	if r+8 > r1 {
		quads = 0
	}
	if quads > 0 {
		mt.gemm[form](&dst[t0*stride+r], 4*stride, unsafe.SliceData(panel), unsafe.SliceData(ts.acts), kb, quads)
	}
	for t := t0 + 4*quads; t < t1; t += 4 {
		mt.gemm[form](&ts.corner[0], 4*8, unsafe.SliceData(panel), &ts.acts[(t-t0)/4*quadBytes], kb, 1)
		for i := t; i < min(t+4, t1); i++ {
			copy(dst[i*stride+r:i*stride+min(r+8, r1)], ts.corner[(i-t)*8:])
		}
	}
}

func (mt *manyTier) panelBytes(form, kb int) int {
	n := 256 + 32*mt.twice
	switch form {
	case formMin:
		n += 32
	case formSub, formFloatSub:
		n += 64 * mt.twice
	case formSubMin:
		n += 96
	}
	return n * kb
}

func (mt *manyTier) quadBytes(form, kb int) int {
	n := 128 + 16*mt.twice
	switch form {
	case formMin:
		n += 16
	case formSubMin:
		n += 48
	}
	return n * kb
}

// formOf is the form of each quantized type (rowForm.form).
var formOf = [typeCount]int{
	quant.Q4_1: formMin, quant.Q5_1: formMin, quant.Q4_K: formMin, quant.Q5_K: formMin,
	quant.Q6_K: formSub, quant.Q3_K: formSub, quant.Q2_K: formSubMin,
	quant.IQ1_M: formSub, quant.IQ2_XS: formSub, quant.IQ2_S: formSub, quant.NVFP4: formFloatSub,
}

// unpack fills a panel with rows r to r1, at most eight; in place of missing rows
// it has what was there before.
func (mt *manyTier) unpack(panel []byte, m *Matrix, r, r1 int, ts *tierScratch) {
	k, kb := m.Cols, m.Cols/32
	form := formOf[m.Type]
	block := 256 + 32*mt.twice
	if form == formSub || form == formFloatSub {
		block += 64 * mt.twice
	}
	f := &ts.rows
	unpackRows(m, r, r1-r, 8, ts)
	mt.arrange(&panel[0], block, &f.q[0], k, kb)
	mt.gather(&panel[256], block, &f.d[0], 4*kb, kb)
	switch form {
	case formMin:
		gather8NEON(&panel[kb*block], 32, &f.m[0], 4*kb, kb)
	case formSub:
		mt.subs(&panel[256+32*mt.twice], block, &f.sub[0], 2*kb, kb)
	case formFloatSub:
		mt.fsubs(&panel[256+32*mt.twice], block, &f.fsub[0], 8*kb, kb)
	case formSubMin:
		gather8NEON(&panel[kb*block], 96, &f.m[0], 4*kb, kb)
		gatherSubNEON(&panel[kb*block+32], 96, &f.min[0], 2*kb, kb)
	}
}

func putI32(b []byte, x int32) { binary.LittleEndian.PutUint32(b, uint32(x)) }

// packQuad packs tokens t to t+3; missing ones repeat the last.
func (mt *manyTier) packQuad(acts []byte, a *Acts, t, form int) {
	kb := a.K / 32
	block := 128 + 16*mt.twice
	mt.pack(&acts[0], a, t, kb)
	switch form {
	case formMin:
		gather4NEON(&acts[kb*block], a, t, kb)
	case formSubMin:
		for b := range kb {
			x := acts[kb*block+48*b:][:48]
			for i := range 4 {
				at := min(t+i, a.N-1)*kb + b
				putI32(x[4*i:], int32(math.Float32bits(a.D[at])))
				putI32(x[16+4*i:], int32(a.S[2*at]))
				putI32(x[32+4*i:], int32(a.S[2*at+1]))
			}
		}
	}
}

var manyNEON = manyTier{
	gemm:    [...]gemmKernel{gemmScaleNEON, gemmMinNEON, gemmSubNEON, gemmSubMinNEON, gemmFloatSubNEON},
	twice:   1,
	arrange: arrangeNEON,
	gather:  gather8NEON,
	subs:    gatherSubNEON,
	fsubs:   gatherFloatSubNEON,
	pack:    packNEON,
}

var manyDotProd = manyTier{
	gemm:    [...]gemmKernel{gemmScaleDotProd, gemmMinDotProd, gemmSubDotProd, gemmSubMinDotProd, gemmFloatSubDotProd},
	twice:   1,
	arrange: arrangeDotProd,
	gather:  gather8NEON,
	subs:    gatherSubNEON,
	fsubs:   gatherFloatSubNEON,
	pack:    packNEON,
}

var manyI8MM = manyTier{
	gemm:    [...]gemmKernel{gemmScaleI8MM, gemmMinI8MM, gemmSubI8MM, gemmSubMinI8MM, gemmFloatSubI8MM},
	twice:   2,
	arrange: arrangeI8MM,
	gather:  gather8TwiceNEON,
	subs:    gatherSubTwiceNEON,
	fsubs:   gatherFloatSubTwiceNEON,
	pack:    packI8MM,
}

func (mt *manyTier) table() [typeCount]mulFunc {
	var tab [typeCount]mulFunc
	for t := range tab {
		if rowUnpack[t] != nil {
			tab[t] = mt.mul
		}
	}
	return tab
}

//go:noescape
func gemmScaleNEON(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmMinNEON(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubNEON(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubMinNEON(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmScaleDotProd(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmMinDotProd(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubDotProd(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubMinDotProd(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmScaleI8MM(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmMinI8MM(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubI8MM(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmSubMinI8MM(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmFloatSubNEON(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmFloatSubDotProd(dst *float32, stride int, panel, acts *byte, blocks, quads int)

//go:noescape
func gemmFloatSubI8MM(dst *float32, stride int, panel, acts *byte, blocks, quads int)
