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
// per 16 weights two vectors of 8 int32 likewise. Behind the blocks, for types
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

// gemmKernel multiplies a panel with quads of tokens: dst[t*stride/4+r], for
// four tokens a quad and eight rows.
type gemmKernel func(dst *float32, stride int, panel, acts *byte, blocks, quads int)

// manyTier is what the kernels for many tokens of one tier need.
type manyTier struct {
	gemm    [4]gemmKernel // by form
	twice   int           // how often a scale stands in the panel
	arrange func(panel []byte, block, r int, q []int8)
	pack    func(acts []byte, block, t int, q []int8)
}

// Bytes of the cache that panels and packed activations may each take.
const manyBudget = 160 << 10

func (mt *manyTier) mul(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	form := formOf[m.Type]
	ts := &s.tier
	kb := m.Cols / 32
	panelBytes := mt.panelBytes(form, kb)
	quadBytes := mt.quadBytes(form, kb)
	rows := min(max(manyBudget/panelBytes, 1)*8, 64)
	tokens := min(max(manyBudget/quadBytes, 4)*4, 128)
	ts.panel = grow(ts.panel, rows/8*panelBytes)
	ts.acts = grow(ts.acts, tokens/4*quadBytes)
	for p0 := r0; p0 < r1; p0 += rows {
		p1 := min(p0+rows, r1)
		for r := p0; r < p1; r += 8 {
			mt.unpack(ts.panel[(r-p0)/8*panelBytes:][:panelBytes], m, r, min(r+8, p1), s)
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
	case formSub:
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
}

// unpack fills a panel with rows r to r1, at most eight; missing rows repeat
// the last one.
func (mt *manyTier) unpack(panel []byte, m *Matrix, r, r1 int, s *Scratch) {
	f := &s.row
	f.resize(m.Cols)
	kb := m.Cols / 32
	form := formOf[m.Type]
	block := 256 + 32*mt.twice
	if form == formSub {
		block += 64 * mt.twice
	}
	for i := range 8 {
		if r+i < r1 {
			rowUnpack[m.Type](f, m.row(r+i))
			if form == formSubMin {
				for j := range f.q {
					f.q[j] *= f.sub[j/16]
				}
			}
		}
		for b := range kb {
			blk := panel[b*block:][:block]
			mt.arrange(blk, b, i, f.q[b*32:][:32])
			for k := range mt.twice {
				lane := i*mt.twice + k
				putF32(blk[256+4*lane:], f.d[b])
				if form == formSub {
					n := 32 * mt.twice
					binary.LittleEndian.PutUint32(blk[256+n+4*lane:], uint32(int32(f.sub[2*b])))
					binary.LittleEndian.PutUint32(blk[256+2*n+4*lane:], uint32(int32(f.sub[2*b+1])))
				}
			}
			switch form {
			case formMin:
				putF32(panel[kb*block+32*b+4*i:], f.m[b])
			case formSubMin:
				x := panel[kb*block+96*b+4*i:]
				putF32(x, f.m[b])
				binary.LittleEndian.PutUint32(x[32:], uint32(int32(f.min[2*b])))
				binary.LittleEndian.PutUint32(x[64:], uint32(int32(f.min[2*b+1])))
			}
		}
	}
}

func putF32(b []byte, x float32) { binary.LittleEndian.PutUint32(b, math.Float32bits(x)) }

// packQuad packs tokens t to t+3; missing ones repeat the last.
func (mt *manyTier) packQuad(acts []byte, a *Acts, t, form int) {
	kb := a.K / 32
	block := 128 + 16*mt.twice
	for i := range 4 {
		tok := min(t+i, a.N-1)
		q, d := a.Q[tok*a.K:][:a.K], a.D[tok*kb:][:kb]
		for b := range kb {
			blk := acts[b*block:][:block]
			mt.pack(blk, b, i, q[b*32:][:32])
			if mt.twice == 2 {
				putF32(blk[128+i/2*16+i%2*4:], d[b])
				putF32(blk[128+i/2*16+i%2*4+8:], d[b])
			} else {
				putF32(blk[128+4*i:], d[b])
			}
			switch form {
			case formMin:
				putF32(acts[kb*block+16*b+4*i:], a.DS[tok*kb+b])
			case formSubMin:
				x := acts[kb*block+48*b+4*i:]
				putF32(x, d[b])
				binary.LittleEndian.PutUint32(x[16:], uint32(int32(a.S[2*(tok*kb+b)])))
				binary.LittleEndian.PutUint32(x[32:], uint32(int32(a.S[2*(tok*kb+b)+1])))
			}
		}
	}
}

func copyBytes(dst []byte, src []int8) {
	for i, v := range src {
		dst[i] = byte(v)
	}
}

var manyNEON = manyTier{
	gemm:    [4]gemmKernel{gemmScaleNEON, gemmMinNEON, gemmSubNEON, gemmSubMinNEON},
	twice:   1,
	arrange: func(blk []byte, _, r int, q []int8) { copyBytes(blk[32*r:], q) },
	pack:    packPlain,
}

var manyDotProd = manyTier{
	gemm:  [4]gemmKernel{gemmScaleDotProd, gemmMinDotProd, gemmSubDotProd, gemmSubMinDotProd},
	twice: 1,
	arrange: func(blk []byte, _, r int, q []int8) {
		for k := range 8 {
			copyBytes(blk[k/2*64+r/4*32+k%2*16+r%4*4:], q[4*k:][:4])
		}
	},
	pack: packPlain,
}

var manyI8MM = manyTier{
	gemm:  [4]gemmKernel{gemmScaleI8MM, gemmMinI8MM, gemmSubI8MM, gemmSubMinI8MM},
	twice: 2,
	arrange: func(blk []byte, _, r int, q []int8) {
		for c := range 4 {
			copyBytes(blk[c/2*128+r/2*32+c%2*16+r%2*8:], q[8*c:][:8])
		}
	},
	pack: func(blk []byte, _, t int, q []int8) {
		for c := range 4 {
			copyBytes(blk[c/2*64+t/2*32+c%2*16+t%2*8:], q[8*c:][:8])
		}
	},
}

func packPlain(blk []byte, _, t int, q []int8) {
	copyBytes(blk[16*t:], q[:16])
	copyBytes(blk[64+16*t:], q[16:])
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
