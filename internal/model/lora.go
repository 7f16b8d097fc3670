package model

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/kernels"
)

// Adapter is a LoRA adapter in GGUF that is added to a model's matrices as they
// are used: y = W x + Scale·alpha/rank · B (A x). The weights stay what they are.
//
// Layout (llama.cpp's convert_lora_to_gguf): NAME.lora_a is A, [rank][in], and
// NAME.lora_b is B, [out][rank], of the model's tensor NAME; stacks of experts have
// stacks of both. adapter.lora.alpha 0 stands for the rank.
type Adapter struct {
	File  *gguf.File // must stay open for as long as the model is used
	Scale float32
}

// check refuses a file that is no LoRA of this architecture.
func (a *Adapter) check(arch string) (alpha float32, err error) {
	f := a.File
	fail := func(format string, args ...any) (float32, error) {
		return 0, fmt.Errorf("%s: %w: %s", f.Path(), ErrModel, fmt.Sprintf(format, args...))
	}
	general, err := f.Text("general.type")
	if errors.Is(err, gguf.ErrTruncated) {
		return 0, err
	}
	if kind, _ := f.Text("adapter.type"); general != "adapter" || kind != "lora" {
		return fail("this is no LoRA adapter: general.type is %q, adapter.type %q", general, kind)
	}
	if own := f.Architecture(); own != arch {
		return fail("the adapter is of architecture %q, the model of %q", own, arch)
	}
	if _, err := f.Array("adapter.alora.invocation_tokens"); err == nil {
		return 0, fmt.Errorf("%s: an adapter that tokens switch on: %w", f.Path(), ErrUnsupported)
	}
	v, err := f.Float("adapter.lora.alpha")
	if err != nil {
		return 0, err
	}
	if math.IsNaN(v) || math.Abs(v) > math.MaxFloat32 {
		return fail("adapter.lora.alpha is %g", v)
	}
	return float32(v), nil
}

// adapting is an adapter while a model is bound.
type adapting struct {
	*Adapter
	alpha float32
	used  map[string]bool // its tensors that have found their place
}

// openAdapters checks the adapters.
func (b *builder) openAdapters(list []Adapter) {
	for i := range list {
		alpha, err := list[i].check(b.m.Arch)
		if err != nil && b.err == nil {
			b.err = err
		}
		b.adapters = append(b.adapters, &adapting{&list[i], alpha, map[string]bool{}})
	}
}

// closeAdapters refuses one with tensors that no matrix took.
func (b *builder) closeAdapters() {
	for _, a := range b.adapters {
		for _, t := range a.File.Tensors() {
			if !a.used[t.Name] && b.err == nil {
				b.err = fmt.Errorf("%s: tensor %q: %w: the model has no such matrix, or none that an adapter can change",
					a.File.Path(), t.Name, ErrUnsupported)
			}
		}
	}
}

// lora is one adapter's part in a linear, or in one expert's.
type lora struct {
	a, b  kernels.Matrix // [rank][in], [out][rank]
	scale float32
	id    int // of a, in the model
}

// loras are the adapters' parts in a tensor of n stacked matrices, for each of these.
func (b *builder) loras(name string, in, out, n int) [][]lora {
	if len(b.adapters) == 0 || b.err != nil {
		return nil
	}
	list := make([][]lora, n)
	for _, ad := range b.adapters {
		ta, okA := ad.File.Tensor(name + ".lora_a")
		tb, okB := ad.File.Tensor(name + ".lora_b")
		if !okA && !okB {
			continue
		}
		fail := func(format string, args ...any) [][]lora {
			b.err = fmt.Errorf("%s: %w: tensor %q: %s", ad.File.Path(), ErrModel, name, fmt.Sprintf(format, args...))
			return nil
		}
		if !okA || !okB {
			return fail("only one of lora_a and lora_b is there")
		}
		rank := tb.Cols()
		if in*rank*n != ta.Cols()*ta.Rows() || ta.Cols() != in || tb.Rows() != out*n {
			return fail("lora_a has shape %v and lora_b %v, want [%d rank] and [rank %d], %d of each", ta.Shape, tb.Shape, in, out, n)
		}
		if rank > in {
			return fail("a rank of %d for %d columns", rank, in)
		}
		a, err := kernels.NewMatrix(ta.Type, rank*n, in, ta.Data)
		if err != nil {
			return fail("%v", err)
		}
		bm, err := kernels.NewMatrix(tb.Type, out*n, rank, tb.Data)
		if err != nil {
			return fail("%v", err)
		}
		scale := ad.Scale
		if ad.alpha != 0 {
			scale *= ad.alpha / float32(rank)
		}
		b.m.sizes.need(&b.m.sizes.rank, rank)
		ad.used[ta.Name], ad.used[tb.Name] = true, true
		for i := range list {
			list[i] = append(list[i], lora{a.View(i*rank, rank), bm.View(i*out, out), scale, b.nextLora})
			b.nextLora++
		}
	}
	return list
}

