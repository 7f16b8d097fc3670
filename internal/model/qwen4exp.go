package model

import "happyphonellm/internal/kernels"

func init() { register("qwen4exp", qwen4exp) }

// qwen4exp is Qwen 4's experiment: hyper-connections in place of norms around
// delta nets, gated attention and experts, and a table of n-grams. In layers with
// a ratio of compression an indexer picks the positions that a token's attention
// sees, by the blocks in which they are.
func qwen4exp(b *builder) {
	ratios := b.uints("attention.compress_ratios", 0)
	h := b.heads()
	h.gated = true
	rope := b.sectionedRope(true)
	recurrent := b.recurrent(4)
	hyper := &hyper{n: b.uint("hyper_connection.count"), normEps: b.rmsEps()}
	const most = 64
	if hyper.n < 2 || hyper.n > most {
		b.fail(ErrModel, "%s is %d", b.key("hyper_connection.count"), hyper.n)
	}
	grams := b.ngramLayer()
	b.embedding(1)
	end := b.gatedIn(hyper, "output_hc")
	b.add(hyperStart{hyper})
	for b.nextLayer() {
		in := b.gatedIn(hyper, "hc_attn")
		if recurrent[b.layer] {
			d := b.bareDeltaNet()
			d.from, d.act = in.input, sigmoidGLU
			if b.layer == grams {
				b.add(b.ngrams(hyper))
			}
			b.add(in, d)
		} else {
			a := b.bareAttention(h, rope)
			a.qNorm, a.kNorm = b.rmsNorm("attn_q_norm", h.keyDim), b.rmsNorm("attn_k_norm", h.keyDim)
			for _, l := range []*linear{&a.q, &a.k, &a.v, &a.o} { // llama.cpp has none here
				l.bias = nil
			}
			a.from = in.input
			if b.layer == grams {
				b.fail(ErrModel, "layer %d has n-grams beside attention", b.layer)
			}
			b.scaleScores(a)
			if r := ratios[b.layer]; r > 0 {
				a.index = b.meanIndexer(r, rope)
			}
			b.add(in, a)
		}
		b.add(hyperOut{hyper})
		in = b.gatedIn(hyper, "hc_ffn")
		m := b.experts(b.expertWidth(b.evenWidth()), kernels.SwiGLU)
		m.norm, m.from = nil, in.input
		m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", b.ffnLength()), kernels.SwiGLU)
		m.shared.weight = b.vector("ffn_gate_inp_shexp.weight", b.m.Embd)
		b.add(in, m, hyperOut{hyper})
	}
	b.add(end)
	b.bareHead()
}

// meanIndexer binds an indexer over the means of blocks of keys. The positions
// after the last whole block are always seen.
func (b *builder) meanIndexer(per int, r *rope) *indexer {
	x := b.indexer()
	if per < 2 || x.most%per != 0 {
		b.fail(ErrModel, "layer %d: an indexer that picks %d in blocks of %d", b.layer, x.most, per)
		return x
	}
	x.per, x.most, x.tail, x.rope = per, x.most/per, true, r
	x.q = linear{w: b.matrix("indexer.q_proj.weight", b.m.Embd, x.heads*x.dim)}
	x.qNorm = b.rmsNorm("indexer.q_norm", x.dim)
	k := b.pooledKeys(x, b.indexKey(x, "indexer.k_proj"))
	k.after = b.rmsNorm("indexer.k_norm", x.dim)
	x.keys = k
	return x
}
