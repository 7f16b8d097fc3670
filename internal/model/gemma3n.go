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
	// llama.cpp takes the numbers of the models that there are: 20 layers with keys of
	// their own, 10 sparse ones, inputs of 256, a rank of 64, a cap of 30.
	shared := b.uintOr("attention.shared_kv_layers", max(b.m.Layers-20, 0))
	own, width := b.m.Layers-shared, b.positiveOr("embedding_length_per_layer_input", 256)
	if b.err == nil && own < 1 {
		b.fail(ErrModel, "%d of %d layers share keys and values", shared, b.m.Layers)
		return
	}
	h := b.heads()
	dim := b.positiveOr("rope.dimension_count", h.keyDim)
	full := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base", 10000)})
	local := b.rope(ropeParams{style: ropeHalves, dim: dim, base: b.floatOr("rope.freq_base_swa", 10000), scale: 1})
	window, windowed := b.uint("attention.sliding_window"), b.windowed(5)
	deviations := b.sparseDeviations()
	sample := !b.boolOr("activation_sparsity_population", false) // our converter's key
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
		rope, from := full, b.sharedFrom(own, windowed)
		if windowed[b.layer] {
			rope = local
		}
		a := b.gemmaAttention(b.heads(), rope, from, windowed)
		if windowed[b.layer] {
			a.window = window
		}
		a.norm, a.vNorm = b.rmsNorm("attn_norm", b.m.Embd), plain
		b.add(a, b.laurel(u, a.norm))
		f := b.feedForward(kernels.GeGLU).unscaled()
		f.post = b.rmsNorm("post_ffw_norm", b.m.Embd)
		if above := deviations[b.layer]; !math.IsInf(float64(above), -1) {
			b.add(&sparseFeedForward{f, above, sample})
		} else {
			b.add(f)
		}
		g := b.layerGate(width)
		g.to = u.stream[1:]
		b.add(&altUpCorrect{u, r}, g)
	}
	b.add(&altUpEnd{u, b.altUpProjections("altup_unembd_proj")})
	b.head().cap = b.floatOr("final_logit_softcapping", 30)
}

// sparseDeviations is, for each layer, how many standard deviations above the mean of
// its gate a feed-forward keeps; -Inf: all. A file that does not say it has 10 layers
// that keep one number of twenty: the 95 % quantile of the normal distribution.
func (b *builder) sparseDeviations() []float32 {
	list := make([]float32, b.m.Layers)
	a, err := b.file.Array(b.key("activation_sparsity_scale"))
	for i := range list {
		switch {
		case err == nil && i < a.Len():
			list[i] = float32(a.Float(i))
		case err != nil && i < 10:
			list[i] = 1.6448533535003662
		default:
			list[i] = float32(math.Inf(-1))
		}
	}
	return list
}

// laurel is x = (x + norm(right·(left·y)) + y) / sqrt(2), where y is the normed
// stream that attention has read.
type laurel struct {
	u           *altUp
	norm        *norm
	left, right linear // [rank][embd], [embd][rank]
	post        *norm
}

func (b *builder) laurel(u *altUp, n *norm) *laurel {
	const left = "laurel_l.weight"
	rank := 1
	if t, ok := b.file.Tensor(b.tensorName(left)); ok && len(t.Shape) == 2 {
		rank = t.Shape[1]
	}
	return &laurel{
		u: u, norm: n,
		left:  linear{w: b.matrix(left, b.m.Embd, rank)},
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
	rows := p.tileRows(&l.left.w, p.n)
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
// mean.
type sparseFeedForward struct {
	f      *feedForward
	above  float32 // so many standard deviations
	sample bool    // the deviation is a sample's
}

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
		sparsify(gate, s.above, s.sample)
		kernels.GeGLU(gate, gate, up)
		copy(up, gate)
		hidden.Quantize(t, t+1)
	}
	p.Barrier()
	p.addLinear(&f.down, hidden, f.post)
}

// sparsify makes of every x what it is above the mean and some deviations, or 0. The
// deviation is that of these numbers, as in transformers, or that of a sample, as in
// llama.cpp: with n-1 where the other has n.
func sparsify(x []float32, above float32, sample bool) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := float32(sum / float64(len(x)))
	for _, v := range x {
		d := float64(v - mean)
		squares += float64(d * d)
	}
	n := float64(len(x))
	if sample {
		n--
	}
	deviation := math.Sqrt(squares / n)
	cut := mean + float32(float32(deviation)*above)
	for i, v := range x {
		x[i] = max(0, v-cut)
	}
}
