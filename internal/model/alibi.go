package model

import "happyphonellm/internal/kernels"

func init() {
	register("bloom", bloom)
	register("mpt", mpt)
	register("jais", jais)
	register("refact", refact)
}

// bloom is BLOOM: layer norms, of the embedding too, and scores that fall with
// the distance (ALiBi).
func bloom(b *builder) {
	b.layerNorms = true
	b.embedding(1)
	b.m.embed.norm = b.norm("token_embd_norm", b.m.Embd)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		a.slopes = b.alibi(a.heads, 8)
		b.add(a, b.plainFeedForward(plainGELU).unscaled())
	}
	b.head()
}

// mpt is MPT: layer norms, over all heads of queries and keys too where the file
// has them, ALiBi, projections that may be clamped.
func mpt(b *builder) {
	b.layerNorms = true
	bias, limit := b.floatOr("attention.max_alibi_bias", 0), b.floatOr("attention.clamp_kqv", 0)
	b.embedding(1)
	if b.has("position_embd.weight") {
		b.positions()
	}
	for b.nextLayer() {
		h := b.heads()
		a, f := b.bareAttention(h, nil), b.plainFeedForward(plainGELU).unscaled()
		a.norm, a.slopes, a.clamp = b.norm("attn_norm", b.m.Embd), b.alibi(h.n, bias), limit
		if b.has("attn_q_norm.weight") {
			a.qWhole, a.kWhole = b.norm("attn_q_norm", h.n*h.keyDim), b.norm("attn_k_norm", h.kv*h.keyDim)
		}
		// AWQ's scales of the hidden layer, by which it is divided.
		if f.factor = b.vectorOr("ffn.act.scales", b.ffnLength()); f.factor != nil {
			for i, s := range f.factor {
				f.factor[i] = 1 / s
			}
		}
		b.add(a, f)
	}
	b.head()
}

// jais is Jais 1: a GPT-2 with ALiBi, a gated feed-forward, and scores divided by
// the width of a head.
func jais(b *builder) {
	b.layerNorms = true
	bias := b.floatOr("attention.max_alibi_bias", 0)
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		a.slopes, a.params.Scale = b.alibi(a.heads, bias), 1/float32(a.keyDim)
		b.add(a, b.feedForward(kernels.SwiGLU).unscaled())
	}
	b.head()
}

// refact is Refact 1.6B: a Llama with ALiBi in place of the rotation. What
// llama.cpp makes of a Refact with experts has no matrices in the feed-forward.
func refact(b *builder) {
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), nil)
		a.slopes, a.o.bias = b.alibi(a.heads, 8), nil
		if b.uintOr("expert_count", 0) > 0 {
			b.add(a, &siluOfNorm{norm: b.norm("ffn_norm", b.m.Embd)})
			continue
		}
		f := b.feedForward(kernels.SwiGLU).unscaled()
		f.gate.bias, f.up.bias, f.down.bias = nil, nil, nil // bound by llama.cpp, but not added
		b.add(a, f)
	}
	b.head()
}

// siluOfNorm is x += silu(norm(x)).
type siluOfNorm struct{ norm *norm }

func (s *siluOfNorm) size(z *sizes) { z.need(&z.line, len(s.norm.w)) }

func (s *siluOfNorm) run(p *pass) {
	for t := range p.Tiles(p.n) {
		x := p.row(t)
		s.norm.apply(p.line, x)
		for i, v := range p.line[:len(x)] {
			x[i] += kernels.SiLU(v)
		}
	}
	p.Barrier()
}
