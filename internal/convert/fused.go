package convert

// Fused matrices: the rows of several in one.

// parts takes a matrix, or its bias, apart. It has groups of rows, and each group
// first sizes[0] rows of the first part, then sizes[1] of the second, and so on.
func (v *view) parts(groups int, sizes ...int) []*view {
	group := 0
	for _, n := range sizes {
		group += n
	}
	parts := make([]*view, len(sizes))
	column := v
	if len(v.shape) == 1 {
		column = v.reshape(v.shape[0], 1)
	}
	if groups < 1 || group < 1 || column.rows() != groups*group {
		for i := range parts {
			parts[i] = v.wrong("has shape %v, which is not %d times %v rows", v.shape, groups, sizes)
		}
		return parts
	}
	at := 0
	for i, n := range sizes {
		first := at
		parts[i] = column.pick(groups*n, func(r int) int { return r/n*group + first + r%n })
		if len(v.shape) == 1 {
			parts[i] = parts[i].reshape(groups * n)
		}
		at += n
	}
	return parts
}

// ungrouped moves the fused projections of attention, weight and bias, whose
// heads stand in groups of queries, keys and values, as one tensor of all
// queries, then all keys, then all values.
func (m *maker) ungrouped(from string, groups int, sizes ...int) {
	for _, part := range []string{".weight", ".bias"} {
		if part == ".weight" || m.has(from+part) {
			m.put("attn_qkv"+part, joined(m.source(from+part).parts(groups, sizes...)...))
		}
	}
}

// number reads a tensor that is a single number.
func (m *maker) number(name string) float32 {
	v := m.source(name)
	if v.cols()*v.rows() != 1 {
		m.fail("%s: tensor %q has shape %v, want one number", m.folder.Dir(), v.name, v.shape)
	}
	if m.err != nil {
		return 0
	}
	var x [1]float32
	if err := v.read(x[:], 0, 1); err != nil {
		m.err = err
	}
	return x[0]
}

// padded is a matrix with rows of zeros at its end, so that it has n.
func (v *view) padded(n int) *view {
	own, cols := v.rows(), v.cols()
	if n <= own {
		return v
	}
	return v.derived([]int{n, cols}, func(dst []float32, row, rows int) error {
		have := max(min(rows, own-row), 0)
		clear(dst[have*cols : rows*cols])
		if have == 0 {
			return nil
		}
		return v.read(dst[:have*cols], row, have)
	})
}
