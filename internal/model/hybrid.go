package model

import "happyphonellm/internal/kernels"

func init() {
	register("falcon-h1", falconH1)
	register("granitehybrid", graniteHybrid)
	register("jamba", jamba)
	register("nemotron_h", nemotronH)
	register("nemotron_h_moe", nemotronH)
}

// Models that mix layers of Mamba with layers of attention: those with KV heads.

// falconH1 is Falcon H1: every layer has both, side by side.
func falconH1(b *builder) {
	h := b.heads()
	rope := b.rope(ropeParams{
		style: ropeHalves, dim: b.positiveOr("rope.dimension_count", h.keyDim),
		base: b.floatOr("rope.freq_base", 10000),
	})
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.o.bias = nil
		b.scaleScores(a)
		b.parallel(a, b.mamba2())
		f := b.bareFeedForward(kernels.SwiGLU).unscaled()
		f.norm = b.eitherNorm("ffn_norm", b.m.Embd)
		b.add(f)
	}
	b.head()
}

// graniteHybrid is Granite 4 with Mamba 2 in most layers.
func graniteHybrid(b *builder) {
	var rope *rope
	if b.boolOr("rope.scaling.finetuned", true) {
		rope = b.attentionRope(ropeAdjacent)
	}
	kv := b.uints("attention.head_count_kv", 0)
	g := b.graniteScales(0, 0, 0)
	b.embedding(g.embedding)
	for b.nextLayer() {
		if kv[b.layer] == 0 {
			m := b.mamba2()
			m.out = m.out.times(g.residual)
			b.add(m)
		} else {
			b.add(g.attention(b, rope))
		}
		b.add(g.feedForward(b))
	}
	g.head(b)
}

// jamba is Jamba: Mamba, some layers of attention without any positions, and
// experts in some layers.
func jamba(b *builder) {
	kv := b.uints("attention.head_count_kv", 0)
	b.embedding(1)
	for b.nextLayer() {
		if kv[b.layer] == 0 {
			b.add(b.mamba())
		} else {
			b.add(b.attention(b.heads(), nil))
		}
		if b.has("ffn_gate_inp.weight") {
			m := b.experts(b.ffnLength(), kernels.SwiGLU).unscaled()
			m.normed = false
			b.add(m)
		} else {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
		}
	}
	b.head()
}

// nemotronH is Nemotron H and Nemotron 3: each layer is one block, either Mamba 2,
// attention without positions, or a feed-forward, dense or of experts.
func nemotronH(b *builder) {
	kv, ffn := b.uints("attention.head_count_kv", 0), b.uints("feed_forward_length", 0)
	// Files may have it under the name of layer norms only.
	b.eps = b.floatOr("attention.layer_norm_rms_epsilon", b.floatOr("attention.layer_norm_epsilon", 0))
	b.embedding(1)
	for b.nextLayer() {
		switch {
		case ffn[b.layer] > 0 && b.uintOr("expert_count", 0) > 0:
			b.add(b.nemotronExperts())
		case ffn[b.layer] > 0:
			f := b.barePlainFeedForward(reGLU)
			f.norm = b.rmsNorm("attn_norm", b.m.Embd)
			b.add(f)
		case kv[b.layer] > 0:
			a := b.attention(b.heads(), nil)
			b.scaleScores(a)
			b.add(a)
		default:
			b.add(b.mamba2())
		}
	}
	b.head()
}

// nemotronExperts binds the current layer's experts, which have no gate.
func (b *builder) nemotronExperts() *mixture {
	m := b.experts(b.expertWidth(b.evenWidth()), reGLU)
	m.norm = b.rmsNorm("attn_norm", b.m.Embd)
	m.gating, m.normed = gateSigmoid, b.boolOr("expert_weights_norm", false)
	m.shared = b.sharedExpert("_shexp", b.uint("expert_shared_feed_forward_length"), reGLU)
	return m
}

// attentionRope is the usual rotation of models in which not every layer has
// attention; nil if none has.
func (b *builder) attentionRope(style ropeStyle) *rope {
	for i, n := range b.uints("attention.head_count_kv", 0) {
		if n == 0 {
			continue
		}
		b.layer = i
		h := b.heads()
		b.layer = -1
		dim := b.positiveOr("rope.dimension_count", h.keyDim)
		return b.rope(ropeParams{
			style: style, dim: dim, base: b.floatOr("rope.freq_base", 10000),
			factors: b.vectorOr("rope_freqs.weight", dim/2),
		})
	}
	return nil
}

// scaleScores sets the file's factor of the attention scores, if it has one.
func (b *builder) scaleScores(a *attention) {
	if s := b.floatOr("attention.scale", 0); s != 0 {
		a.params.Scale = s
	}
}

// eitherNorm is rmsNorm for weights that files have with or without ".weight".
func (b *builder) eitherNorm(name string, n int) *norm {
	if b.has(name) {
		return &norm{w: b.vector(name, n), eps: b.rmsEps()}
	}
	return b.rmsNorm(name, n)
}
