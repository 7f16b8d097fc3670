package checkpoint

import (
	"fmt"
	"strings"
)

// GPTQ and AWQ keep a matrix with its inputs along the rows: [in, out]. GPTQ packs
// integers along the inputs, AWQ along the outputs; both pack the zero points
// along the outputs, and have scales [groups, out]. A number is
// scale * (integer - zero point).

// fields are the parts of such a matrix.
type fields struct {
	weight, zeros, scales, index *Tensor
	in, out, groups, bits        int
	of                           []int // group of each input
}

// fields reads the parts of base.weight. packing says how many inputs and outputs
// there are for each row and column of words, were they of so many bits.
func (q *quantized) fields(base string, alongInputs bool) (*fields, error) {
	f := &fields{}
	var err error
	if f.weight, err = q.part(base+".qweight", I32); err != nil {
		return nil, err
	}
	if f.zeros, err = q.part(base+".qzeros", I32); err != nil {
		return nil, err
	}
	if f.scales, err = q.part(base+".scales", F32, F16, BF16); err != nil {
		return nil, err
	}
	w, z, s := f.weight.Shape, f.zeros.Shape, f.scales.Shape
	fail := f.weight.wrong("shape %v, zero points %v and scales %v do not fit", w, z, s)
	if len(w) != 2 || len(z) != 2 || len(s) != 2 || z[0] != s[0] || s[1]%z[1] != 0 {
		return nil, fail
	}
	f.groups, f.out = s[0], s[1]
	per := f.out / z[1]
	switch per {
	case 4, 8, 16:
		f.bits = 32 / per
	default:
		return nil, f.weight.wrong("%d zero points in %d words: integers of 2, 4 and 8 bits can be read", f.out, z[1])
	}
	f.in = w[0]
	if alongInputs {
		f.in *= per
	}
	if alongInputs && w[1] != f.out || !alongInputs && w[1] != z[1] {
		return nil, fail
	}
	f.of, f.index, err = q.groups(base+".g_idx", f.in, f.groups)
	return f, err
}

// gptq undoes AutoGPTQ's and GPTQModel's form. In version 1 zero points are one
// less than they should be.
// Source: GPTQModel's gptqmodel/nn_modules/qlinear
func (q *quantized) gptq() error {
	less := int32(1)
	if q.config != nil {
		switch format, _ := q.config.Text("checkpoint_format"); format {
		case "", "gptq":
		case "gptq_v2":
			less = 0
		default:
			return fmt.Errorf("%s: GPTQ's format %q cannot be read", q.dir, format)
		}
		if marlin, _ := q.config.Bool("is_marlin_format"); marlin {
			return fmt.Errorf("%s: GPTQ's format \"marlin\" cannot be read", q.dir)
		}
	}
	for _, base := range q.ending(".qweight") {
		f, err := q.fields(base, true)
		if err != nil {
			return err
		}
		t := q.computed(base+".weight", []int{f.out, f.in}, func(dst []float32, r0, n int) error {
			return f.columns(dst, r0, n, less, nil, func(i int) (int, int, int) { return i / (32 / f.bits), r0, n }, func(i, c int) (int, int) {
				return c - r0, i % (32 / f.bits) * f.bits
			})
		})
		if err := q.replace(t, f.weight, f.zeros, f.scales, f.index); err != nil {
			return err
		}
		// A layer without a bias may have one of zeros all the same: the adapter decides.
	}
	return nil
}

// awqOrder is the place in a word at which AWQ puts each of 8 neighbours.
// Source: https://github.com/casper-hansen/AutoAWQ, awq/utils/packing_utils.py
var awqOrder = []int{0, 4, 1, 5, 2, 6, 3, 7}

// awq undoes AutoAWQ's "GEMM" form.
func (q *quantized) awq() error {
	if q.config != nil {
		if version, _ := q.config.Text("version"); version != "" && !strings.EqualFold(version, "gemm") {
			return fmt.Errorf("%s: AWQ's version %q cannot be read", q.dir, version)
		}
	}
	for _, base := range q.ending(".qweight") {
		f, err := q.fields(base, false)
		if err != nil {
			return err
		}
		if f.bits != 4 {
			return f.weight.wrong("AWQ with %d bits cannot be read", f.bits)
		}
		t := q.computed(base+".weight", []int{f.out, f.in}, func(dst []float32, r0, n int) error {
			first := r0 / 8
			return f.columns(dst, r0, n, 0, awqOrder, func(i int) (int, int, int) { return i, first, (r0+n-1)/8 + 1 - first }, func(_, c int) (int, int) {
				return c/8 - first, 4 * awqOrder[c%8]
			})
		})
		if err := q.replace(t, f.weight, f.zeros, f.scales, f.index); err != nil {
			return err
		}
	}
	return nil
}

// autoRound writes either form.
func (q *quantized) autoRound() error {
	switch format, _ := q.config.Text("packing_format"); format {
	case "auto_round:auto_gptq":
		return q.gptq()
	case "auto_round:auto_awq":
		return q.awq()
	default:
		return fmt.Errorf("%s: AutoRound's format %q cannot be read", q.dir, format)
	}
}

// columns computes outputs r0 to r0+n, as rows of dst. words says which row of
// the weight's words has input i, and which of its columns are needed; place
// says where the integer of input i and output c is among those, and at which
// bit. order has the places of zero points in a word, nil for ascending ones.
func (f *fields) columns(dst []float32, r0, n int, less int32, order []int, words func(i int) (row, from, count int), place func(i, c int) (word, bit int)) error {
	per := 32 / f.bits
	mask := uint32(1)<<f.bits - 1
	first := r0 / per
	count := (r0+n-1)/per + 1 - first
	zeros, scales := make([]int32, f.groups*n), make([]float32, f.groups*n)
	for g := range f.groups {
		w, err := f.zeros.words(count, g*f.zeros.Shape[1]+first)
		if err != nil {
			return err
		}
		for r := range n {
			c := r0 + r
			at := c % per
			if order != nil {
				at = order[at]
			}
			zeros[g*n+r] = int32(w[c/per-first]>>(at*f.bits)&mask) + less
		}
		if err := f.scales.Read(scales[g*n:][:n], g*f.out+r0); err != nil {
			return err
		}
	}
	var line []uint32
	have := -1
	for i := range f.in {
		row, from, count := words(i)
		if row != have {
			var err error
			if line, err = f.weight.words(count, row*f.weight.Shape[1]+from); err != nil {
				return err
			}
			have = row
		}
		z, s := zeros[f.of[i]*n:][:n], scales[f.of[i]*n:][:n]
		for r := range n {
			word, bit := place(i, r0+r)
			dst[r*f.in+i] = float32(int32(line[word]>>bit&mask)-z[r]) * s[r]
		}
	}
	return nil
}
