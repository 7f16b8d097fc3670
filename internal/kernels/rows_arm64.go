//go:build !purego

package kernels

// rowsKernel multiplies four unpacked rows, one after another in f, with token t
// of a, and writes one float a row to dst. Weights are at most 62 and sub-scales
// at least 0.
type rowsKernel func(dst *float32, f *rowForm, a *Acts, t int)

// rowsTier are the kernels for unpacked rows of one tier, by form.
type rowsTier [formSub + 1]rowsKernel

var rowsNEON = rowsTier{formScale: rowsScaleNEON, formSub: rowsSubNEON}

var rowsDotProd = rowsTier{formScale: rowsScaleDotProd, formSub: rowsSubDotProd}

// with adds what has no kernel that reads the file's blocks to a table for few
// tokens: four rows are unpacked, then multiplied with each token.
func (rt *rowsTier) with(few [typeCount]mulFunc) [typeCount]mulFunc {
	for t := range few {
		if few[t] == nil && rowUnpack[t] != nil {
			few[t] = rt.mul
		}
	}
	return few
}

func (rt *rowsTier) mul(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
	kernel, ts := rt[formOf[m.Type]], &s.tier
	for r := r0; r < r1; r += 4 {
		n := min(r1-r, 4)
		unpackRows(m, r, n, 4, ts)
		for t := range a.N {
			to := dst[t*stride+r:][:n]
			if n == 4 {
				kernel(&to[0], &ts.rows, a, t)
				continue
			}
			kernel(&ts.rest[0], &ts.rows, a, t)
			copy(to, ts.rest[:])
		}
	}
}

// unpackRows unpacks n rows from r on to ts.rows, one after another as they are in
// the file. There is room for size; what is behind n rows is left as it was.
func unpackRows(m *Matrix, r, n, size int, ts *tierScratch) {
	f := &ts.rows
	f.resize(size * m.Cols)
	f.resize(n * m.Cols)
	rowUnpackNEON[m.Type](f, m.Data[r*m.RowBytes:][:n*m.RowBytes])
}

//go:noescape
func rowsScaleNEON(dst *float32, f *rowForm, a *Acts, t int)

//go:noescape
func rowsSubNEON(dst *float32, f *rowForm, a *Acts, t int)

//go:noescape
func rowsScaleDotProd(dst *float32, f *rowForm, a *Acts, t int)

//go:noescape
func rowsSubDotProd(dst *float32, f *rowForm, a *Acts, t int)
