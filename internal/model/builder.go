package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/quant"
)

// builder reads hyper-parameters and binds tensors while an architecture lists
// its blocks. The first error sticks in err, and from then on every method
// returns zero values, so that architectures read without error handling.
type builder struct {
	file  *gguf.File
	m     *Model
	layer int // the layer being built; -1 outside of layers
	err   error

	// layerNorms makes every norm that is bound by norm a layer norm.
	layerNorms bool
	adapters   []*adapting
	nextLora   int // number of the next part of an adapter

	// eps is that of root-mean-square norms in place of the file's; 0: the file's.
	eps float32
}

// fail records an error about the file as a whole, unless there is one already.
func (b *builder) fail(kind error, format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%s: %w: %s", b.file.Path(), kind, fmt.Sprintf(format, args...))
	}
}

// maxLayers is twice what llama.cpp takes: lists with an entry per layer are made
// for each layer.
const maxLayers = 1024

// common reads what every architecture has.
func (b *builder) common() {
	b.layer = -1
	m := b.m
	// Layers that only predict further tokens come last, and are not run.
	all := b.uint("block_count")
	m.Layers = all - b.uintOr("nextn_predict_layers", 0)
	m.Embd = b.uint("embedding_length")
	m.Context = b.uintOr("context_length", 0)
	if all == 0 || m.Embd == 0 {
		b.fail(ErrModel, "%s.block_count %d and %s.embedding_length %d must not be zero", m.Arch, all, m.Arch, m.Embd)
	}
	if m.Layers < 1 {
		b.fail(ErrModel, "%s leaves none of %d layers", b.key("nextn_predict_layers"), all)
	}
	if b.err == nil && m.Layers > maxLayers {
		b.fail(ErrModel, "%s is %d, more than %d", b.key("block_count"), all, maxLayers)
	}
	if b.err == nil && m.Layers > len(b.file.Tensors()) {
		b.fail(ErrModel, "%s.block_count is %d, but the file has %d tensors", m.Arch, m.Layers, len(b.file.Tensors()))
	}
}

// key is the full name of an architecture's key.
func (b *builder) key(name string) string { return b.m.Arch + "." + name }

// missing records err, except where it says that the key is not there.
func (b *builder) missing(err error) bool {
	if err == nil || b.err != nil {
		return false
	}
	if errors.Is(err, gguf.ErrNotFound) {
		return true
	}
	b.err = err
	return false
}

// uint reads a count that the file must have.
func (b *builder) uint(name string) int {
	v, err := b.file.Uint(b.key(name))
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return 0
	}
	return b.toInt(name, v)
}

// uintOr reads a count; a file without it gets the default.
func (b *builder) uintOr(name string, or int) int {
	v, err := b.file.Uint(b.key(name))
	if b.missing(err) {
		return or
	}
	return b.toInt(name, v)
}

// positiveOr reads a count for which zero means "not set".
func (b *builder) positiveOr(name string, or int) int {
	if v := b.uintOr(name, or); v != 0 {
		return v
	}
	return or
}

func (b *builder) toInt(name string, v uint64) int {
	if v > math.MaxInt32 {
		b.fail(ErrModel, "%s is %d, too large", b.key(name), v)
		return 0
	}
	return int(v)
}

// uints reads a count per layer; one number stands for all layers.
func (b *builder) uints(name string, or int) []int {
	list := make([]int, b.m.Layers)
	a, err := b.file.Array(b.key(name))
	if err != nil {
		v := b.uintOr(name, or)
		for i := range list {
			list[i] = v
		}
		return list
	}
	if a.Len() < len(list) {
		b.fail(ErrModel, "%s has %d entries for %d layers", b.key(name), a.Len(), len(list))
		return list
	}
	for i := range list {
		list[i] = b.entry(name, a, i)
	}
	return list
}

// entry is element i of an array of counts.
func (b *builder) entry(name string, a gguf.Array, i int) int {
	if !a.Kind().IsInteger() || a.Int(i) < 0 {
		b.fail(ErrModel, "%s[%d] is no count", b.key(name), i)
		return 0
	}
	return b.toInt(name, uint64(a.Int(i)))
}

// float reads a number that the file must have.
func (b *builder) float(name string) float32 {
	v, err := b.file.Float(b.key(name))
	if err != nil && b.err == nil {
		b.err = err
	}
	return float32(v)
}

func (b *builder) floatOr(name string, or float32) float32 {
	v, err := b.file.Float(b.key(name))
	if b.missing(err) {
		return or
	}
	return float32(v)
}

