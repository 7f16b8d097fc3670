package model

import (
	"fmt"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
)

// sizes are the widths, in float32 per token, of the scratch buffers that the
// blocks of a model need.
type sizes struct {
	query   int // all query heads
	key     int // all key heads, where they are normed together; 0: none
	gate    int // gates of attention outputs; 0: none
	attnOut int // all heads' attention outputs
	ffn     int // one block's hidden layer
	branch  int // output of a branch that is normed before it is added; 0: none
	aside   int // output of a block that waits for joined; 0: none
	mix     int // what a recurrent block makes of its input; 0: none
	tile    int // per worker: the rows of one tile
	line    int // per worker: the embedding of one position, not per token; 0: none
	queries int // per worker: query heads that attend together, not per token
	slots   int // experts per token; 0: none
	experts int
	shared  int // hidden layer of a shared expert; 0: none
	expert  int // input of a routed expert
	narrow  int // the same where it is narrower than the stream; 0: none
	routed  int // 1: a router reads something else than its experts

	layerInputs int // what all layers get beside the stream; 0: nothing
	latent      latentSizes
	streams     int // residual streams side by side; 0: the usual one
	sparse      sparseSizes
	rank        int // of adapters, the largest; 0: none

	err error // the first of a block that cannot run as it was put together
}

// fail records why a block cannot run.
func (z *sizes) fail(format string, args ...any) {
	if z.err == nil {
		z.err = fmt.Errorf(format, args...)
	}
}

// need grows a field, given by its address, to n.
func (z *sizes) need(field *int, n int) { *field = max(*field, n) }

// addLinear is what pass.addLinear needs.
func (z *sizes) addLinear(l *linear, post *norm) {
	z.need(&z.tile, min(maxTileRows, l.w.Rows))
	if post != nil {
		z.need(&z.branch, l.w.Rows)
	}
}

// State is the scratch memory of one forward pass of up to batch tokens: all
// buffers are made once, and a pass allocates nothing. A State is used by one
// pass at a time; the model may have many.
type State struct {
	m     *Model
	batch int

	ids   []int32 // tokens of the pass
	pos   int     // position of ids[0]
	cache *kvcache.Cache

	logits   []float32 // [to-from][vocab] where the logits of the tokens from..to go
	from, to int
	again    bool // the pass only turns the residual stream of the last one into logits
	whole    bool // x has been, or will be, through all blocks, not only those before the tail

	first, last int  // blocks of this run
	ends        bool // it is the last of the pass: the tail and the logits come after these blocks

	// Shared by the workers; what is written by one is read by others after a barrier.
	x       []float32    // [batch][embd] residual stream
	tail    []float32    // [to-from][embd] its copy on the way through Model.tail
	q       []float32    // [batch][sizes.query] rotated queries
	k       []float32    // [batch][sizes.key] keys before their norm
	gates   []float32    // [batch][sizes.gate] gates of the attention output, before their sigmoid
	branch  []float32    // [batch][sizes.branch] output of a branch before its norm
	aside   []float32    // [batch][sizes.aside] output of a block that waits for joined
	rope    [][]float32  // per rotation: [batch][dim] cosines, then sines
	in      kernels.Acts // [batch][embd] normed input of a block
	attn    kernels.Acts // [batch][sizes.attnOut] attention output
	hidden  kernels.Acts // [batch][sizes.ffn] hidden layers of a feed-forward
	moe     routing
	latents latents
	streams []float32   // [batch][sizes.streams][embd]
	joins   []float32   // [batch] weights that wait for a block\'s output: see hyper
	kept    [][]float32 // per keep block: [batch][embd] the residual stream as it was there

	layerInputs []float32 // [batch][sizes.layerInputs]

	picks picks // of sparse attention

	watch func(first *byte, x *kernels.Acts) // see Watch; nil: nobody does

	passes []pass
	work   func(*parallel.Worker)

	mix []float32 // shared: [batch*sizes.mix] what a recurrent block makes of its input, see area
}

