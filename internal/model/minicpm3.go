package model

import "happyphonellm/internal/kernels"

func init() { register("minicpm3", minicpm3) }

// minicpm3 is MiniCPM 3: latent attention, with the factors of the first MiniCPM
// for the embedding, the branches and the logits.
func minicpm3(b *builder) {
	h := b.heads()
	rope := b.rope(b.withFactors(ropeParams{
		style: ropeHalves,
		dim:   b.positiveOr("rope.dimension_count", h.keyDim),
		base:  b.floatOr("rope.freq_base", 10000),
	}))
	residual := 1.4 / sqrt(b.m.Layers)
	b.embedding(12)
	for b.nextLayer() {
		a := b.latentAttention(latentHeads{n: h.n, keyDim: h.keyDim, valueDim: h.valueDim, latent: b.uint("attention.kv_lora_rank")}, rope)
		if a.qa == nil {
			b.vector("attn_q_a.weight", b.m.Embd) // says that it is missing
		}
		if b.err != nil {
			return
		}
		for _, l := range []*linear{a.qa, &a.q, &a.kva, &a.kvb} {
			*l = l.unscaled()
		}
		a.core.o = a.core.o.times(residual)
		f := b.feedForward(kernels.SwiGLU).unscaled()
		f.down = f.down.times(residual)
		b.add(a, f)
	}
	out := b.head()
	out.out = out.out.times(256 / float32(b.m.Embd))
}
