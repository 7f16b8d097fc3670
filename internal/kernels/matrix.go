package kernels

import (
	"fmt"

	"happyphonellm/internal/quant"
)

// Matrix is a weight matrix in the layout of the file: Rows rows of Cols
// elements, each row RowBytes bytes of blocks. Data is borrowed (usually from
// the mapped file) and only read.
type Matrix struct {
	Type                 quant.Type
	Rows, Cols, RowBytes int
	Data                 []byte
}

// NewMatrix checks that data holds rows rows of cols elements of type t and
// that the type is one that MulRows can read.
func NewMatrix(t quant.Type, rows, cols int, data []byte) (Matrix, error) {
	if !Supported(t) {
		return Matrix{}, fmt.Errorf("type %s is not supported", t)
	}
	f, _ := t.Format()
	if rows < 0 || cols <= 0 {
		return Matrix{}, fmt.Errorf("matrix of %d rows and %d columns", rows, cols)
	}
	rb, ok := f.RowBytes(cols)
	if !ok {
		return Matrix{}, fmt.Errorf("%d columns are not a multiple of %s's block of %d", cols, t, f.BlockElems)
	}
	if rb == 0 || rows > len(data)/rb || rows*rb != len(data) {
		return Matrix{}, fmt.Errorf("matrix of %d rows and %d columns of %s needs %d bytes a row, has %d bytes in all",
			rows, cols, t, rb, len(data))
	}
	return Matrix{Type: t, Rows: rows, Cols: cols, RowBytes: rb, Data: data}, nil
}

// Supported reports whether matrices of type t can be multiplied.
func Supported(t quant.Type) bool {
	return t < typeCount && (rowFloats[t] != nil || rowUnpack[t] != nil)
}

// NeedsQuantized reports whether MulRows reads the quantized form of the
// activations (Q, D, S) and so Quantize must have run; otherwise it reads X.
func (m *Matrix) NeedsQuantized() bool { return rowUnpack[m.Type] != nil }

// row returns the bytes of row r.
func (m *Matrix) row(r int) []byte { return m.Data[r*m.RowBytes:][:m.RowBytes] }

// View is rows r0 to r0+rows of m as a matrix of its own, sharing its bytes.
func (m *Matrix) View(r0, rows int) Matrix {
	v := *m
	v.Rows, v.Data = rows, m.Data[r0*m.RowBytes:(r0+rows)*m.RowBytes]
	return v
}

// Row writes row r as Cols floats to dst (a token embedding, a bias).
func (m *Matrix) Row(dst []float32, r int) {
	f, _ := m.Type.Format()
	f.Dequantize(dst[:m.Cols], m.row(r))
}

// MulRows multiplies rows r0..r1 with all tokens of a:
// dst[t*stride+r] = row r . token t, for r in [r0,r1) and t in [0,a.N).
// a.K must equal m.Cols, and a must be quantized if NeedsQuantized.
// Several workers may share m and a; s belongs to one.
func (m *Matrix) MulRows(dst []float32, stride, r0, r1 int, a *Acts, s *Scratch) {
	if a.K != m.Cols {
		panic(fmt.Sprintf("kernels: matrix of %d columns times activations of %d", m.Cols, a.K))
	}
	if r0 < 0 || r1 > m.Rows || len(m.Data) < r1*m.RowBytes {
		panic(fmt.Sprintf("kernels: rows %d to %d of %d", r0, r1, m.Rows))
	}
	if r0 >= r1 || a.N == 0 {
		return
	}
	_ = dst[(a.N-1)*stride+r1-1]
	if a.N <= active.fewMax[m.Type] {
		active.few[m.Type](dst, stride, m, r0, r1, a, s)
	} else {
		active.many[m.Type](dst, stride, m, r0, r1, a, s)
	}
}

// wholeRounds reports whether the loops over float weights, 16 at a time and pairs of
// BF16 32, leave nothing of a row.
func (m *Matrix) wholeRounds() bool {
	if m.Type == quant.BF16 {
		return m.Cols%32 == 0
	}
	return m.Cols%16 == 0
}

// TileRows is the number of rows that one of several workers should claim at
// once when there are n tokens: a multiple of the kernels' group of rows, at most
// about 100 us of work and, if there is anyone to share with, a twelfth of the
// matrix where the group allows it. Tiles should begin at multiples of it.
func (m *Matrix) TileRows(n, workers int) int {
	g := active.group
	if n > active.fewMax[m.Type] {
		g = active.groupMany
		if takesHalves(m.Type) {
			g = max(g, halfRows)
		}
	}
	// About 12 bytes of weights per nanosecond for few tokens, 200 operations
	// per nanosecond for many.
	ns := max(float64(m.RowBytes)/12, float64(m.Cols)*float64(n)*2/200)
	groups := min(int(80e3/(ns*float64(g))), 32)
	if workers > 1 {
		groups = min(groups, m.Rows/g/12)
	}
	return max(groups, 1) * g
}
