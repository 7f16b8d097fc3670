package model

import "happyphonellm/internal/kernels"

func init() { register("gemma4", gemma4) }

// gemma4 is Gemma 4's text model. Layers with a sliding window have heads and a
// rotation of their own; values are normed too; the last layers read the keys and
// values of earlier ones. The small models give every layer an input of its own,
// the large one has experts beside its feed-forward.
func gemma4(b *builder) {
	windowed := b.windowed(0)
	window := b.uint("attention.sliding_window")
	width := b.uint("embedding_length_per_layer_input")
	shared := b.uintOr("attention.shared_kv_layers", 0)
	own := b.m.Layers - shared
	if b.err == nil && shared > 0 && own < 2 {
		b.fail(ErrModel, "%d of %d layers share keys and values", shared, b.m.Layers)
	}
	b.embedding(sqrt(b.m.Embd))
	if width > 0 && b.err == nil {
		b.add(b.layerInputs(width))
	}
	plain := &norm{eps: b.rmsEps()}
	for b.nextLayer() {
		local := windowed[b.layer]
		h := b.heads()
		if local {
			h.keyDim = b.positiveOr("attention.key_length_swa", h.keyDim)
			h.valueDim = b.positiveOr("attention.value_length_swa", h.valueDim)
		}
		a := b.gemmaAttention(h, b.gemma4Rope(h, local), b.sharedFrom(own, windowed), windowed)
		a.norm, a.vNorm = b.rmsNorm("attn_norm", b.m.Embd), plain
		if local {
			a.window = window
		}
		b.add(a)
		f := b.feedForward(kernels.GeGLU)
		if b.has("ffn_gate_inp.weight") {
			b.gemma4Experts(f)
		} else {
			f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
			b.add(f)
		}
		if width > 0 {
			b.add(b.layerGate(width))
		}
		if factor := b.vectorOr("layer_output_scale.weight", 1); factor != nil {
			b.add(multiply(factor[0]))
		}
	}
	b.head().cap = b.floatOr("final_logit_softcapping", 30)
}

// gemma4Rope is the rotation of a layer; that of layers that see everything has a
// factor per frequency.
func (b *builder) gemma4Rope(h heads, local bool) *rope {
	o := ropeParams{style: ropeHalves, dim: b.positiveOr("rope.dimension_count", h.keyDim), base: b.floatOr("rope.freq_base", 10000)}
	if local {
		o.dim = b.positiveOr("rope.dimension_count_swa", o.dim)
		o.base, o.scale = b.floatOr("rope.freq_base_swa", 10000), 1
		return b.rope(o)
	}
	layer := b.layer
	b.layer = -1 // the factors are not a layer's
	o.factors = b.vector("rope_freqs.weight", h.keyDim/2)
	b.layer = layer
	return b.rope(o)
}

// sharedFrom is the layer whose keys and values the current one reads, where only the
// first own layers have some: the last of these that sees as far. -1 is itself.
func (b *builder) sharedFrom(own int, windowed []bool) int {
	if b.layer < own {
		return -1
	}
	for i := own - 1; i >= 0; i-- {
		if windowed[i] == windowed[b.layer] {
			return i
		}
	}
	b.fail(ErrModel, "layer %d shares keys and values with none of the first %d", b.layer, own)
	return -1
}

// gemmaAttention binds the attention of a layer of Gemma 3n or 4, without the
// norm before it: its queries and, unless it reads those of layer from, its keys
// and values. A layer without a matrix for values uses the one for keys.
func (b *builder) gemmaAttention(h heads, r *rope, from int, windowed []bool) *attention {
	a := &attention{
		layer: b.layer, rope: r,
		heads: h.n, kvHeads: h.kv, keyDim: h.keyDim, valueDim: h.valueDim,
		o:      b.linear("attn_output", h.n*h.valueDim, b.m.Embd),
		qNorm:  b.rmsNorm("attn_q_norm", h.keyDim),
		post:   b.rmsNorm("post_attention_norm", b.m.Embd),
		params: kernels.AttendParams{Scale: 1},
	}
	qDim, kDim, vDim := h.n*h.keyDim, h.kv*h.keyDim, h.kv*h.valueDim
	var fused linear
	if b.has("attn_qkv.weight") {
		if fused = b.linear("attn_qkv", b.m.Embd, qDim+kDim+vDim); b.err != nil {
			return a
		}
		a.q = fused.rows(0, qDim)
	} else {
		a.q = b.linear("attn_q", b.m.Embd, qDim)
	}
	if from >= 0 {
		a.layer, a.borrows = from, true
		if c := *b.cached(from); c.Heads != h.kv || c.KeyDim != h.keyDim || c.ValueDim != h.valueDim || windowed[from] != windowed[b.layer] {
			b.fail(ErrModel, "layer %d cannot share the keys and values of layer %d", b.layer, from)
		}
		return a
	}
	a.kNorm = b.rmsNorm("attn_k_norm", h.keyDim)
	switch {
	case fused.w.Rows > 0:
		a.k, a.v = fused.rows(qDim, kDim), fused.rows(qDim+kDim, vDim)
	case b.has("attn_v.weight"):
		a.k, a.v = b.linear("attn_k", b.m.Embd, kDim), b.linear("attn_v", b.m.Embd, vDim)
	default:
		a.k = b.linear("attn_k", b.m.Embd, kDim)
		a.v = a.k
		if kDim != vDim {
			b.fail(ErrModel, "tensor %q is missing", b.tensorName("attn_v.weight"))
		}
	}
	c := b.cached(b.layer)
	c.Heads, c.KeyDim, c.ValueDim = h.kv, h.keyDim, h.valueDim
	return a
}

// gemma4Experts adds a feed-forward and a mixture that read the same stream and
// are added as one: x += post(post1(dense(x)) + post2(mixture(x))).
func (b *builder) gemma4Experts(f *feedForward) {
	m := b.moe(kernels.GeGLU)
	if b.err != nil {
		return
	}
	m.norm = b.rmsNorm("pre_ffw_norm_2", b.m.Embd)
	m.post = b.rmsNorm("post_ffw_norm_2", b.m.Embd)
	m.scale = 1
	m.into = b.keep()
	m.routed = &routerInput{norm: &norm{w: b.vector("ffn_gate_inp.scale", b.m.Embd), eps: b.rmsEps()}}
	kernels.Scale(m.routed.norm.w, m.routed.norm.w, 1/sqrt(b.m.Embd))
	f.post = b.rmsNorm("post_ffw_norm_1", b.m.Embd)
	b.add(m, &denseBeside{f: f, mixture: m.into, post: b.rmsNorm("post_ffw_norm", b.m.Embd)})
}

// denseBeside is x += post(f(x) + mixture), with the output of a mixture that
// read the same x.
type denseBeside struct {
	f       *feedForward
	mixture *kept
	post    *norm
}

func (b *denseBeside) size(z *sizes) { b.f.size(z) }

func (b *denseBeside) run(p *pass) {
	d := p.m.Embd
	in := p.normed(b.f.norm)
	hidden := shaped(&p.acts2, &p.hidden, p.n, b.f.up.w.Rows)
	gated(p, in, &b.f.gate, &b.f.up, b.f.act, hidden)
	p.Barrier()
	p.product(p.branch, &b.f.down, hidden)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		y := p.branch[t*d : (t+1)*d]
		b.f.post.apply(y, y)
		kernels.Add(y, y, p.kept[b.mixture.id][t*d:(t+1)*d])
		b.post.apply(y, y)
		kernels.Add(p.row(t), p.row(t), y)
	}
	p.Barrier()
}
