package model

func init() { register("glm5-next", glm5Next) }

// glm5Next is GLM 5.3: hyper-connections around delta nets with a decay per
// channel, latent attention without positions in the layers with KV heads, and
// experts. Its attention chooses the pools of positions that a token sees:
// contexts longer than what is chosen are refused.
func glm5Next(b *builder) {
	b.m.Positions = b.uint("attention.indexer.top_k")
	lead := b.denseLead()
	kv := b.uints("attention.head_count_kv", 0)
	heads := b.uints("attention.head_count", 0)[0]
	h := b.hyper()
	h.mixes = true
	b.embedding(1)
	b.add(hyperStart{h})
	for b.nextLayer() {
		in := b.hyperIn(h, "attn")
		b.add(in)
		if kv[b.layer] == 0 {
			d := b.kimiDelta(heads).bounded(b, -1)
			d.from, d.eps = in.input, 1e-6
			b.add(d)
		} else {
			a := b.latentAttention(b.latentHeads(), nil)
			a.from = in.input
			a.core.o.scale = nil // llama.cpp has none here
			b.add(a)
		}
		b.add(hyperOut{h})
		in = b.hyperIn(h, "ffn")
		b.add(in)
		exp := b.layerFloat("swiglu_clamp_exp", 0)
		shared := b.layerFloat("swiglu_clamp_shexp", exp)
		if b.layer < lead {
			f := b.feedForward(swiGLULimit(shared)).unscaled()
			f.from = in.input
			b.add(f)
		} else {
			m := b.sharedMoE().unscaled()
			m.from, m.act = in.input, swiGLULimit(exp)
			if m.shared != nil {
				m.shared.act = swiGLULimit(shared)
			}
			b.add(m)
		}
		b.add(hyperOut{h})
	}
	b.add(&hyperEnd{hyper: h})
	b.head()
}
