package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// altUpStreams is the number of residual streams. Stream 0 is the one that layers
// compute.
const altUpStreams = 4

// altUp holds the streams between two layers, and what a layer predicts them to
// be after it.
type altUp struct {
	stream, predicted []*kept
}

func (b *builder) altUp() *altUp {
	u := &altUp{}
	for range altUpStreams {
		u.stream, u.predicted = append(u.stream, b.keep()), append(u.predicted, b.keep())
	}
	return u
}

// streamRow is token t's row of a stream.
func streamRow(p *pass, k *kept, t int) []float32 {
	d := p.m.Embd
	return p.kept[k.id][t*d : (t+1)*d]
}

// altUpProjections binds the matrices that make the other streams from the first, or
// back: those of streams 1, 2, ...
func (b *builder) altUpProjections(name string) []linear {
	layer := b.layer
	b.layer = -1
	defer func() { b.layer = layer }()
	list := make([]linear, altUpStreams-1)
	for i, w := range b.matrices(name+".weight", b.m.Embd, b.m.Embd, len(list)) {
		list[i].w = w
	}
	return list
}

// altUpRouter turns a stream into a few numbers, tanh(router·norm(x)/embd), which
// choose how streams are mixed: predict has [to][from] rows of them, correct [to].
type altUpRouter struct {
	norm             *norm
	router           [][]float32 // [streams][embd]
	predict, correct [][]float32 // [streams*streams][streams], [streams][streams]
	scale            []float32   // [embd] of the corrected first stream, for the layer's input
}

func (b *builder) altUpRouter() *altUpRouter {
	const n = altUpStreams
	return &altUpRouter{
		norm:    b.rmsNorm("altup_router_norm", b.m.Embd),
		router:  b.vectors("altup_router.weight", b.m.Embd, n),
		predict: b.vectors("altup_predict_coef.weight", n, n*n),
		correct: b.vectors("altup_correct_coef.weight", n, n),
		scale:   b.vector("altup_correct_scale.weight", b.m.Embd),
	}
}

// vectors binds a small matrix as float32: n rows of k numbers.
func (b *builder) vectors(name string, k, n int) [][]float32 {
	v := b.vector(name, k, n)
	if v == nil {
		return nil
	}
	rows := make([][]float32, n)
	for i := range rows {
		rows[i] = v[i*k : (i+1)*k]
	}
	return rows
}

// modes are the numbers for x; line is room for them and for as many as x has.
func (r *altUpRouter) modes(x, line []float32) []float32 {
	modes, line := line[len(x):][:altUpStreams], line[:len(x)]
	r.norm.apply(line, x)
	kernels.Scale(line, line, 1/float32(len(x)))
	for i, w := range r.router {
		modes[i] = kernels.Tanh(kernels.Dot(w, line))
	}
	return modes
}

// magnitude is the Euclidean length of x.
func magnitude(x []float32) float32 {
	return float32(math.Sqrt(float64(kernels.Dot(x, x))))
}

// altUpStart makes the streams from the embedding: the others are projections of
// it, made as long as it is.
type altUpStart struct {
	u    *altUp
	proj []linear
}

func (s *altUpStart) size(*sizes) {}

func (s *altUpStart) run(p *pass) {
	in := p.normed(nil)
	for i := range s.proj {
		p.product(p.kept[s.u.stream[i+1].id], &s.proj[i], in)
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		x := p.row(t)
		copy(streamRow(p, s.u.stream[0], t), x)
		want := magnitude(x)
		for _, k := range s.u.stream[1:] {
			y := streamRow(p, k, t)
			kernels.Scale(y, y, want/magnitude(y))
		}
	}
	p.Barrier()
}

// altUpPredict mixes the streams into what they are expected to be after the
// layer; the first of these becomes the residual stream.
type altUpPredict struct {
	u *altUp
	r *altUpRouter
}

func (s *altUpPredict) size(z *sizes) { z.need(&z.line, len(s.r.scale)+altUpStreams) }

func (s *altUpPredict) run(p *pass) {
	for t := range p.Tiles(p.n) {
		modes := s.r.modes(streamRow(p, s.u.stream[0], t), p.line)
		for to, k := range s.u.predicted {
			y := streamRow(p, k, t)
			copy(y, streamRow(p, s.u.stream[to], t))
			for from, stream := range s.u.stream {
				w := kernels.Dot(s.r.predict[to*altUpStreams+from], modes)
				kernels.Axpy(y, w, streamRow(p, stream, t))
			}
		}
		copy(p.row(t), streamRow(p, s.u.predicted[0], t))
	}
	p.Barrier()
}

// altUpCorrect adds to every prediction a part of what the layer has changed in
// the first. The residual stream becomes the first one, scaled, for the gate of
// the layer's input.
type altUpCorrect struct {
	u *altUp
	r *altUpRouter
}

func (s *altUpCorrect) size(z *sizes) { z.need(&z.line, len(s.r.scale)+altUpStreams) }

func (s *altUpCorrect) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		x, line := p.row(t), p.line[:d]
		modes := s.r.modes(x, p.line)
		kernels.Scale(line, streamRow(p, s.u.predicted[0], t), -1)
		kernels.Add(line, line, x) // what has changed
		for i, k := range s.u.stream {
			y := streamRow(p, k, t)
			copy(y, streamRow(p, s.u.predicted[i], t))
			kernels.Axpy(y, kernels.Dot(s.r.correct[i], modes)+1, line)
		}
		kernels.Mul(x, streamRow(p, s.u.stream[0], t), s.r.scale)
	}
	p.Barrier()
}

// altUpEnd makes the mean of the streams, the others projected and made as long
// as the first, the residual stream.
type altUpEnd struct {
	u    *altUp
	proj []linear
}

func (s *altUpEnd) size(*sizes) {}

func (s *altUpEnd) run(p *pass) {
	for i := range s.proj {
		in := p.normedRows(p.kept[s.u.stream[i+1].id], nil)
		p.product(p.kept[s.u.predicted[i+1].id], &s.proj[i], in)
		p.Barrier() // the next input takes this one's place
	}
	for t := range p.Tiles(p.n) {
		x, first := p.row(t), streamRow(p, s.u.stream[0], t)
		copy(x, first)
		want := magnitude(first)
		for _, k := range s.u.predicted[1:] {
			y := streamRow(p, k, t)
			kernels.Axpy(x, want/magnitude(y), y)
		}
		kernels.Scale(x, x, 1./altUpStreams)
	}
	p.Barrier()
}
