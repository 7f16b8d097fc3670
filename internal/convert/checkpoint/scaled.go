package checkpoint

import (
	"fmt"
	"math"
	"strings"
)

// activations are endings of tensors that matter to quantized activations and caches only.
var activations = []string{".input_scale", ".output_scale", ".activation_scale", "_activation_scale", ".input_global_scale",
	".k_scale", ".v_scale", ".q_scale", ".kv_scale", ".qscale_act", ".activation_scale_ub", ".input_scale_ub", ".input_zero_point"}

// scales undoes the methods of 8-bit floats: a matrix of them, and another with
// the scale of each block, each row or all of it.
func (q *quantized) scales() error {
	var block []float64
	if q.config != nil {
		block, _ = q.config.Floats("weight_block_size")
	}
	for _, form := range []struct{ scale, weight string }{
		{"_scale_inv", ""}, {".weight_scale", ".weight"}, {".qscale_weight", ".weight"},
	} {
		for _, base := range q.ending(form.scale) {
			if err := q.scaled(base+form.weight, base+form.scale, "", block); err != nil {
				return err
			}
		}
	}
	q.drop(activations...)
	return nil
}

// modelopt is NVIDIA's: 8-bit floats, or NVFP4: 4-bit ones with a scale for each 16 and one for all.
func (q *quantized) modelopt() error {
	for _, base := range q.ending(".weight_scale") {
		w, err := q.part(base + ".weight")
		if err != nil {
			return err
		}
		if w.Type == U8 {
			err = q.nvfp4(base, ".weight", ".weight_scale_2", false)
		} else {
			err = q.scaled(base+".weight", base+".weight_scale", "", nil)
		}
		if err != nil {
			return err
		}
	}
	q.drop(activations...)
	return nil
}

// nvfp4 has two 4-bit floats in a byte, a scale of E4M3 for each 16, and a factor or divisor of all.
func (q *quantized) nvfp4(base, weight, all string, divide bool) error {
	packed, err := q.part(base+weight, U8)
	if err != nil {
		return err
	}
	scale, err := q.part(base+".weight_scale", F8E4M3)
	if err != nil {
		return err
	}
	global, err := q.part(base + all)
	if err != nil {
		return err
	}
	if global.Len() != 1 {
		return global.wrong("shape %v: want a single number", global.Shape)
	}
	factor, err := global.all()
	if err != nil {
		return err
	}
	// The factor goes to the scales in float64, so that a number is rounded once.
	f := float64(factor[0])
	if divide {
		f = 1 / f
	}
	four := unpacked4(packed)
	if len(scale.Shape) != len(four.Shape) || scale.Cols()*16 != four.Cols() || scale.Len()*16 != four.Len() {
		return scale.wrong("shape %v: want one for each 16 of %v", scale.Shape, four.Shape)
	}
	t := q.computed(base+".weight", four.Shape, func(dst []float32, r0, n int) error {
		if err := four.rows(dst, r0, n); err != nil {
			return err
		}
		s := make([]float32, n*scale.Cols())
		if err := scale.Read(s, r0*scale.Cols()); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = float32(float64(dst[i]) * float64(s[i/16]) * f)
		}
		return nil
	})
	return q.replace(t, packed, scale, global)
}

// computed is a tensor of that name.
func (q *quantized) computed(name string, shape []int, rows func(dst []float32, r0, n int) error) *Tensor {
	return &Tensor{Name: name, Type: q.plain, Shape: shape, rows: rows}
}

