package checkpoint

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// words reads 32-bit integers.
func (t *Tensor) words(n, at int) ([]uint32, error) {
	b := make([]byte, 4*n)
	if err := t.ReadBytes(b, at); err != nil {
		return nil, err
	}
	w := make([]uint32, n)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w, nil
}

// groups reads which group of scales each input belongs to; without a table, groups are as wide as each other.
func (q *quantized) groups(name string, inputs, groups int) ([]int, *Tensor, error) {
	of := make([]int, inputs)
	t := q.byName[name]
	if t == nil {
		if inputs%groups != 0 {
			return nil, nil, fmt.Errorf("%s: tensor %q is missing: %d groups of %d inputs", q.dir, name, groups, inputs)
		}
		for i := range of {
			of[i] = i / (inputs / groups)
		}
		return of, nil, nil
	}
	if t.Len() != inputs || t.Type != I32 && t.Type != I64 {
		return nil, nil, t.wrong("%v of %s: want %d numbers of I32", t.Shape, t.Type, inputs)
	}
	x, err := t.all()
	if err != nil {
		return nil, nil, err
	}
	for i, v := range x {
		if of[i] = int(v); v < 0 || of[i] >= groups {
			return nil, nil, t.wrong("input %d is in group %g of %d", i, v, groups)
		}
	}
	return of, t, nil
}

// compressedTensors is the format of llm-compressor. What a tensor's parts are tells its form.
func (q *quantized) compressedTensors() error {
	if format, _ := q.config.Object("sparsity_config").Text("format"); format != "" && format != "dense" {
		return fmt.Errorf("%s: sparse tensors (%q) cannot be read", q.dir, format)
	}
	if format, _ := q.config.Text("format"); strings.HasPrefix(format, "marlin") {
		return fmt.Errorf("%s: compressed-tensors' format %q cannot be read", q.dir, format)
	}
	for _, base := range q.ending(".weight_packed") {
		var err error
		switch {
		case q.byName[base+".weight_global_scale"] != nil:
			err = q.nvfp4(base, ".weight_packed", ".weight_global_scale", true)
		case q.byName[base+".weight_shape"] != nil:
			err = q.packedIntegers(base)
		default: // MXFP4
			err = q.scaled(base+".weight_packed", base+".weight_scale", base+".weight", nil)
		}
		if err != nil {
			return err
		}
	}
	for _, base := range q.ending(".weight_scale") {
		if zero := q.byName[base+".weight_zero_point"]; zero != nil {
			x, err := zero.all()
			if err != nil {
				return err
			}
			for _, v := range x {
				if v != 0 {
					return zero.wrong("integers with a zero point cannot be read")
				}
			}
			delete(q.byName, zero.Name)
		}
		if err := q.scaled(base+".weight", base+".weight_scale", "", nil); err != nil {
			return err
		}
	}
	q.drop(activations...)
	return nil
}

// packedIntegers is "pack-quantized": rows of integers with the value 0 in the
// middle of their range, 32/bits to a word, from the lowest bits on; scales for
// groups of a row; zero points packed along the rows.
// Source: compressed_tensors/compressors/quantized_compressors/pack_quantized.py
func (q *quantized) packedIntegers(base string) error {
	packed, err := q.part(base+".weight_packed", I32)
	if err != nil {
		return err
	}
	scale, err := q.part(base+".weight_scale", F32, F16, BF16)
	if err != nil {
		return err
	}
	size, err := q.part(base+".weight_shape", I64, I32)
	if err != nil {
		return err
	}
	if size.Len() != 2 || len(packed.Shape) != 2 || len(scale.Shape) != 2 {
		return packed.wrong("shape %v, scales %v: want matrices", packed.Shape, scale.Shape)
	}
	x, err := size.all()
	if err != nil {
		return err
	}
	rows, cols, each := packed.Shape[0], int(max(0, min(x[1], 1<<24))), packed.Shape[1]
	bits := 0 // the widest that fills the words
	for _, b := range []int{8, 7, 6, 5, 4, 3, 2, 1} {
		if cols > 0 && (cols-1)/(32/b)+1 == each {
			bits = b
			break
		}
	}
	if x[0] != float32(rows) || bits == 0 || scale.Shape[0] != rows || scale.Shape[1] > cols {
		return size.wrong("%v, packed into %v with scales %v", x, packed.Shape, scale.Shape)
	}
	groups := scale.Shape[1]
	of, index, err := q.groups(base+".weight_g_idx", cols, groups)
	if err != nil {
		return err
	}
	per := 32 / bits
	zero := q.byName[base+".weight_zero_point"]
	if zero != nil && (zero.Type != I32 || len(zero.Shape) != 2 || zero.Shape[0] != (rows-1)/per+1 || zero.Shape[1] != groups) {
		return zero.wrong("%v of %s for %d rows in %d groups", zero.Shape, zero.Type, rows, groups)
	}
	mask := uint32(1)<<bits - 1
	t := q.computed(base+".weight", []int{rows, cols}, func(dst []float32, r0, n int) error {
		s := make([]float32, groups)
		middle := make([]int32, groups)
		for g := range middle {
			middle[g] = 1 << (bits - 1)
		}
		for r := r0; r < r0+n; r++ {
			words, err := packed.words(each, r*each)
			if err != nil {
				return err
			}
			if err := scale.Read(s, r*groups); err != nil {
				return err
			}
			if zero != nil {
				z, err := zero.words(groups, r/per*groups)
				if err != nil {
					return err
				}
				for g, w := range z {
					middle[g] = int32(w >> (r % per * bits) & mask)
				}
			}
			row := dst[(r-r0)*cols:][:cols]
			for c := range row {
				g := of[c]
				row[c] = float32(int32(words[c/per]>>(c%per*bits)&mask)-middle[g]) * s[g]
			}
		}
		return nil
	})
	return q.replace(t, packed, scale, size, index, zero)
}

// bitnet has four of -1, 0 and 1 in a byte: rows r, r+n, r+2n, r+3n of 4n, from
// the lowest bits on, divided by a scale.
// Source: transformers/integrations/bitnet.py
func (q *quantized) bitnet() error {
	for _, base := range q.ending(".weight_scale") {
		w, err := q.part(base+".weight", U8)
		if err != nil {
			return err
		}
		scale, err := q.part(base+".weight_scale", F32, F16, BF16)
		if err != nil {
			return err
		}
		if scale.Len() != 1 || len(w.Shape) != 2 {
			return w.wrong("shape %v with scales %v", w.Shape, scale.Shape)
		}
		s, err := scale.all()
		if err != nil {
			return err
		}
		n, cols := w.Shape[0], w.Shape[1]
		t := q.computed(w.Name, []int{4 * n, cols}, func(dst []float32, r0, rows int) error {
			b := make([]byte, cols)
			for r := range rows {
				if err := w.ReadBytes(b, (r0+r)%n*cols); err != nil {
					return err
				}
				shift := (r0 + r) / n * 2
				for c, v := range b {
					dst[r*cols+c] = float32(int(v>>shift&3)-1) / s[0]
				}
			}
			return nil
		})
		if err := q.replace(t, w, scale); err != nil {
			return err
		}
	}
	return nil
}
