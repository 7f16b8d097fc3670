package model

func init() { register("smallthinker", smallThinker) }

// smallThinker is SmallThinker: its routers read the stream as it is before
// attention, so that a phone can fetch the experts in time. Three of four layers
// see a sliding window, and only these rotate.
func smallThinker(b *builder) {
	const size, step = 4096, 4
	rope := b.usualRope(ropeHalves)
	local, window, windowed := rope, 0, make([]bool, b.m.Layers)
	still := false // some layers do not rotate
	if b.uintOr("attention.sliding_window", 0) > 0 {
		_, local = b.windowRopes(ropeHalves)
		window, windowed, still = size, b.windowedAfter(step), b.m.Layers != step
	}
	b.embedding(1)
	for b.nextLayer() {
		before := b.keep()
		a := b.attention(b.heads(), rope)
		if windowed[b.layer] {
			a.rope, a.window = local, window
		}
		if still && b.layer%step == 0 {
			a.rope = nil
		}
		m := b.moe(reGLU).unscaled()
		m.gating, m.routed = b.gatingOr(gateSigmoid), &routerInput{from: before}
		b.add(before, a, m)
	}
	b.head()
}
