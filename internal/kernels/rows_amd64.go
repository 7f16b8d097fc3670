//go:build !purego

package kernels

import (
	"unsafe"

	"happyphonellm/internal/quant"
)

// rowsArgs are the arguments of the generated rows kernels; their offsets are
// known to gen/rows.go.
type rowsArgs struct {
	w        *byte // first row
	rowBytes int
	units    int            // blocks or superblocks in a row
	q        unsafe.Pointer // product: int8 activations; unpacking: panel weights
	scale    unsafe.Pointer // product: work area; unpacking: panel scales
	d        unsafe.Pointer // product: activations' scales; unpacking: panel minimums
	c        unsafe.Pointer // product: sums times the offset
	second   unsafe.Pointer // product: what minimums multiply; unpacking: panel pairs
	ahead    int            // product: bytes from w to what is prefetched
	out      *float32
	sub      unsafe.Pointer // unpacking: panel sub-scales; product of grid types: the grid
}

// prefetchAhead is how far beyond a group of rows to prefetch: whole groups, so
// that each line is asked for once, and far enough for memory to answer.
func prefetchAhead(group int) int {
	return (prefetchMin + group - 1) / group * group
}

const prefetchMin = 16 << 10

// gemmArgs are the arguments of the panel kernels; see gen/gemm.go.
type gemmArgs struct {
	w, d, m, sub, pair unsafe.Pointer // panel
	q                  unsafe.Pointer // activations of the first token
	qStride            int            // bytes of a token's activations
	da                 unsafe.Pointer
	dStride            int // bytes of a token's scales
	c, second          unsafe.Pointer
	_                  int
	blocks             int
	out                *float32
	outStride          int // bytes
}

// tierScratch is what the amd64 tiers keep per worker. The arguments live here
// because a call through a function value would move them to the heap.
type tierScratch struct {
	rows  rowsArgs
	gemm  gemmArgs
	work  []float32       // scales of a superblock, see gen/rowscale.go; of grid types all dots and scales, see gen/expand.go
	out   [4 * 48]float32 // results of a tile that does not fit dst
	panel panel

	pairs []uint16 // tokens in BF16

	expand   expandArgs
	expanded []byte // rows of types without a kernel of their own

	// Attention: scores of a tile with room for a group's excess, widened keys
	// and values, the last rows of a cache, the queries' softmaxes.
	tile         [attendTile + 16]float32
	kTile, vTile []float32
	rows16       []byte
	states       []softState
	queries      []float32              // side by side
	four         [4 * fourPitch]float32 // scores of four queries, weights then
	outs         [4]*float32
}

// panel holds unpacked rows: per block of 32 weights, vecs registers of rows
// side by side (see gen/gemm.go for the order of the weights).
type panel struct {
	buf                []byte
	w, d, m, sub, pair unsafe.Pointer
}

// resize makes room for a panel of vecs vectors of vb bytes and kb blocks.
func (p *panel) resize(vecs, vb, kb int) {
	pitch := vecs * vb
	n := kb * pitch
	if need := 13*n + 64; len(p.buf) < need {
		p.buf = make([]byte, need)
	}
	base := unsafe.Pointer(&p.buf[0])
	base = unsafe.Add(base, -int(uintptr(base))&63)
	p.w = base
	p.d = unsafe.Add(base, 8*n)
	p.m = unsafe.Add(base, 9*n)
	p.sub = unsafe.Add(base, 10*n)
	p.pair = unsafe.Add(base, 12*n)
}

// units is the number of blocks or superblocks in a row.
func (m *Matrix) units() int { return m.Cols / int(unitElems[m.Type]) }

// unitElems are the types' block sizes: quant's table is large, and what a product
// needs of it would be out of the cache by the next layer.
var unitElems = func() (elems [typeCount]uint16) {
	for t := range elems {
		if f, ok := quant.Type(t).Format(); ok {
			elems[t] = uint16(f.BlockElems)
		}
	}
	return elems
}()

// hasSub: types whose blocks have two sub-scales.
func hasSub(t quant.Type) bool {
	switch t {
	case quant.Q6_K, quant.Q3_K, quant.Q2_K, quant.IQ1_M, quant.IQ2_XS, quant.IQ2_S, quant.NVFP4:
		return true
	}
	return false
}