// scaled makes one tensor, with the weight's name unless as is set, of a weight and its scales.
func (q *quantized) scaled(weight, scale, as string, block []float64) error {
	w, err := q.part(weight)
	if err != nil {
		return err
	}
	s, err := q.part(scale)
	if err != nil {
		return err
	}
	source := w
	switch w.Type {
	case F8E4M3, F8E5M2:
	case I8, U8:
		if strings.HasSuffix(scale, "_scale_inv") || s.Type == U8 {
			source = unpacked4(w) // experts of 4-bit floats beside matrices of 8-bit ones
		}
	default:
		return w.wrong("type %s with scales: want 8 bits", w.Type)
	}
	factors := s
	switch s.Type {
	case U8: // exponents, from before their type had a name
		plain := *s
		plain.Type = F8E8M0
		factors = &plain
	case F32, F16, BF16, F8E8M0:
	default:
		return s.wrong("scales of type %s", s.Type)
	}
	g, err := gridOf(source.Shape, s.Shape, block)
	if err != nil {
		return s.wrong("%v", err)
	}
	if as == "" {
		as = weight
	}
	t := q.computed(as, source.Shape, func(dst []float32, r0, n int) error {
		cols := source.Cols()
		if err := source.Read(dst, r0*cols); err != nil {
			return err
		}
		row, at := make([]float32, g.cols), -1
		for r := range n {
			if now := g.row(r0 + r); now != at {
				at = now
				if err := factors.Read(row, at*g.cols); err != nil {
					return err
				}
			}
			x := dst[r*cols:][:cols]
			for c := 0; c < cols; c += g.width {
				f := row[c/g.width]
				for i := c; i < min(c+g.width, cols); i++ {
					x[i] *= f
				}
			}
		}
		return nil
	})
	return q.replace(t, w, s)
}

// grid says which scale a number has: along each dimension, that of a block.
type grid struct {
	shape, scales, blocks []int
	width, cols           int // a block's columns, and scales in a row of them
}

// gridOf fits a grid of scales onto a shape. Where blocks may be of several sizes
// (the last is cut), block has that of the last dimensions.
func gridOf(shape, scales []int, block []float64) (*grid, error) {
	n := len(shape)
	fail := fmt.Errorf("scales of shape %v do not fit numbers of shape %v", scales, shape)
	single := true
	for _, d := range scales {
		single = single && d == 1
	}
	if n == 0 || len(scales) > n && !single {
		return nil, fail
	}
	g := &grid{shape: shape, scales: make([]int, n), blocks: make([]int, n)}
	for i := range g.scales {
		g.scales[i] = 1
		if !single && i < len(scales) {
			g.scales[i] = scales[i]
		}
		d, s := shape[i], g.scales[i]
		b := 0
		if at := i - (n - len(block)); at >= 0 {
			b = int(block[at])
		}
		switch {
		case b > 0 && (d-1)/b+1 == s:
			g.blocks[i] = b
		case d%s == 0:
			g.blocks[i] = d / s
		default:
			return nil, fail
		}
	}
	g.width, g.cols = g.blocks[n-1], g.scales[n-1]
	return g, nil
}

// row is the row of scales that belongs to a row of numbers.
func (g *grid) row(r int) int {
	at, step := 0, 1
	for i := len(g.shape) - 2; i >= 0; i-- {
		at += r % g.shape[i] / g.blocks[i] * step
		step *= g.scales[i]
		r /= g.shape[i]
	}
	return at
}

// e2m1 are the 4-bit floats. Source: OCP Microscaling Formats Specification 1.0, section 5.3.3.
var e2m1 = [16]float32{0, 0.5, 1, 1.5, 2, 3, 4, 6, float32(math.Copysign(0, -1)), -0.5, -1, -1.5, -2, -3, -4, -6}

// unpacked4 has two 4-bit floats for each byte of t, the lower four bits first.
func unpacked4(t *Tensor) *Tensor {
	shape := append([]int(nil), t.Shape...)
	if len(shape) == 0 {
		shape = []int{1}
	}
	shape[len(shape)-1] *= 2
	u := &Tensor{Name: t.Name, Type: F32, Shape: shape, File: t.File}
	u.rows = func(dst []float32, r0, n int) error {
		b := make([]byte, len(dst)/2)
		if err := t.ReadBytes(b, r0*t.Cols()); err != nil {
			return err
		}
		for i, v := range b {
			dst[2*i], dst[2*i+1] = e2m1[v&15], e2m1[v>>4]
		}
		return nil
	}
	return u
}
