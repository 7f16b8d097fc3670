package checkpoint

import (
	"fmt"
	"strings"
)

// bitsandbytes undoes both forms of that library.
func (q *quantized) bitsandbytes() error {
	for _, base := range q.ending(".SCB") {
		if err := q.int8(base); err != nil {
			return err
		}
	}
	for _, base := range q.ending(".absmax") {
		if err := q.four(base); err != nil {
			return err
		}
	}
	return nil
}

// int8 has rows of integers, and the largest absolute value of each row, which 127 stands for.
func (q *quantized) int8(base string) error {
	w, err := q.part(base+".weight", I8)
	if err != nil {
		return err
	}
	scale, err := q.part(base+".SCB", F32, F16, BF16)
	if err != nil {
		return err
	}
	if len(w.Shape) != 2 || scale.Len() != w.Shape[0] {
		return scale.wrong("shape %v for integers of shape %v", scale.Shape, w.Shape)
	}
	format := q.byName[base+".weight_format"]
	if format != nil {
		x, err := format.all()
		if err != nil {
			return err
		}
		if len(x) != 1 || x[0] != 0 {
			return format.wrong("rows are in an order that cannot be read")
		}
	}
	cols := w.Shape[1]
	t := q.computed(w.Name, w.Shape, func(dst []float32, r0, n int) error {
		if err := w.Read(dst, r0*cols); err != nil {
			return err
		}
		s := make([]float32, n)
		if err := scale.Read(s, r0); err != nil {
			return err
		}
		for i := range dst {
			dst[i] = float32(float64(dst[i]) * float64(s[i/cols]) / 127)
		}
		return nil
	})
	return q.replace(t, w, scale, format)
}

// four has two codes in a byte, the higher four bits first; a table of what they
// stand for; and a factor for each block. With nested, the factors are codes of
// 8 bits themselves, with a table, a factor for each of their blocks, and an offset.
// Source: bitsandbytes/functional.py, class QuantState
func (q *quantized) four(weight string) error {
	w, err := q.part(weight, U8)
	if err != nil {
		return err
	}
	state, parts, err := q.quantState(weight)
	if err != nil {
		return err
	}
	factors, err := q.part(weight+".absmax", U8, F32)
	if err != nil {
		return err
	}
	codes, err := q.part(weight+".quant_map", F32)
	if err != nil {
		return err
	}
	table, err := codes.all()
	if err != nil {
		return err
	}
	shape, _ := state.Floats("shape")
	size := make([]uint64, len(shape))
	for i, d := range shape {
		size[i] = uint64(max(d, 0))
	}
	dims, err := sized(size, 1, 2*int64(w.Len()))
	if err != nil {
		return w.wrong("%v", err)
	}
	t := q.computed(weight, dims, nil)
	block, _ := state.Int("blocksize")
	if len(shape) == 0 || len(table) != 16 || t.Len() != 2*w.Len() || block <= 0 || factors.Len() != (t.Len()-1)/block+1 {
		return w.wrong("%d bytes, shape %v, %d codes, %d factors for blocks of %d: this does not fit", w.Len(), shape, len(table), factors.Len(), block)
	}
	parts = append(parts, w, factors, codes)
	factor := factors.Read
	if factors.Type == U8 {
		inner, more, err := q.nestedFactors(weight, state, factors)
		if err != nil {
			return err
		}
		factor, parts = inner, append(parts, more...)
	}
	cols := t.Cols()
	t.rows = func(dst []float32, r0, n int) error {
		from := r0 * cols
		to := from + n*cols
		b := make([]byte, (to-1)/2+1-from/2)
		if err := w.ReadBytes(b, from/2); err != nil {
			return err
		}
		f := make([]float32, (to-1)/block+1-from/block)
		if err := factor(f, from/block); err != nil {
			return err
		}
		for i := range dst {
			at := from + i
			code := b[at/2-from/2] >> (4 - at%2*4) & 15
			dst[i] = table[code] * f[at/block-from/block]
		}
		return nil
	}
	return q.replace(t, parts...)
}

// quantState reads the settings that are kept as the bytes of a JSON text, in a tensor.
func (q *quantized) quantState(weight string) (*Object, []*Tensor, error) {
	var found *Tensor
	for _, base := range q.ending("") {
		if strings.HasPrefix(base, weight+".quant_state.") {
			found = q.byName[base]
		}
	}
	if found == nil {
		return nil, nil, fmt.Errorf("%s: tensor %q has no quant_state", q.dir, weight)
	}
	if found.Type != U8 || found.Len() > 1<<16 {
		return nil, nil, found.wrong("%v of %s: want a short text", found.Shape, found.Type)
	}
	text := make([]byte, found.Len())
	if err := found.ReadBytes(text, 0); err != nil {
		return nil, nil, err
	}
	settings, err := parseObject(text)
	if err != nil {
		return nil, nil, found.wrong("%v", err)
	}
	return &Object{found.File, settings}, []*Tensor{found}, nil
}

// nestedFactors returns a function that reads factors which are quantized.
func (q *quantized) nestedFactors(weight string, state *Object, codes *Tensor) (func(dst []float32, at int) error, []*Tensor, error) {
	outer, err := q.part(weight+".nested_absmax", F32)
	if err != nil {
		return nil, nil, err
	}
	tableOf, err := q.part(weight+".nested_quant_map", F32)
	if err != nil {
		return nil, nil, err
	}
	table, err := tableOf.all()
	if err != nil {
		return nil, nil, err
	}
	block, _ := state.Int("nested_blocksize")
	offset, ok := state.Float("nested_offset")
	if block <= 0 || !ok || len(table) != 256 || outer.Len() != (codes.Len()-1)/block+1 {
		return nil, nil, outer.wrong("%d codes, %d factors for blocks of %d: this does not fit", len(table), outer.Len(), block)
	}
	return func(dst []float32, at int) error {
		b := make([]byte, len(dst))
		if err := codes.ReadBytes(b, at); err != nil {
			return err
		}
		f := make([]float32, (at+len(dst)-1)/block+1-at/block)
		if err := outer.Read(f, at/block); err != nil {
			return err
		}
		for i, code := range b {
			dst[i] = float32(table[code]*f[(at+i)/block-at/block]) + float32(offset)
		}
		return nil
	}, []*Tensor{outer, tableOf}, nil
}
