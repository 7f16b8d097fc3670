package model

import "happyphonellm/internal/kernels"

// Hyper-connections (arXiv:2409.19606; with doubly stochastic mixing,
// arXiv:2512.24880): the residual stream is several streams side by side. Before
// a block they are weighed into its input; after it, its output goes back to each
// with a weight of its own, and the streams may be mixed. All weights are made of
// the streams themselves, token by token.
type hyper struct {
	n          int     // streams
	eps        float32 // added to weights and to what they are divided by
	normEps    float32
	magnitude  float32 // of the weights of the output
	epsBack    bool    // eps is added to those too
	mixes      bool    // the streams are mixed
	iterations int     // of the mixing matrix's normalization
}

// hyperStart makes each stream a copy of the embedding.
type hyperStart struct{ *hyper }

// hyperIn weighs the streams into input and leaves x at zero, so that a block
// that reads input and adds to x leaves its output there.
type hyperIn struct {
	*hyper
	fn          kernels.Matrix // [n + n, and n*n if the streams are mixed][n*embd]
	base, scale []float32      // of fn's outputs; scale: one number for each of the parts
	input       *kept
}

// hyperOut takes x, the output of the block, to the streams.
type hyperOut struct{ *hyper }

// hyperEnd weighs the streams into x, or takes their mean where fn is empty.
type hyperEnd struct {
	*hyper
	fn          kernels.Matrix // [n][n*embd]
	base, scale []float32
}

// hyperEnd binds the weights of the streams at the end.
func (b *builder) hyperEnd(h *hyper) *hyperEnd {
	return &hyperEnd{
		hyper: h, fn: b.matrix("output_hc_fn.weight", h.n*b.m.Embd, h.n),
		base: b.vector("output_hc_base.weight", h.n), scale: b.vector("output_hc_scale.weight", 1),
	}
}

// hyperIn binds the weights before the current layer's block of that name, attn
// or ffn, whose input is to be the result's.
func (b *builder) hyperIn(h *hyper, name string) *hyperIn {
	outputs, parts := 2*h.n, 2
	if h.mixes {
		outputs, parts = (2+h.n)*h.n, 3
	}
	return &hyperIn{
		hyper: h, fn: b.matrix("hc_"+name+"_fn.weight", h.n*b.m.Embd, outputs),
		base: b.vector("hc_"+name+"_base.weight", outputs), scale: b.vector("hc_"+name+"_scale.weight", parts),
		input: b.keep(),
	}
}

// hyper reads how many streams there are.
func (b *builder) hyper() *hyper {
	h := &hyper{
		n: b.uint("hyper_connection.count"), eps: b.float("hyper_connection.epsilon"), normEps: b.rmsEps(),
		magnitude: 2, iterations: b.uintOr("hyper_connection.sinkhorn_iterations", 0),
	}
	const most, mostIterations = 64, 1000
	if h.n < 1 || h.n > most {
		b.fail(ErrModel, "%s is %d", b.key("hyper_connection.count"), h.n)
	}
	if h.iterations > mostIterations {
		b.fail(ErrModel, "%s is %d, more than %d", b.key("hyper_connection.sinkhorn_iterations"), h.iterations, mostIterations)
	}
	return h
}

func (h *hyper) size(z *sizes) { z.need(&z.streams, h.n) }

func (h hyperStart) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		for i := range h.n {
			copy(p.stream(t, h.n)[i*d:(i+1)*d], p.row(t))
		}
	}
	p.Barrier()
}

func (h *hyperIn) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		w := h.weights(p, t, &h.fn)
		h.turn(w)
		if h.mixes {
			h.normalize(w[2*h.n:])
		}
		copy(p.joins[t*h.joins():], w[h.n:])
		h.weigh(p.kept[h.input.id][t*d:(t+1)*d], p.stream(t, h.n), w)
		clear(p.row(t))
	}
	p.Barrier()
}

// joins is how many weights a block's output needs: one per stream, and the
// mixing matrix.
func (h *hyper) joins() int { return h.n + h.n*h.n }

