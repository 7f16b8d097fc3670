package model

import "happyphonellm/internal/kernels"

func init() { register("k2-horizon", k2) }

// k2 is K2 Horizon, dense or with experts: norms are over groups of numbers, a
// gate is on every output of attention, and layers with experts have some for
// their values too.
func k2(b *builder) {
	const ln2 = 0.6931471805599453
	groups := b.positiveOr("attention.group_norm_groups", 1)
	if b.m.Embd%groups != 0 {
		b.fail(ErrModel, "%s is %d, which does not divide %d", b.key("attention.group_norm_groups"), groups, b.m.Embd)
	}
	rope := b.usualRope(ropeHalves)
	experts, lead := b.uintOr("expert_count", 0), b.denseLead()
	b.embedding(1)
	for b.nextLayer() {
		h := b.heads()
		mixed := experts > 0 && b.layer >= lead
		if mixed {
			h.values = b.valueExperts(h)
		}
		a := b.bareAttention(h, rope)
		a.norm = b.rmsNorm("attn_norm", b.m.Embd)
		a.norm.groups = groups
		a.qNorm, a.kNorm = b.k2HeadNorms("attn_q_norm", h.keyDim, h.n), b.k2HeadNorms("attn_k_norm", h.keyDim, h.kv)
		if b.has("attn_gate.weight") {
			// log2(1 + 2^x) is softplus(x·ln 2) / ln 2.
			b.bindGate(a, "attn_gate", h.n*h.valueDim)
			*a.gate, a.softGate = a.gate.times(ln2), true
			a.o = a.o.times(1 / ln2)
		}
		b.add(a)
		if mixed {
			m := b.k2Experts()
			m.norm.groups = groups
			b.add(m)
		} else {
			f := b.feedForward(kernels.SwiGLU).unscaled()
			f.norm.groups = groups
			b.add(f)
		}
	}
	b.head().norm.groups = groups
}

func (b *builder) k2Experts() *mixture {
	m := b.experts(b.expertWidth(0), kernels.SwiGLU)
	if m.norm == nil {
		m.norm = b.rmsNorm("ffn_norm", b.m.Embd)
	}
	m.gating, m.normed = b.gatingOr(gateSigmoid), b.boolOr("expert_weights_norm", false)
	if n := b.uintOr("expert_shared_count", 0); n > 0 {
		m.shared = b.sharedExpert("_shexp", b.positiveOr("expert_shared_feed_forward_length", n*b.expertWidth(0)), kernels.SwiGLU)
	}
	return m.unscaled()
}

// k2HeadNorms is headNorms for weights that may be in one line.
func (b *builder) k2HeadNorms(name string, n, heads int) *norm {
	if t, ok := b.file.Tensor(b.tensorName(name + ".weight")); ok && len(t.Shape) == 1 {
		return &norm{w: b.vector(name+".weight", n*heads), eps: b.rmsEps()}
	}
	return b.headNorms(name, n, heads)
}
