package model

import "happyphonellm/internal/kernels"

func init() { register("bailingmoe3", bailing3) }

// bailing3 is Ant's Ling 3: delta nets with a bounded decay per channel in most
// layers, latent attention with a gate per head in those with KV heads.
func bailing3(b *builder) {
	o := ropeParams{style: ropeAdjacent, dim: b.uint("rope.dimension_count"), base: b.floatOr("rope.freq_base", 10000)}
	if b.multiAxis() {
		o.style = ropeHalves
		o = b.withSections(o, false)
	}
	rope := b.rope(o)
	lead := b.denseLead()
	kv := b.uints("attention.head_count_kv", 0)
	heads := b.uints("attention.head_count", 0)[0]
	b.embedding(1)
	for b.nextLayer() {
		if kv[b.layer] == 0 {
			b.add(b.kimiDelta(heads).bounded(b, 1))
		} else {
			a := b.latentAttention(b.latentHeads(), rope)
			a.core.o.scale = nil // llama.cpp has none here
			b.bindGate(a.core, "attn_gate", a.core.heads)
			a.core.gate.scale = nil
			b.add(a)
		}
		if b.layer < lead {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.moe(swiGLUCut(b.layerFloat("swiglu_clamp_exp", 0)))
		m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
		shared := b.positiveOr("expert_shared_feed_forward_length", b.expertWidth(0)*max(1, b.uintOr("expert_shared_count", 0)))
		m.shared = b.sharedExpert("_shexp", shared, swiGLUCut(b.layerFloat("swiglu_clamp_shexp", 0)))
		b.add(m.unscaled())
	}
	b.head()
}