// weights applies fn to the streams of token t, normed together.
func (h *hyper) weights(p *pass, t int, fn *kernels.Matrix) []float32 {
	in := &p.streamed
	in.Resize(1, h.n*p.m.Embd)
	kernels.RMSNorm(in.Row(0), p.stream(t, h.n), nil, h.normEps)
	in.Quantize(0, 1)
	w := p.weights[:fn.Rows]
	fn.MulRows(w, fn.Rows, 0, fn.Rows, in, p.scratch)
	return w
}

// turn makes fn's outputs the weights of the streams, then those of the output,
// and what the mixing matrix begins from.
func (h *hyperIn) turn(w []float32) {
	for i, v := range w {
		part := min(i/h.n, 2)
		v = float32(v*h.scale[part]) + h.base[i]
		switch part {
		case 0:
			v = kernels.Sigmoid(v) + h.eps
		case 1:
			v = float32(kernels.Sigmoid(v) * h.magnitude)
			if h.epsBack {
				v += h.eps
			}
		}
		w[i] = v
	}
}

// normalize makes m, [from][to], nearly doubly stochastic (Sinkhorn): a softmax
// over the streams that a stream goes to, and then columns and rows in turn are
// divided by their sums.
func (h *hyper) normalize(m []float32) {
	n := h.n
	for from := range n {
		row := m[from*n : (from+1)*n]
		kernels.Softmax(row)
		for i := range row {
			row[i] += h.eps
		}
	}
	for i := range max(h.iterations, 1) {
		if i > 0 {
			for from := range n {
				h.divide(m, from*n, 1)
			}
		}
		for to := range n {
			h.divide(m, to, n)
		}
	}
}

// divide divides n numbers of m, from at on in steps, by their sum.
func (h *hyper) divide(m []float32, at, step int) {
	sum := h.eps
	for i := range h.n {
		sum += m[at+i*step]
	}
	for i := range h.n {
		m[at+i*step] /= sum
	}
}

// weigh sets dst to the sum of the streams by their weights.
func (h *hyper) weigh(dst, streams, w []float32) {
	d := len(dst)
	kernels.Scale(dst, streams[:d], w[0])
	for i := 1; i < h.n; i++ {
		kernels.Axpy(dst, w[i], streams[i*d:(i+1)*d])
	}
}

func (h hyperOut) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		streams, w := p.stream(t, h.n), p.joins[t*h.joins():(t+1)*h.joins()]
		old := streams
		if h.mixes {
			p.streamed.Resize(1, h.n*d)
			old = p.streamed.Row(0)
			copy(old, streams)
		}
		for to := range h.n {
			s := streams[to*d : (to+1)*d]
			if h.mixes {
				kernels.Scale(s, old[:d], w[h.n+to])
				for from := 1; from < h.n; from++ {
					kernels.Axpy(s, w[h.n+from*h.n+to], old[from*d:(from+1)*d])
				}
			}
			kernels.Axpy(s, w[to], p.row(t))
		}
	}
	p.Barrier()
}

func (h *hyperEnd) run(p *pass) {
	mean := float32(1 / float64(h.n))
	for t := range p.Tiles(p.n) {
		w := p.weights[:h.n]
		if h.fn.Rows == 0 {
			for i := range w {
				w[i] = mean
			}
		} else {
			w = h.weights(p, t, &h.fn)
			for i, v := range w {
				w[i] = kernels.Sigmoid(float32(v*h.scale[0])+h.base[i]) + h.eps
			}
		}
		h.weigh(p.row(t), p.stream(t, h.n), w)
	}
	p.Barrier()
}

// stream is the n streams of token t, one after the other.
func (p *pass) stream(t, n int) []float32 {
	d := n * p.m.Embd
	return p.streams[t*d : (t+1)*d]
}

// hyperWidth is how many weights the streams need, at most.
func hyperWidth(n int) int { return (2 + n) * n }