// scaledLoRA is list, f times as strong.
func scaledLoRA(list []lora, f float32) []lora {
	list = slices.Clone(list)
	for i := range list {
		list[i].scale *= f
	}
	return list
}

// loraTokens is how many tokens' products are added at once.
const loraTokens = 16

// narrowInput is A x of one adapter's part, made by a worker for itself: the next tiles of
// the same matrix use it again.
type narrowInput struct {
	id, step int
	x        *float32
	acts     kernels.Acts
	view     kernels.Acts // acts in the shape of the part
}

// loraScratch is what a worker needs for adapters.
type loraScratch struct {
	step  int            // changes whenever the inputs of products may
	last  [4]narrowInput // of the matrices that are under way
	next  int            // of last: who makes room
	out   []float32      // [loraTokens][maxTileRows]
	some  kernels.Acts   // of a narrowInput
	parts kernels.Matrix
}

func (s *loraScratch) resize(batch, rank int) {
	if rank == 0 {
		return
	}
	for i := range s.last {
		s.last[i].acts.Resize(batch, blocks(rank))
	}
	s.out = make([]float32, loraTokens*maxTileRows)
}

// add adds scale * B A x to the outputs r0 to r0+k of all tokens of x.
func (l *lora) add(p *pass, dst []float32, stride, r0, k int, x *kernels.Acts) {
	s := &p.lora
	h := l.narrow(p, x)
	for c := 0; c < k; c += maxTileRows {
		rows := min(maxTileRows, k-c)
		s.parts = l.b.View(r0+c, rows)
		for t0 := 0; t0 < x.N; t0 += loraTokens {
			n := min(loraTokens, x.N-t0)
			s.some = h.Slice(t0, t0+n)
			s.parts.MulRows(s.out, rows, 0, rows, &s.some, p.scratch)
			for t := range n {
				y := dst[(t0+t)*stride+c:][:rows]
				kernels.Add(y, y, s.out[t*rows:][:rows])
			}
		}
	}
}

// narrow is scale * A x.
func (l *lora) narrow(p *pass, x *kernels.Acts) *kernels.Acts {
	s, first := &p.lora, &x.X[0]
	// Only these keep their numbers between two steps.
	stays := first == &p.in.X[0] || first == &p.own.X[0] || len(p.attn.X) > 0 && first == &p.attn.X[0] ||
		len(p.hidden.X) > 0 && first == &p.hidden.X[0]
	if stays {
		for i := range s.last {
			if n := &s.last[i]; n.x == first && n.id == l.id && n.step == s.step && n.view.N == x.N {
				return &n.view
			}
		}
	}
	n := &s.last[s.next]
	s.next = (s.next + 1) % len(s.last)
	n.id, n.step, n.x = l.id, s.step, first
	h := shaped(&n.view, &n.acts, x.N, l.a.Rows)
	l.a.MulRows(h.X, l.a.Rows, 0, l.a.Rows, x, p.scratch)
	kernels.Scale(h.X, h.X, l.scale)
	h.Quantize(0, h.N)
	return h
}
