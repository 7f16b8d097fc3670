package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

func init() { register("gemma3n", gemma3n) }

// gemma3n is Gemma 3n's text model: four residual streams of which a layer
// computes one and corrects the others (AltUp, arXiv:2301.13310), a low-rank path
// beside attention (LAuReL, arXiv:2411.07501), sparse feed-forwards in the first
// layers, an input of its own for every layer, and keys and values that the last
// layers share.
func gemma3n(b *builder) {
	// What llama.cpp has as constants, although files may carry keys for them.
	const own, sparse, width, rank, cap = 20, 10, 256, 64, 30
	if b.m.Layers <= own {
		b.fail(ErrUnsupported, "%d layers, want more than %d", b.m.Layers, own)
		return
	}
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base", 10000)})
	local := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", 10000), scale: 1})
	window, windowed := b.uint("attention.sliding_window"), b.windowed(5)
	plain := &norm{eps: b.rmsEps()}
	b.embedding(sqrt(b.m.Embd))
	if b.err != nil {
		return
	}
	b.add(b.layerInputs(width))
	u := b.altUp()
	b.add(&altUpStart{u, b.altUpProjections("altup_proj")})
	for b.nextLayer() {
		r := b.altUpRouter()
		b.add(&altUpPredict{u, r})
		rope, from := full, sharedFrom(b.layer, own, windowed[b.layer])
		if windowed[b.layer] {
			rope = local
		}
		a := b.gemmaAttention(b.heads(), rope, from, windowed)
		if windowed[b.layer] {
			a.window = window
		}
		a.norm, a.vNorm = b.rmsNorm("attn_norm", b.m.Embd), plain
		b.add(a, b.laurel(u, a.norm, rank))
		f := b.feedForward(kernels.GeGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		if b.layer < sparse {
			b.add(&sparseFeedForward{f})
		} else {
			b.add(f)
		}
		g := b.layerGate(width)
		g.to = u.stream[1:]
		b.add(&altUpCorrect{u, r}, g)
	}
	b.add(&altUpEnd{u, b.altUpProjections("altup_unembd_proj")})
	b.head().cap = cap
}

// laurel is x = (x + norm(right·(left·y)) + y) / sqrt(2), where y is the normed
// stream that attention has read.
type laurel struct {
	u           *altUp
	norm        *norm
	left, right linear // [rank][embd], [embd][rank]
	post        *norm
}

func (b *builder) laurel(u *altUp, n *norm, rank int) *laurel {
	return &laurel{
		u: u, norm: n,
		left:  linear{w: b.matrix("laurel_l.weight", b.m.Embd, rank)},
		right: linear{w: b.matrix("laurel_r.weight", rank, b.m.Embd)},
		post:  b.rmsNorm("laurel_post_norm", b.m.Embd),
	}
}

func (l *laurel) size(z *sizes) {
	z.need(&z.ffn, l.left.w.Rows)
	z.need(&z.tile, min(maxTileRows, l.left.w.Rows))
	z.need(&z.branch, l.right.w.Rows)
}

func (l *laurel) run(p *pass) {
	d := p.m.Embd
	in := p.normedRows(p.kept[l.u.predicted[0].id], l.norm)
	rank := l.left.w.Rows
	hidden := shaped(&p.acts2, &p.hidden, p.n, rank)
	rows := tileRows(&l.left.w, p.n)
	for i := range p.Tiles(tiles(rank, rows)) {
		r0 := i * rows
		k := min(rows, rank-r0)
		l.left.mul(p, p.tile, k, r0, k, in)
		for t := range p.n {
			copy(hidden.Row(t)[r0:r0+k], p.tile[t*k:(t+1)*k])
			hidden.QuantizeSpan(t, r0, r0+k)
		}
	}
	p.Barrier()
	p.product(p.branch, &l.right, hidden)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		x, y := p.row(t), p.branch[t*d:(t+1)*d]
		l.post.apply(y, y)
		kernels.Add(y, y, in.Row(t))
		kernels.Add(x, x, y)
		kernels.Scale(x, x, 1/sqrt(2))
	}
	p.Barrier()
}

// sparseFeedForward is a feed-forward whose gate keeps only what is far above its
// mean: about one number of twenty.
type sparseFeedForward struct{ f *feedForward }

// sparseDeviations is how many standard deviations above the mean the gate must
// be: the 95 % quantile of the normal distribution.
const sparseDeviations = 1.6448533535003662

func (s *sparseFeedForward) size(z *sizes) {
	s.f.size(z)
	z.need(&z.gate, s.f.gate.w.Rows)
}

func (s *sparseFeedForward) run(p *pass) {
	f := s.f
	in := p.normed(f.norm)
	ffn := f.up.w.Rows
	hidden := shaped(&p.acts2, &p.hidden, p.n, ffn)
	p.product(p.gates, &f.gate, in)
	p.product(hidden.X, &f.up, in)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		gate, up := p.gates[t*ffn:(t+1)*ffn], hidden.Row(t)
		sparsify(gate)
		kernels.GeGLU(gate, gate, up)
		copy(up, gate)
		hidden.Quantize(t, t+1)
	}
	p.Barrier()
	p.addLinear(&f.down, hidden, f.post)
}

// sparsify makes of every x what it is above the mean and some deviations, or 0.
func sparsify(x []float32) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := float32(sum / float64(len(x)))
	for _, v := range x {
		d := float64(v - mean)
		squares += float64(d * d)
	}
	deviation := math.Sqrt(squares / float64(len(x)-1))
	cut := mean + float32(float32(deviation)*sparseDeviations)
	for i, v := range x {
		x[i] = max(0, v-cut)
	}
}