// pass is what one worker sees of a forward pass, and what it has for itself.
type pass struct {
	*parallel.Worker
	*State
	n int       // tokens in the pass; in the tail and the head: to-from
	x []float32 // their residual stream: State.x or State.tail

	own      kernels.Acts // [privateTokens][embd] this worker's normed input
	tile     []float32    // [batch][sizes.tile] outputs of one tile of rows
	tile2    []float32    // the same
	line     []float32    // [sizes.line]
	head     kernels.Acts // [batch][sizes.latent.head] one head's queries
	routed   kernels.Acts // [sizes.routed][embd] a router's input
	streamed kernels.Acts // [1][sizes.streams*embd] one token's streams
	weights  []float32    // their weights
	queries  []kernels.Query
	gathered []byte // cached rows that a sparse attention has picked
	scratch  *kernels.Scratch
	lora     loraScratch

	// Room for the shapes under which this worker uses shared memory, so that
	// passing their addresses to kernels allocates nothing.
	acts, acts2, acts3, acts4, part, part2 kernels.Acts
	view                                   kernels.Matrix
}

// privateTokens is the number of tokens up to which every worker norms the
// input of a block for itself: cheaper than a barrier.
const privateTokens = 2

// NewState makes the scratch for passes of up to batch tokens on a team of workers.
func (m *Model) NewState(batch, workers int) *State {
	z := &m.sizes
	s := &State{m: m, batch: batch}
	s.x = make([]float32, batch*m.Embd)
	s.tail = make([]float32, m.Embd)
	s.in.Resize(batch, blocks(m.Embd))
	s.q = make([]float32, batch*z.query)
	s.k = make([]float32, batch*z.key)
	s.gates = make([]float32, batch*z.gate)
	s.layerInputs = make([]float32, batch*z.layerInputs)
	s.attn.Resize(batch, blocks(z.attnOut))
	s.hidden.Resize(batch, blocks(z.ffn))
	s.branch = make([]float32, batch*z.branch)
	s.aside = make([]float32, batch*z.aside)
	s.mix = make([]float32, batch*z.mix)
	s.moe.resize(batch, z, m.Embd)
	s.latents.resize(batch, &z.latent)
	s.streams = make([]float32, batch*z.streams*m.Embd)
	s.joins = make([]float32, batch*hyperWidth(z.streams))
	for range m.keeps {
		s.kept = append(s.kept, make([]float32, batch*m.Embd))
	}
	for _, r := range m.ropes {
		s.rope = append(s.rope, make([]float32, batch*r.dim))
	}
	s.passes = make([]pass, workers)
	for i := range s.passes {
		p := &s.passes[i]
		p.State = s
		p.own.Resize(privateTokens, m.Embd)
		p.tile = make([]float32, batch*z.tile)
		p.tile2 = make([]float32, batch*z.tile)
		p.line = make([]float32, z.line)
		p.head.Resize(batch, z.latent.head)
		p.routed.Resize(z.routed, m.Embd)
		p.streamed.Resize(min(z.streams, 1), max(z.streams, 1)*m.Embd)
		p.weights = make([]float32, hyperWidth(z.streams))
		p.queries = make([]kernels.Query, 0, z.queries)
		p.scratch = kernels.NewScratch()
		p.lora.resize(batch, z.rank)
	}
	s.work = s.run
	return s
}

// Watch has f called before each product of rows of a weight matrix with inputs:
// with the first byte of the rows and what they are multiplied with, which f only
// reads. Rows are claimed in tiles by all workers, so f is called from many
// goroutines, and for a whole matrix just once with its very first row. nil ends it.
// No pass may be running.
func (s *State) Watch(f func(first *byte, x *kernels.Acts)) { s.watch = f }

// Batch is the largest number of tokens in a pass.
func (s *State) Batch() int { return s.batch }

// Barrier is the team's: after it, what products read may be other numbers.
func (p *pass) Barrier() {
	p.Worker.Barrier()
	p.lora.step++
}

// row is token t's part of the residual stream.
func (p *pass) row(t int) []float32 { d := p.m.Embd; return p.x[t*d : (t+1)*d] }