func (b *builder) boolOr(name string, or bool) bool {
	v, err := b.file.Bool(b.key(name))
	if b.missing(err) {
		return or
	}
	return v
}

// flag reads a yes or no that the file must have.
func (b *builder) flag(name string) bool {
	v, err := b.file.Bool(b.key(name))
	if err != nil && b.err == nil {
		b.err = err
	}
	return v
}

func (b *builder) textOr(name, or string) string {
	v, err := b.file.Text(b.key(name))
	if b.missing(err) {
		return or
	}
	return v
}

// nextLayer goes on to the next layer; false after the last, or after an error.
func (b *builder) nextLayer() bool {
	b.layer++
	return b.err == nil && b.layer < b.m.Layers
}

// add appends blocks to the model.
func (b *builder) add(blocks ...block) {
	for _, blk := range blocks {
		// Not every mixture's norm has the usual name: a missing one shows here.
		if m, ok := blk.(*mixture); ok && m.norm == nil && m.from == nil && !b.has("ffn_norm.weight") {
			b.fail(ErrModel, "tensor %q is missing", b.tensorName("ffn_norm.weight"))
		}
	}
	b.m.blocks = append(b.m.blocks, blocks...)
}

// cached is what the cache keeps for a layer, to be filled in.
func (b *builder) cached(layer int) *kvcache.Shape {
	for len(b.m.cache) <= layer {
		b.m.cache = append(b.m.cache, kvcache.Shape{})
	}
	return &b.m.cache[layer]
}

// tensorName is the full name of a tensor: that of the current layer, if there is one.
func (b *builder) tensorName(name string) string {
	if b.layer >= 0 && b.layer < b.m.Layers {
		return fmt.Sprintf("blk.%d.%s", b.layer, name)
	}
	return name
}

// find looks a tensor up and checks its shape: ggml's order, columns first.
func (b *builder) find(name string, shape ...int) *gguf.Tensor {
	if b.err != nil {
		return nil
	}
	t, ok := b.file.Tensor(name)
	if !ok {
		return nil
	}
	if !slices.Equal(t.Shape, shape) && !slices.Equal(trimOnes(t.Shape), trimOnes(shape)) {
		b.fail(ErrModel, "tensor %q has shape %v, want %v", name, t.Shape, shape)
		return nil
	}
	return t
}

// trimOnes drops trailing dimensions of 1, which writers add at will.
func trimOnes(s []int) []int {
	for len(s) > 1 && s[len(s)-1] == 1 {
		s = s[:len(s)-1]
	}
	return s
}

// has tells whether the file has the tensor.
func (b *builder) has(name string) bool {
	_, ok := b.file.Tensor(b.tensorName(name))
	return ok
}

// vectorOr binds a vector, or several of one length, as float32; nil if the file
// has none. Vectors are small and copied: no kernel needs to know their type.
func (b *builder) vectorOr(name string, shape ...int) []float32 {
	name = b.tensorName(name)
	t := b.find(name, shape...)
	if t == nil {
		return nil
	}
	f, ok := t.Type.Format()
	if !ok || f.Dequantize == nil {
		b.fail(ErrUnsupported, "tensor %q has type %v", name, t.Type)
		return nil
	}
	n := 1
	for _, d := range shape {
		n *= d
	}
	v := make([]float32, n)
	f.Dequantize(v, t.Data)
	return v
}

// vector is vectorOr for a tensor that must be there.
func (b *builder) vector(name string, shape ...int) []float32 {
	v := b.vectorOr(name, shape...)
	if v == nil {
		b.fail(ErrModel, "tensor %q is missing", b.tensorName(name))
	}
	return v
}

// matrix binds a weight matrix: out rows of in columns each.
func (b *builder) matrix(name string, in, out int) kernels.Matrix {
	name = b.tensorName(name)
	t := b.find(name, in, out)
	if t == nil {
		b.fail(ErrModel, "tensor %q is missing", name)
		return kernels.Matrix{}
	}
	return b.toMatrix(name, t.Type, out, in, t.Data)
}

func (b *builder) toMatrix(name string, typ quant.Type, rows, cols int, data []byte) kernels.Matrix {
	m, err := kernels.NewMatrix(typ, rows, cols, data)
	if err != nil {
		b.fail(ErrUnsupported, "tensor %q: %v", name, err)
	}
	return m
}

