package model

import "happyphonellm/internal/kernels"

func init() { register("nanbeige", nanbeige) }

// nanbeige is Nanbeige 4: a Llama that may go through its layers several times;
// every time keeps keys and values of its own.
func nanbeige(b *builder) {
	rope := b.usualRope(ropeAdjacent)
	loops := b.positiveOr("num_loops", 1)
	if b.err == nil && loops > maxLoops/b.m.Layers {
		b.fail(ErrModel, "%s is %d for %d layers", b.key("num_loops"), loops, b.m.Layers)
		return
	}
	b.embedding(1)
	for b.nextLayer() {
		b.add(b.attention(b.heads(), rope), b.feedForward(kernels.SwiGLU))
	}
	h := b.head()
	if b.err != nil {
		return
	}
	between := !b.boolOr("skip_loop_final_norm", false)
	once := b.m.blocks
	for loop := 1; loop < loops; loop++ {
		if between {
			b.add(&normed{h.norm})
		}
		for _, blk := range once {
			if a, ok := blk.(*attention); ok {
				again := *a
				again.layer = a.layer + loop*b.m.Layers
				*b.cached(again.layer) = *b.cached(a.layer)
				blk = &again
			}
			b.add(blk)
		}
	}
}

// maxLoops bounds what a file can ask for: the layers that llama.cpp allows.
const maxLoops = 512

// normed is x = norm(x).
type normed struct{ norm *norm }

func (n *normed) size(*sizes) {}

func (n *normed) run(p *pass) {
	for t := range p.Tiles(p.n) {
		n.norm.apply(p.row(t), p.row(t))
	}
	p.Barrier()
}