// actPointers returns what the kernels of type t read of token tok.
func actPointers(a *Acts, t quant.Type, tok int) (q, d, c, second unsafe.Pointer) {
	kb := a.K / 32
	q = unsafe.Pointer(&a.Q[tok*a.K])
	d = unsafe.Pointer(&a.D[tok*kb])
	c = unsafe.Pointer(&a.C[tok*kb])
	second = unsafe.Pointer(&a.DS[tok*kb])
	if hasSub(t) {
		c = unsafe.Pointer(&a.C16[2*tok*kb])
		second = unsafe.Pointer(&a.S[2*tok*kb])
	}
	return q, d, c, second
}

// fewRows multiplies groups of n rows with each token. The last group of a
// matrix begins earlier if rows are missing, and computes some twice. expanded:
// the rows are unpacked first (see expand), else kernel reads those of the file.
func fewRows(kernel func(p *rowsArgs), n int, expanded bool, dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if m.Rows < n {
		mulQuantGo(dst, stride, m, r0, r1, a, s)
		return
	}
	p := &s.tier.rows
	p.rowBytes, p.units = m.RowBytes, m.units()
	s.tier.work = grow(s.tier.work, max(40*16, 16*m.Cols/32))
	p.scale = unsafe.Pointer(&s.tier.work[0])
	p.ahead = prefetchAhead(n * m.RowBytes)
	if expanded {
		p.rowBytes, p.units = expandedBytes(m), m.Cols/32
	}
	for r := r0; r < r1; r += n {
		start, rows := min(r, m.Rows-n), min(n, r1-r)
		p.w = &m.Data[start*m.RowBytes]
		if expanded {
			p.w = expand(m, start, n, s)
		}
		for t := range a.N {
			p.q, p.d, p.c, p.second = actPointers(a, m.Type, t)
			if start == r && rows == n {
				p.out = &dst[t*stride+r]
				kernel(p)
				continue
			}
			p.out = &s.tier.out[0]
			kernel(p)
			copy(dst[t*stride+r:][:rows], s.tier.out[r-start:])
		}
	}
}

// manyRows unpacks panels of up to vecs times n rows and multiplies each with
// all tokens, four at a time.
func manyRows(unpack func(p *rowsArgs), gemms []func(p *gemmArgs), n, vecs int, expanded bool,
	dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	if m.Rows < n {
		mulQuantGo(dst, stride, m, r0, r1, a, s)
		return
	}
	kb := m.Cols / 32
	pan := &s.tier.panel
	pan.resize(vecs, 4*n, kb)
	p, g := &s.tier.rows, &s.tier.gemm
	p.rowBytes, p.units = m.RowBytes, m.units()
	p.ahead = prefetchAhead(n * m.RowBytes)
	if expanded {
		p.rowBytes, p.units = expandedBytes(m), kb
	}
	g.blocks, g.qStride, g.dStride = kb, a.K, 4*kb
	for r := r0; r < r1; r += n * vecs {
		rows := min(n*vecs, r1-r)
		used := (rows + n - 1) / n
		for v := range used {
			start := min(r+v*n, m.Rows-n)
			p.w = &m.Data[start*m.RowBytes]
			if expanded {
				p.w = expand(m, start, n, s)
			}
			at := 4 * n * v
			p.q, p.scale, p.d = unsafe.Add(pan.w, at), unsafe.Add(pan.d, at), unsafe.Add(pan.m, at)
			p.sub, p.second = unsafe.Add(pan.sub, at), unsafe.Add(pan.pair, at)
			unpack(p)
		}
		// shift is how many lanes the last vector begins early.
		shift := max(0, r+used*n-m.Rows)
		for v := 0; v < used; {
			take := min(len(gemms), used-v)
			at := 4 * n * v
			g.w, g.d, g.m = unsafe.Add(pan.w, at), unsafe.Add(pan.d, at), unsafe.Add(pan.m, at)
			g.sub, g.pair = unsafe.Add(pan.sub, at), unsafe.Add(pan.pair, at)
			whole := (v+take)*n <= rows && shift == 0
			for t := 0; t < a.N; t += 4 {
				g.q, g.da, g.c, g.second = actPointers(a, m.Type, t)
				if whole && t+4 <= a.N {
					g.out, g.outStride = &dst[t*stride+r+v*n], 4*stride
					gemms[take-1](g)
					continue
				}
				g.out, g.outStride = &s.tier.out[0], 4*take*n
				gemms[take-1](g)
				for i := range min(4, a.N-t) {
					out := s.tier.out[i*take*n:][:take*n]
					for u := range take {
						r2 := r + (v+u)*n
						lanes := out[u*n:][:n]
						if v+u == used-1 {
							lanes = lanes[shift:]
						}
						if r2 < r1 {
							copy(dst[(t+i)*stride+r2:][:min(n, r1-r2)], lanes)
						}
					}
				}
			}
			v += take
		}
	}
}
