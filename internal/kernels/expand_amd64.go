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
		p.units, p.grid, p.signs = m.Cols/256, e.grid, &signBytes[0]
		if e.signs7 {
			p.signs = &signBytes7[0]
		}
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
	signs    *uint64
}

// expander unpacks one row.
type expander struct {
	kernel func(p *expandArgs)
	grid   unsafe.Pointer
	signs7 bool // signs come in sevens, the eighth is implied
}

var expanders = [typeCount]expander{
	quant.IQ2_XXS: {expandIQ2_XXSAVX2, unsafe.Pointer(&quant.GridIQ2_XXS), true},
	quant.IQ2_XS:  {expandIQ2_XSAVX2, unsafe.Pointer(&quant.GridIQ2_XS), true},
	quant.IQ2_S:   {expandIQ2_SAVX2, unsafe.Pointer(&quant.GridIQ2_S), false},
	quant.IQ3_XXS: {expandIQ3_XXSAVX2, unsafe.Pointer(&quant.GridIQ3_XXS), true},
	quant.IQ3_S:   {expandIQ3_SAVX2, unsafe.Pointer(&quant.GridIQ3_S), false},
	quant.IQ1_S:   {expandIQ1_SAVX2, unsafe.Pointer(&gridEighths), false},
	quant.IQ1_M:   {expandIQ1_MAVX2, unsafe.Pointer(&gridEighths), false},
	quant.TQ1_0:   {expandTQ1_0AVX2, nil, false},
}

// Tables of the expanders, filled once: eight signs as bytes of 1 and -1, by
// their bits; the same by the first seven; the points of IQ1 times 8.
var (
	signBytes   [256]uint64
	signBytes7  [128]uint64
	gridEighths [len(quant.GridIQ1_S)]uint64
)

func init() {
	const ones = 0x0101010101010101
	for s := range signBytes {
		signBytes[s] = quant.SignMasks[s] | ones
	}
	for s := range signBytes7 {
		signBytes7[s] = signBytes[quant.Signs7(uint32(s))]
	}
	for i, point := range quant.GridIQ1_S {
		// Bytes of -1, 0 and 1: what a shift by 3 carries over is cleared.
		gridEighths[i] = point << 3 &^ (ones * 7)
	}
}

// expandedTypes are those that go this way.
var expandedTypes = []quant.Type{
	quant.IQ1_S, quant.IQ1_M, quant.IQ2_XXS, quant.IQ2_XS, quant.IQ2_S, quant.IQ3_XXS, quant.IQ3_S,
	quant.TQ1_0, quant.TQ2_0, quant.NVFP4, quant.Q1_0, quant.Q2_0,
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
