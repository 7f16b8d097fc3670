package convert

import (
	"slices"
	"sync"
)

// columns is the matrix, or the stack of some, whose column c is v's column from(c).
func (v *view) columns(n int, from func(c int) int) *view {
	old := v.cols()
	shape := slices.Clone(v.shape)
	shape[len(shape)-1] = n
	for c := range n {
		if f := from(c); f < 0 || f >= old {
			return v.wrong("has rows of %d: column %d is asked for", old, f)
		}
	}
	return v.derived(shape, func(dst []float32, row, rows int) error {
		buf := make([]float32, rows*old)
		if err := v.read(buf, row, rows); err != nil {
			return err
		}
		for r := range rows {
			for c := range n {
				dst[r*n+c] = buf[r*old+from(c)]
			}
		}
		return nil
	})
}

// scaled is every number times f, in float32.
func (v *view) scaled(f float64) *view {
	factor := float32(f)
	return v.each(func(x float32) float32 { return x * factor })
}

// plus is every number plus f.
func (v *view) plus(f float32) *view { return v.each(func(x float32) float32 { return x + f }) }

// squeezed is v without dimensions of 1.
func (v *view) squeezed() *view {
	shape := slices.DeleteFunc(slices.Clone(v.shape), func(d int) bool { return d == 1 })
	if len(shape) == 0 {
		shape = []int{1}
	}
	return v.reshape(shape...)
}

// flipped is a stack of matrices, each with rows and columns changed over. The
// last one that was asked for is held in memory, since its pieces come one after
// the other and each takes something of all its rows.
func (v *view) flipped() *view {
	if len(v.shape) < 2 {
		return v.wrong("has %d dimensions: these are no matrices", len(v.shape))
	}
	height, width := v.height(), v.cols()
	shape := slices.Clone(v.shape)
	shape[len(shape)-2], shape[len(shape)-1] = width, height
	var lock sync.Mutex
	at, held := -1, []float32(nil)
	matrix := func(i int) ([]float32, error) {
		lock.Lock()
		defer lock.Unlock()
		if at == i {
			return held, nil
		}
		m := make([]float32, height*width)
		if err := v.read(m, i*height, height); err != nil {
			return nil, err
		}
		at, held = i, m
		return m, nil
	}
	return v.derived(shape, func(dst []float32, row, rows int) error {
		for r := range rows {
			i, c := (row+r)/width, (row+r)%width
			m, err := matrix(i)
			if err != nil {
				return err
			}
			for k := range height {
				dst[r*height+k] = m[k*width+c]
			}
		}
		return nil
	})
}
