package model

func init() { register("glm5-next", glm5Next) }

// glm5Next is GLM 5.3: hyper-connections around delta nets with a decay per
// channel, latent attention without positions in the layers with KV heads, and
// experts. An indexer picks the pools of positions that a token's attention sees;
// layers may share one.
func glm5Next(b *builder) {
	indexed := b.indexed(1)
	own := false
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
			if own = own || indexed[b.layer]; !own {
				b.fail(ErrModel, "%s: no layer before %d has an indexer", b.key("attention.indexer.types"), b.layer)
			}
			a.index = b.poolIndexer(a, indexed[b.layer])
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

// poolIndexer binds the indexer of a latent attention that picks pools of
// positions. The positions after the last whole pool are always seen.
func (b *builder) poolIndexer(a *latentAttention, own bool) *indexer {
	x := b.indexer()
	x.per = b.uint("attention.indexer.kpool")
	if x.per < 2 || x.most%x.per != 0 || a.qa == nil {
		b.fail(ErrModel, "layer %d: an indexer that picks %d in pools of %d", b.layer, x.most, x.per)
		return x
	}
	if !b.boolOr("attention.indexer.kpool_select_tail", false) {
		b.fail(ErrUnsupported, "%s is false", b.key("attention.indexer.kpool_select_tail"))
	}
	x.most, x.tail, x.shared = x.most/x.per, true, !own
	if !own || b.err != nil {
		return x
	}
	x.bindWeighted(b, a.qa.w.Rows)
	k := b.pooledKeys(x, b.indexKey(x, "indexer.attn_k"))
	k.norm = &norm{
		w: b.vector("indexer.k_norm.weight", x.dim), b: b.vector("indexer.k_norm.bias", x.dim), mean: true,
		eps: b.floatOr("attention.layer_norm_epsilon", 0),
	}
	k.bindGate(b)
	x.keys = k
	return x
}
