package model

import "happyphonellm/internal/kernels"

func init() { register("dots3note", dots3note) }

// dots3note is dots.llm3: latent attention with a gate per head, over a window
// in most layers, whose latents have widths of their own. In the others an indexer
// picks the positions that a token sees, as in DeepSeek V3.2.
func dots3note(b *builder) {
	dim, base := b.uint("rope.dimension_count"), b.floatOr("rope.freq_base", 10000)
	full := b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: base})
	local := b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: b.floatOr("rope.freq_base_swa", base)})
	indexRope := b.rope(ropeParams{style: ropeHalves, dim: dim, base: base})
	window, windowed := b.uint("attention.sliding_window"), b.windowed(0)
	lead := b.denseLead()
	b.embedding(1)
	for b.nextLayer() {
		h, rope := b.latentHeads(), full
		if windowed[b.layer] {
			rope = local
			h.latent = b.uint("attention.kv_lora_rank_swa")
			h.keyDim, h.valueDim = b.uint("attention.key_length_mla_swa"), b.uint("attention.value_length_mla_swa")
		}
		a := b.latentAttention(h, rope)
		a.sharedKey = b.rmsNorm("attn_k_norm", dim)
		b.bindGate(a.core, "attn_gate", h.n)
		a.core.gate.scale = nil
		if windowed[b.layer] {
			a.core.window = window
		} else {
			a.index = b.latentIndexer(a, indexRope, 1e-6)
		}
		if b.layer < lead {
			b.add(a, b.feedForward(kernels.SwiGLU))
		} else {
			b.add(a, b.sharedMoE())
		}
	}
	b.head()
}
