package model

import "happyphonellm/internal/kernels"

func init() { register("hy_v4", hunyuan4) }

// hunyuan4 is Tencent's Hy4: several residual streams, and latent attention with
// sinks and a gate. In some of its models an indexer picks the positions that a
// token sees; layers may share one.
func hunyuan4(b *builder) {
	sparse, indexed := b.uintOr("attention.indexer.top_k", 0) > 0, b.indexed(0)
	if sparse && !indexed[0] {
		b.fail(ErrModel, "%s: the first layer has no indexer", b.key("attention.indexer.types"))
	}
	lead := b.denseLead()
	dim := b.uint("rope.dimension_count")
	rope := b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: b.floatOr("rope.freq_base", 10000)})
	h := b.hyper()
	h.magnitude, h.epsBack = b.float("hyper_connection.magnitude"), true
	b.embedding(1)
	end := b.hyperEnd(h)
	b.add(hyperStart{h})
	for b.nextLayer() {
		heads := b.latentHeads()
		in := b.hyperIn(h, "attn")
		a := b.latentAttention(heads, rope)
		a.from = in.input
		a.core.o.scale = nil // llama.cpp has none here
		a.core.sinks = b.vector("attn_sinks.weight", heads.n)
		b.bindGate(a.core, "attn_gate", heads.n*heads.valueDim)
		a.core.gate.scale = nil
		switch {
		case sparse && indexed[b.layer]:
			a.index = b.latentIndexer(a, rope, b.rmsEps())
			a.index.ropeLast = true
		case sparse:
			a.index = b.sharedIndexer()
		}
		b.add(in, a, hyperOut{h})
		in = b.hyperIn(h, "ffn")
		b.add(in)
		if b.layer < lead {
			f := b.feedForward(kernels.SwiGLU).unscaled()
			f.from = in.input
			b.add(f)
		} else {
			m := b.sharedMoE().unscaled()
			m.act = swiGLULimit(b.layerFloat("swiglu_clamp_exp", 0))
			m.from = in.input
			b.add(m)
		}
		b.add(hyperOut{h})
	}
	b.add(end)
	b.head()
}
