package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

func init() { register("kimi-linear", kimiLinear) }

// kimiLinear is Kimi Linear: delta nets with a decay per channel in most layers,
// latent attention without positions in those with KV heads.
func kimiLinear(b *builder) {
	rope := b.stillRope(b.uint("rope.dimension_count"))
	kv := b.uints("attention.head_count_kv", 0)
	heads := b.uints("attention.head_count", 0)[0]
	dense := b.denseLead()
	b.embedding(1)
	for b.nextLayer() {
		if kv[b.layer] == 0 {
			b.add(b.kimiDelta(heads))
		} else {
			a := b.latentAttention(b.latentHeads(), rope)
			a.q.scale, a.kva.scale = nil, nil
			b.add(a)
		}
		if b.layer < dense {
			b.add(b.feedForward(kernels.SwiGLU).unscaled())
			continue
		}
		m := b.experts(b.uints("expert_feed_forward_length", 0)[b.layer], kernels.SwiGLU)
		m.gating = b.gatingOr(gateSoftmax)
		m.shared = b.sharedExpert("_shexp", b.expertWidth(0)*max(1, b.uintOr("expert_shared_count", 0)), kernels.SwiGLU)
		b.add(m.unscaled())
	}
	b.head()
}

// stillRope is a rotation of dim numbers that turns none: for attentions that
// treat a part of their heads as if it were rotated.
func (b *builder) stillRope(dim int) *rope {
	if !b.rotates(dim) {
		return nil
	}
	still := make([]bool, dim/2)
	for i := range still {
		still[i] = true
	}
	return b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: 10000, still: still, plain: true})
}

// kimiDelta binds the current layer's delta net under the names that Kimi has.
func (b *builder) kimiDelta(heads int) *deltaNet {
	taps, dim, embd := b.uint("ssm.conv_kernel"), b.uint("kda.head_dim"), b.m.Embd
	d := &deltaNet{
		layer: b.layer, heads: heads, shared: heads, dim: dim,
		norm: b.norm("attn_norm", embd), eps: b.rmsEps(), act: sigmoidGLU,
	}
	if b.err != nil || !d.check(b) {
		return d
	}
	inner := heads * dim
	product := func(name string, in, out int) linear { return linear{w: b.matrix(name+".weight", in, out)} }
	if b.has("attn_qkv.weight") {
		d.qkv = []linear{product("attn_qkv", embd, 3*inner)}
	} else {
		d.qkv = []linear{product("attn_q", embd, inner), product("attn_k", embd, inner), product("attn_v", embd, inner)}
	}
	q, k, v := b.conv("ssm_conv1d_q", taps, inner), b.conv("ssm_conv1d_k", taps, inner), b.conv("ssm_conv1d_v", taps, inner)
	narrow := func(name string) lowRank {
		switch {
		case b.has(name + "_b.weight"):
			first := product(name+"_a", embd, dim)
			return lowRank{first: &first, w: product(name+"_b", dim, inner)}
		case b.has(name + ".weight"):
			return lowRank{w: product(name, embd, inner)}
		}
		return lowRank{w: product(name+"_a", embd, inner)}
	}
	d.alpha, d.gate = narrow("ssm_f"), narrow("ssm_g")
	d.beta = product("ssm_beta", embd, heads)
	if t, ok := b.file.Tensor(b.tensorName("ssm_a")); ok && len(t.Shape) == 1 {
		d.a = b.vector("ssm_a", heads)
	} else {
		d.a = b.vector("ssm_a", 1, heads)
	}
	d.bias = b.vector("ssm_dt.bias", inner)
	d.outNorm = b.rmsNorm("ssm_norm", dim)
	d.out = product("attn_output", inner, embd)
	if b.err == nil {
		d.conv = joinConvs(q, k, v)
		d.lay(b)
	}
	return d
}

// sigmoidGLU is sigmoid(gate) times up.
func sigmoidGLU(dst, gate, up []float32) {
	for i := range dst {
		dst[i] = kernels.Sigmoid(gate[i]) * up[i]
	}
}

// bounded gives the delta net the decay of files that bound it, if this one does;
// sign is that of the file's a in it.
func (d *deltaNet) bounded(b *builder, sign float32) *deltaNet {
	bound := b.floatOr("kda.gate_lower_bound", 0)
	if b.err != nil || bound == 0 || math.IsInf(float64(bound), -1) {
		return d
	}
	d.bound = bound
	kernels.Scale(d.a, d.a, sign)
	return d
}
