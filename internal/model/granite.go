package model

import "happyphonellm/internal/kernels"

func init() {
	register("granite", granite)
	register("granitemoe", granite)
	register("granite_swa", graniteSWA)
	register("minicpm", minicpm)
}

// granite is IBM's Granite 3 and 4, dense or with experts: a Llama with factors
// for the embedding, the branches, the scores and the logits. Those without rotation
// say that their scaling is not fine-tuned.
func granite(b *builder) {
	rope := b.graniteRope()
	if b.m.Arch == "granite" && !b.boolOr("rope.scaling.finetuned", true) {
		rope = nil
	}
	g := b.graniteScales(0, 0, 0)
	b.embedding(g.embedding)
	for b.nextLayer() {
		b.add(g.attention(b, rope), g.feedForward(b))
	}
	g.head(b)
}

// graniteSWA is Granite with a sliding window in some layers, rotation in some,
// and sinks.
func graniteSWA(b *builder) {
	rope := b.graniteRope()
	window, windowed := b.uint("attention.sliding_window"), b.windowed(1)
	rotated := b.uints("attention.rope_pattern", 1)
	g := b.graniteScales(0, 0, 0)
	b.embedding(g.embedding)
	for b.nextLayer() {
		a := g.attention(b, rope)
		if windowed[b.layer] {
			a.window = window
		}
		if rotated[b.layer] == 0 {
			a.rope = nil
		}
		a.sinks = b.vector("attn_sinks.weight", a.heads)
		b.add(a, g.feedForward(b))
	}
	g.head(b)
}

// minicpm is MiniCPM 1 to 4, which has Granite's factors: those of its first
// models where the file has none.
func minicpm(b *builder) {
	rope := b.graniteRope()
	g := b.graniteScales(12, 1.4/sqrt(b.m.Layers), 256/float32(b.m.Embd))
	b.embedding(g.embedding)
	for b.nextLayer() {
		b.add(g.attention(b, rope), g.feedForward(b))
	}
	g.head(b)
}

// graniteScales are the factors; all but residual and embedding are inverse or
// zero for "as usual" in the file.
type graniteScales struct{ embedding, residual, scores, logits float32 }

func (b *builder) graniteScales(embedding, residual, logits float32) graniteScales {
	one := func(v float32) float32 {
		if v == 0 {
			return 1
		}
		return v
	}
	g := graniteScales{
		embedding: one(b.floatOr("embedding_scale", embedding)),
		residual:  one(b.floatOr("residual_scale", residual)),
		scores:    b.floatOr("attention.scale", 0),
	}
	g.logits = 1 / one(b.floatOr("logit_scale", logits))
	return g
}

func (b *builder) graniteRope() *rope {
	h := b.heads()
	return b.rope(b.withFactors(ropeParams{style: ropeAdjacent, dim: h.keyDim, base: b.floatOr("rope.freq_base", 10000)}))
}

func (g *graniteScales) attention(b *builder, r *rope) *attention {
	a := b.attention(b.heads(), r)
	if g.scores != 0 {
		a.params.Scale = g.scores
	}
	a.o = a.o.times(g.residual)
	return a
}

func (g *graniteScales) feedForward(b *builder) block {
	if b.positiveOr("expert_count", 0) == 0 {
		f := b.feedForward(kernels.SwiGLU).unscaled()
		f.down = f.down.times(g.residual)
		return f
	}
	m := b.moe(kernels.SwiGLU)
	if ffn := b.positiveOr("expert_shared_feed_forward_length", 0); ffn > 0 {
		m.shared = b.graniteShared(ffn)
	}
	m.unscaled().scaled(g.residual)
	return m
}

// graniteShared binds the shared expert, whose gate and up may be one tensor.
func (b *builder) graniteShared(ffn int) *sharedExpert {
	if b.has("ffn_gate_shexp.weight") {
		return b.sharedExpert("_shexp", ffn, kernels.SwiGLU)
	}
	both := b.linear("ffn_up_shexp", b.m.Embd, 2*ffn)
	s := &sharedExpert{down: b.linear("ffn_down_shexp", ffn, b.m.Embd), act: kernels.SwiGLU}
	if b.err == nil {
		s.gate, s.up = both.rows(0, ffn), both.rows(ffn, ffn)
	}
	return s
}

func (g *graniteScales) head(b *builder) {
	h := b.head()
	h.out = h.out.times(g.logits)
}
