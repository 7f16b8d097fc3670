package model

import "happyphonellm/internal/kernels"

func init() { register("plamo2", plamo2) }

// plamo2 is PLaMo 2: Mamba with few heads in most layers, attention in those with
// KV heads, and norms before and after every block.
func plamo2(b *builder) {
	rope := b.attentionRope(ropeHalves)
	kv := b.uints("attention.head_count_kv", 0)
	b.embedding(1)
	for b.nextLayer() {
		post := b.eitherNorm("post_attention_norm", b.m.Embd)
		if kv[b.layer] == 0 {
			m := b.plamoMamba()
			m.post = post
			b.add(m)
		} else {
			h := b.heads()
			a := b.bareAttention(h, rope)
			a.norm = b.rmsNorm("attn_norm", b.m.Embd)
			a.qNorm, a.kNorm = b.headNorms("attn_q_norm", h.keyDim, h.n), b.headNorms("attn_k_norm", h.keyDim, h.kv)
			a.q.scale, a.k.scale, a.v.scale = nil, nil, nil
			a.params.Scale = 1 / sqrt(h.valueDim)
			a.post = post
			b.add(a)
		}
		f := b.fusedFeedForward(kernels.SwiGLU).unscaled()
		f.post = b.eitherNorm("post_ffw_norm", b.m.Embd)
		b.add(f)
	}
	b.head()
}

// plamoMamba binds the current layer's Mamba.
func (b *builder) plamoMamba() *mamba {
	c := b.ssm()
	m := &mamba{
		layer: b.layer, rank: max(64, b.m.Embd/16), interleaved: true, bcdt: true,
		scan: scan{heads: c.heads, groups: 1, size: c.size},
	}
	if b.err != nil || !m.scan.check(b, c.inner) {
		return m
	}
	m.scan.width = c.inner / c.heads
	m.bind(b, c)
	m.in.scale, m.out.scale = nil, nil
	m.scan.dtBias = b.vector("ssm_dt.bias", c.heads)
	m.scan.a, m.scan.d = b.vector("ssm_a", c.heads), b.vector("ssm_d", c.heads)
	m.dtNorm, m.bNorm, m.cNorm = b.eitherNorm("ssm_dt_norm", m.rank), b.eitherNorm("ssm_b_norm", c.size), b.eitherNorm("ssm_c_norm", c.size)
	return m
}