// matrices binds n matrices stacked in one tensor, as experts are.
func (b *builder) matrices(name string, in, out, n int) []kernels.Matrix {
	full := b.tensorName(name)
	t := b.find(full, in, out, n)
	if t == nil {
		b.fail(ErrModel, "tensor %q is missing", full)
		return nil
	}
	all := b.toMatrix(full, t.Type, out*n, in, t.Data)
	if b.err != nil {
		return nil
	}
	list := make([]kernels.Matrix, n)
	for i := range list {
		list[i] = all.View(i*out, out)
	}
	return list
}

// linear binds name.weight with its bias and its scale, where the file has them.
func (b *builder) linear(name string, in, out int) linear {
	l := linear{
		w:     b.matrix(name+".weight", in, out),
		bias:  b.vectorOr(name+".bias", out),
		scale: b.vectorOr(name+".scale", 1),
	}
	if parts := b.loras(b.tensorName(name+".weight"), in, out, 1); parts != nil {
		l.lora = parts[0]
	}
	return l
}

// norm binds name.weight as the kind of norm that the architecture has: a layer
// norm, with name.bias where the file has it, if b.layerNorms is set, else a
// root-mean-square norm. n is how many numbers are normed together.
func (b *builder) norm(name string, n int) *norm {
	if !b.layerNorms {
		return b.rmsNorm(name, n)
	}
	return &norm{w: b.vector(name+".weight", n), b: b.vectorOr(name+".bias", n), mean: true,
		eps: b.float("attention.layer_norm_epsilon")}
}

// normOr is norm for one that the file may lack.
func (b *builder) normOr(name string, n int) *norm {
	if !b.has(name + ".weight") {
		return nil
	}
	return b.norm(name, n)
}

// headNorms binds name.weight as norms of n numbers with weights of its own for
// each head; nil if the file has none.
func (b *builder) headNorms(name string, n, heads int) *norm {
	w := b.vectorOr(name+".weight", n, heads)
	switch {
	case w == nil:
		return nil
	case b.layerNorms:
		return &norm{w: w, mean: true, eps: b.float("attention.layer_norm_epsilon")}
	}
	return &norm{w: w, eps: b.rmsEps()}
}

// rmsNorm binds name.weight as a root-mean-square norm over n numbers.
func (b *builder) rmsNorm(name string, n int) *norm {
	return &norm{w: b.vector(name+".weight", n), eps: b.rmsEps()}
}

// rmsNormOr is rmsNorm for a norm that the file may lack.
func (b *builder) rmsNormOr(name string, n int) *norm {
	if !b.has(name + ".weight") {
		return nil
	}
	return b.rmsNorm(name, n)
}

func (b *builder) rmsEps() float32 {
	if b.eps != 0 {
		return b.eps
	}
	return b.float("attention.layer_norm_rms_epsilon")
}

// windowedAfter is windowed for models whose pattern begins with the layer that
// sees all.
func (b *builder) windowedAfter(n int) []bool {
	list := b.windowed(n)
	if _, err := b.file.Array(b.key("attention.sliding_window_pattern")); err == nil {
		return list
	}
	n = b.uintOr("attention.sliding_window_pattern", n)
	for i := range list {
		list[i] = n == 0 || i%n != 0
	}
	return list
}

// statedWindows is the size of each layer's sliding window, 0 for none, in families
// that have none in llama.cpp (Mistral, Qwen 2, Phi 3, ...). Our converter writes
// which layers have one beside its size; files of llama.cpp's script have no list,
// and their windows are not used.
func (b *builder) statedWindows() []int {
	sizes := make([]int, b.m.Layers)
	if _, err := b.file.Array(b.key("attention.sliding_window_pattern")); err != nil {
		return sizes
	}
	for i, windowed := range b.windowed(0) {
		if windowed {
			sizes[i] = b.uint("attention.sliding_window")
		}
	}
	return sizes
}

// windowed tells which layers see a sliding window only: the file's pattern as a
// list, or all but the last of every n layers, where n is the file's or the given.
func (b *builder) windowed(n int) []bool {
	list := make([]bool, b.m.Layers)
	const name = "attention.sliding_window_pattern"
	if a, err := b.file.Array(b.key(name)); err == nil {
		if a.Len() < len(list) {
			b.fail(ErrModel, "%s has %d entries for %d layers", b.key(name), a.Len(), len(list))
			return list
		}
		if a.Kind() != gguf.Bool && !a.Kind().IsInteger() {
			b.fail(ErrModel, "%s is a list of %v", b.key(name), a.Kind())
			return list
		}
		for i := range list {
			list[i] = a.Bool(i)
		}
		return list
	}
	n = b.uintOr(name, n)
	for i := range list {
		list[i] = n == 0 || i%n < n-1
	}
	return list
}
