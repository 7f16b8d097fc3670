package model

import (
	"fmt"

	"happyphonellm/internal/kernels"
)

func init() { register("deepseek4", deepseek4) }

// deepseek4 is DeepSeek V4: hyper-connections around attention over a window and
// over compressed positions, a row for every 4, of which an indexer picks, or for
// every 128; and experts, which some layers choose by the token alone.
func deepseek4(b *builder) {
	b.withoutNext()
	dim, base := b.uint("rope.dimension_count"), b.floatOr("rope.freq_base", 10000)
	plain := b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: base, plain: true})
	far := b.rope(ropeParams{style: ropeAdjacent, dim: dim, base: b.float("attention.compress_rope_freq_base"), mag: 1, exact: true})
	ratios, hashed := b.uints("attention.compress_ratios", 0), b.uint("hash_layer_count")
	h := b.hyper()
	h.mixes = true
	b.embedding(1)
	end := b.hyperEnd(h)
	b.add(hyperStart{h})
	for b.nextLayer() {
		in := b.hyperIn(h, "attn")
		a := b.compressedAttention(plain, far, ratios[b.layer])
		a.from = in.input
		b.add(in, a, hyperOut{h})
		in = b.hyperIn(h, "ffn")
		exp := b.layerFloat("swiglu_clamp_exp", 0)
		m := b.sharedMoE().unscaled()
		m.gating, m.from, m.act = b.gatingOr(gateSqrtSoftplus), in.input, swiGLULimit(exp)
		if m.shared != nil {
			m.shared.act = swiGLULimit(b.layerFloat("swiglu_clamp_shexp", exp))
		}
		if b.layer < hashed {
			m.choiceBias, m.byToken = nil, b.expertsByToken(m)
		}
		b.add(in, m, hyperOut{h})
	}
	b.add(end)
	b.head()
}

// withoutNext counts the layers that only predict further tokens as others where
// the file has none of what makes them that.
func (b *builder) withoutNext() {
	all := b.uint("block_count")
	if all > b.m.Layers && all <= maxLayers && !b.has(fmt.Sprintf("blk.%d.nextn.eh_proj.weight", b.m.Layers)) {
		b.m.Layers = all
	}
}

// compressedAttention binds the attention of the current layer: the rotation is
// plain where there is the window alone.
func (b *builder) compressedAttention(plain, far *rope, ratio int) *compressedAttention {
	embd, heads, groups := b.m.Embd, b.uints("attention.head_count", 0)[b.layer], b.uint("attention.output_group_count")
	latent, rank := b.uint("attention.q_lora_rank"), b.uint("attention.output_lora_rank")
	c := &compressedAttention{layer: b.layer, heads: heads, dim: b.uint("attention.key_length"), window: b.uint("attention.sliding_window"), rope: plain}
	if b.err != nil || heads < 1 || groups < 1 || heads%groups != 0 || c.dim < 1 || c.window < 1 || ratio != 0 && ratio != 4 && ratio != 128 {
		b.fail(ErrModel, "layer %d: %d heads of %d in %d groups, a window of %d, a row for %d positions", b.layer, heads, c.dim, groups, c.window, ratio)
		return c
	}
	c.norm = b.rmsNorm("attn_norm", embd)
	c.qa, c.qaNorm = linear{w: b.matrix("attn_q_a.weight", embd, latent)}, b.rmsNorm("attn_q_a_norm", latent)
	c.q = linear{w: b.matrix("attn_q_b.weight", latent, heads*c.dim)}
	c.headNorm = &norm{eps: b.rmsEps()}
	c.kv, c.kvNorm = linear{w: b.matrix("attn_kv.weight", embd, c.dim)}, b.rmsNorm("attn_kv_a_norm", c.dim)
	c.sinks = b.vector("attn_sinks.weight", heads)
	c.params = kernels.AttendParams{Scale: 1 / sqrt(c.dim)}
	c.a = b.groupLinears("attn_output_a", heads/groups*c.dim, rank, groups)
	c.b = linear{w: b.matrix("attn_output_b.weight", groups*rank, embd)}
	kept := b.cached(b.layer)
	kept.Heads, kept.KeyDim = 1, c.dim
	if ratio == 0 {
		return c
	}
	c.rope = far
	c.rows = b.compressor("attn_", 0, ratio, c.dim, 0, far)
	state := c.rows.state()
	if ratio == 4 {
		c.index = b.indexer()
		c.index.per, c.index.side, c.index.rope, c.index.ropeLast = ratio, 1, far, true
		if b.err != nil {
			return c
		}
		c.index.bindWeighted(b, latent)
		c.indexRows = b.compressor("indexer_", 1, ratio, c.index.dim, state, far)
		state += c.indexRows.state()
	}
	b.bindState(state)
	return c
}

// groupLinears binds a matrix for each of n groups, stacked in one tensor of three
// dimensions or of two.
func (b *builder) groupLinears(name string, in, out, n int) []linear {
	if t, ok := b.file.Tensor(b.tensorName(name + ".weight")); ok && len(trimOnes(t.Shape)) == 2 {
		all := linear{w: b.matrix(name+".weight", in, out*n)}
		if b.err != nil {
			return nil
		}
		list := make([]linear, n)
		for i := range list {
			list[i] = all.rows(i*out, out)
		}
		return list
	}
	return b.headLinears(name, in, out, n)
}