// normed gives the residual stream after a norm as the input of a matmul. The
// stream must be complete.
func (p *pass) normed(n *norm) *kernels.Acts { return p.normedRows(p.x, n) }

// normedOf is normed for the stream as it was where from kept it, if that is not nil.
func (p *pass) normedOf(from *kept, n *norm) *kernels.Acts {
	if from == nil {
		return p.normed(n)
	}
	return p.normedRows(p.kept[from.id], n)
}

// normedRows is normed for x, which is as wide and as complete as the stream.
func (p *pass) normedRows(x []float32, n *norm) *kernels.Acts {
	d := p.m.Embd
	if p.n <= privateTokens {
		p.lora.step++
		p.own.Resize(p.n, d)
		for t := range p.n {
			n.apply(p.own.Row(t), x[t*d:(t+1)*d])
		}
		p.own.Quantize(0, p.n)
		return &p.own
	}
	in := shaped(&p.acts, &p.in, p.n, d)
	for t := range p.Tiles(p.n) {
		n.apply(in.Row(t), x[t*d:(t+1)*d])
		in.Quantize(t, t+1)
	}
	p.Barrier()
	return in
}

// shaped makes header the way to see the memory of shared as n tokens of k
// values. Each worker has headers of its own, since shapes differ by block.
func shaped(header, shared *kernels.Acts, n, k int) *kernels.Acts {
	*header = *shared
	header.Resize(n, k)
	return header
}

// blocks rounds a width up to whole quantization blocks.
func blocks(k int) int { return (k + 31) &^ 31 }

// addLinear adds l·acts, normed by post if that is not nil, to the residual stream.
func (p *pass) addLinear(l *linear, acts *kernels.Acts, post *norm) {
	rows := p.tileRows(&l.w, p.n)
	for i := range p.Tiles(tiles(l.w.Rows, rows)) {
		r0 := i * rows
		k := min(rows, l.w.Rows-r0)
		if post != nil {
			l.mul(p, p.branch[r0:], p.m.Embd, r0, k, acts)
			continue
		}
		l.mul(p, p.tile, k, r0, k, acts)
		for t := range p.n {
			x := p.row(t)[r0 : r0+k]
			kernels.Add(x, x, p.tile[t*k:(t+1)*k])
		}
	}
	p.Barrier()
	if post == nil {
		return
	}
	for t := range p.Tiles(p.n) {
		out := p.branch[t*p.m.Embd : (t+1)*p.m.Embd]
		post.apply(out, out)
		kernels.Add(p.row(t), p.row(t), out)
	}
	p.Barrier()
}

// product computes all of l·acts into dst, [acts.N][rows], without a barrier.
func (p *pass) product(dst []float32, l *linear, acts *kernels.Acts) {
	rows := p.tileRows(&l.w, acts.N)
	for i := range p.Tiles(tiles(l.w.Rows, rows)) {
		r0 := i * rows
		l.mul(p, dst[r0:], l.w.Rows, r0, min(rows, l.w.Rows-r0), acts)
	}
}

// storeLinear writes l·acts to dst, [n][rows]. The workers see all of it after
// the next barrier.
func (p *pass) storeLinear(l *linear, acts *kernels.Acts, dst []float32) {
	rows := p.tileRows(&l.w, p.n)
	for i := range p.Tiles(tiles(l.w.Rows, rows)) {
		r0 := i * rows
		l.mul(p, dst[r0:], l.w.Rows, r0, min(rows, l.w.Rows-r0), acts)
	}
}

func tiles(rows, perTile int) int { return (rows + perTile - 1) / perTile }

// minTileRows is the granularity of tiles: their outputs are whole
// quantization blocks.
const minTileRows = 32

// maxTileRows bounds a tile's outputs, and with them each worker's buffers.
const maxTileRows = 288

// tileRows is how many rows of w make a tile for n tokens.
func (p *pass) tileRows(w *kernels.Matrix, n int) int {
	return min(maxTileRows, max(minTileRows, w.TileRows(n, p.Size())/minTileRows*minTileRows))
}
