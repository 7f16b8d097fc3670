package model

import "happyphonellm/internal/kernels"

func init() { register("deci", deci) }

// deci is DeciLM and Nemotron 51B and Ultra: a Llama in which each layer has heads
// and a hidden width of its own. A layer may lack attention, or have one matrix in
// its place; one without a feed-forward does nothing, as in llama.cpp.
func deci(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)}))
	heads := b.uints("attention.head_count", 0)
	kv := heads
	if _, ok := b.file.Value(b.key("attention.head_count_kv")); ok {
		kv = b.uints("attention.head_count_kv", 0)
	}
	ffn := b.uints("feed_forward_length", 0)
	b.embedding(1)
	for b.nextLayer() {
		switch i := b.layer; {
		case ffn[i] == 0:
			continue
		case heads[i] > 0 && kv[i] > 0:
			b.add(b.attention(b.heads(), rope))
		case heads[i] > 0:
			b.add(&product{norm: b.norm("attn_norm", b.m.Embd), w: linear{w: b.matrix("attn_output.weight", b.m.Embd, b.m.Embd)}})
		}
		b.add(b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// product is x += W norm(x).
type product struct {
	norm *norm
	w    linear
}

func (l *product) size(z *sizes) { z.addLinear(&l.w, nil) }

func (l *product) run(p *pass) {
	in := p.normed(l.norm)
	p.Barrier() // what is added to the stream must not meet who still reads it
	p.addLinear(&l.w, in, nil)
}
