package model

func init() {
	register("gpt2", gpt2)
	register("starcoder", gpt2)
	register("starcoder2", starcoder2)
	register("codeshell", codeshell)
	register("gptneox", gptneox)
}

// gpt2 is GPT-2, and StarCoder 1, which has one KV head: learned positions, layer
// norms, biases.
func gpt2(b *builder) {
	b.layerNorms = true
	b.embedding(1)
	b.positions()
	for b.nextLayer() {
		b.add(b.attention(b.heads(), nil), b.plainFeedForward(plainGELU).unscaled())
	}
	b.head()
}

// starcoder2 is StarCoder 2: a GPT-2 with a rotation in place of its positions.
func starcoder2(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	windows := b.statedWindows()
	b.embedding(1)
	for b.nextLayer() {
		a := b.attention(b.heads(), rope)
		a.window = windows[b.layer]
		b.add(a, b.plainFeedForward(plainGELU).unscaled())
	}
	b.head()
}

// codeshell is CodeShell: a StarCoder 2 whose embedding may be the output matrix.
func codeshell(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	if b.has("token_embd.weight") {
		b.embedding(1)
	} else {
		b.embeddingOf("output.weight", 1)
	}
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.plainFeedForward(plainGELU).unscaled())
	}
	b.head()
}

// gptneox is GPT-NeoX, Pythia and Dolly: in most of them attention and
// feed-forward are side by side, each with its own norm.
func gptneox(b *builder) {
	b.layerNorms = true
	rope := b.usualRope(ropeHalves)
	sideBySide := b.flag("use_parallel_residual")
	b.embedding(1)
	for b.nextLayer() {
		a, f := b.attention(b.heads(), rope), b.plainFeedForward(plainGELU).unscaled()
		if sideBySide {
			b.parallel(a, f)
		} else {
			b.add(a, f)
		}
	}
	b.head()
}
