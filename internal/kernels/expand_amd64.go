//go:build !purego

package kernels

import (
	"encoding/binary"
	"math"
	"unsafe"

	"happyphonellm/internal/quant"
)

// Types without a kernel that reads the file's blocks: rows are unpacked first, by
// kernels of their own (see gen/expand.go) or in plain Go, to blocks of 32 int8 weights behind a float32 scale (S8), or behind a scale
// and two sub-scales (S8Sub), which kernels read like those of a file. A group of
// rows stays in the cache.

const (
	s8Bytes    = 4 + 32
	s8SubBytes = 12 + 32
)

// expandedBytes is the size of an unpacked row.
func expandedBytes(m *Matrix) int {
	if hasSub(m.Type) {
		return m.Cols / 32 * s8SubBytes
	}
	return m.Cols / 32 * s8Bytes
}

// expand unpacks n rows from start on and returns where they are.
func expand(m *Matrix, start, n int, s *Scratch) *byte {
	size := expandedBytes(m)
	s.tier.expanded = grow(s.tier.expanded, n*size)
	if e := &expanders[m.Type]; e.kernel != nil {
		p := &s.tier.expand
		p.units, p.grid = m.Cols/256, e.grid
		for i := range n {
			p.dst, p.src = &s.tier.expanded[i*size], &m.row(start + i)[0]
			e.kernel(p)
		}
		return &s.tier.expanded[0]
	}
	f := &s.row
	f.resize(m.Cols)
	q := unsafe.Slice((*byte)(unsafe.Pointer(&f.q[0])), m.Cols)
	for i := range n {
		rowUnpack[m.Type](f, m.row(start+i))
		dst := s.tier.expanded[i*size:][:size]
		for b, d := range f.d {
			binary.LittleEndian.PutUint32(dst, math.Float32bits(d))
			switch f.form {
			case formScale:
				copy(dst[4:s8Bytes], q[32*b:])
				dst = dst[s8Bytes:]
				continue
			case formFloatSub:
				binary.LittleEndian.PutUint32(dst[4:], math.Float32bits(f.fsub[2*b]))
				binary.LittleEndian.PutUint32(dst[8:], math.Float32bits(f.fsub[2*b+1]))
			default:
				binary.LittleEndian.PutUint32(dst[4:], math.Float32bits(float32(f.sub[2*b])))
				binary.LittleEndian.PutUint32(dst[8:], math.Float32bits(float32(f.sub[2*b+1])))
			}
			copy(dst[12:s8SubBytes], q[32*b:])
			dst = dst[s8SubBytes:]
		}
	}
	return &s.tier.expanded[0]
}

// expandArgs are the arguments of the generated expand kernels, see gen/expand.go.
type expandArgs struct {
	dst, src *byte
	units    int // superblocks
	grid     unsafe.Pointer
}

// expander unpacks one row. mul, one a tier, multiplies eight rows of the file
// with a token.
type expander struct {
	kernel func(p *expandArgs)
	grid   unsafe.Pointer
	avx2   func(p *rowsArgs)
	vnni   func(p *rowsArgs)
}

var expanders = [typeCount]expander{
	quant.IQ2_XXS: {expandIQ2_XXSAVX2, unsafe.Pointer(&quant.GridIQ2_XXS), mulIQ2_XXSAVX2, mulIQ2_XXSVNNI},
	quant.IQ2_XS:  {expandIQ2_XSAVX2, unsafe.Pointer(&quant.GridIQ2_XS), mulIQ2_XSAVX2, mulIQ2_XSVNNI},
	quant.IQ2_S:   {expandIQ2_SAVX2, unsafe.Pointer(&quant.GridIQ2_S), mulIQ2_SAVX2, mulIQ2_SVNNI},
	quant.IQ3_XXS: {expandIQ3_XXSAVX2, unsafe.Pointer(&quant.GridIQ3_XXS), mulIQ3_XXSAVX2, mulIQ3_XXSVNNI},
	quant.IQ3_S:   {expandIQ3_SAVX2, unsafe.Pointer(&quant.GridIQ3_S), mulIQ3_SAVX2, mulIQ3_SVNNI},
	quant.IQ1_S:   {expandIQ1_SAVX2, unsafe.Pointer(&gridEighths), mulIQ1_SAVX2, mulIQ1_SVNNI},
	quant.IQ1_M:   {expandIQ1_MAVX2, unsafe.Pointer(&gridEighths), mulIQ1_MAVX2, mulIQ1_MVNNI},
}

// gridFew multiplies groups of eight rows.
func gridFew(k func(p *rowsArgs), grid unsafe.Pointer) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		s.tier.rows.sub = grid
		fewRows(k, 8, false, dst, stride, m, r0, r1, a, s)
	}
}

// expandedTypes are those that go this way.
var expandedTypes = []quant.Type{
	quant.IQ1_S, quant.IQ1_M, quant.IQ2_XXS, quant.IQ2_XS, quant.IQ2_S, quant.IQ3_XXS, quant.IQ3_S,
}

// withGrids replaces the entries of types that have a product of their own.
func withGrids(tab [typeCount]mulFunc, wide bool) [typeCount]mulFunc {
	for t, e := range expanders {
		switch {
		case e.kernel == nil:
		case wide:
			tab[t] = gridFew(e.vnni, e.grid)
		default:
			tab[t] = gridFew(e.avx2, e.grid)
		}
	}
	return tab
}

// withExpanded fills a table's entries of expandedTypes.
func withExpanded(tab [typeCount]mulFunc, plain, sub mulFunc) [typeCount]mulFunc {
	for _, t := range expandedTypes {
		tab[t] = plain
		if hasSub(t) {
			tab[t] = sub
		}
	}
	return tab
}

func expandedFew(k func(p *rowsArgs), n int) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		fewRows(k, n, true, dst, stride, m, r0, r1, a, s)
	}
}

func expandedMany(unpack func(p *rowsArgs), n, vecs int, gemms ...func(p *gemmArgs)) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		manyRows(unpack, gemms, n, vecs, true, dst, stride, m, r0, r1, a, s)
	}
}
