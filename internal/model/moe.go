package model

import "happyphonellm/internal/kernels"

// mixture is x += Σ weight_e · down_e · act(gate_e·norm(x), up_e·norm(x)) over the
// experts e that a router picks for each token.
type mixture struct {
	norm           *norm
	router         kernels.Matrix // [experts][embd]
	gate, up, down []linear       // one per expert
	used           int            // experts per token
	normed         bool           // weights of the picked experts are made to sum to 1
	scale          float32        // of the weights; 1: none
	act            activation
}

// minWeightSum keeps the division by the sum of weights finite: the smallest
// normal float16, as in llama.cpp.
const minWeightSum = 6.103515625e-5

// moe binds the experts of the current layer under their usual names, routed by softmax.
func (b *builder) moe(act activation) *mixture {
	embd := b.m.Embd
	experts, used := b.uint("expert_count"), b.uint("expert_used_count")
	ffn := b.positiveOr("expert_feed_forward_length", b.uints("feed_forward_length", 0)[max(b.layer, 0)])
	if used < 1 || used > experts {
		b.fail(ErrModel, "%d experts used of %d", used, experts)
		return nil
	}
	m := &mixture{
		norm: b.rmsNorm("ffn_norm", embd), router: b.matrix("ffn_gate_inp.weight", embd, experts),
		gate: b.experts("ffn_gate_exps", embd, ffn, experts),
		up:   b.experts("ffn_up_exps", embd, ffn, experts),
		down: b.experts("ffn_down_exps", ffn, embd, experts),
		used: used, normed: true, scale: b.floatOr("expert_weights_scale", 1), act: act,
	}
	if m.scale == 0 {
		m.scale = 1
	}
	return m
}

// experts binds the matrices of all experts, stacked in one tensor, with their scales.
func (b *builder) experts(name string, in, out, n int) []linear {
	ws := b.matrices(name+".weight", in, out, n)
	scales := b.vectorOr(name+".scale", n)
	list := make([]linear, len(ws))
	for i, w := range ws {
		list[i].w = w
		if scales != nil {
			list[i].scale = scales[i : i+1]
		}
	}
	return list
}

// routing is the scratch memory of a mixture: which slot, that is which
// (token, rank) pair, goes to which expert, and the slots sorted by expert.
type routing struct {
	expert []int32      // [batch*used] of each slot
	weight []float32    // [batch*used] of each slot
	place  []int32      // [batch*used] of each slot in the sorted order
	start  []int32      // [experts+1] first place of each expert
	busy   []int32      // experts with any slot
	n      int          // slots in use
	in     kernels.Acts // [batch*used][embd] inputs in sorted order
	out    []float32    // [batch*used][embd] outputs in sorted order
}

func (r *routing) resize(batch int, z *sizes, embd int) {
	if z.slots == 0 {
		return
	}
	n := batch * z.slots
	r.expert, r.place = make([]int32, n), make([]int32, n)
	r.weight = make([]float32, n)
	r.start, r.busy = make([]int32, z.experts+1), make([]int32, 0, z.experts)
	r.in.Resize(n, blocks(embd))
	r.out = make([]float32, n*embd)
}

func (m *mixture) size(z *sizes) {
	z.need(&z.slots, m.used)
	z.need(&z.experts, len(m.up))
	z.need(&z.ffn, m.up[0].w.Rows)
	// A tile holds an expert's tokens, which may be all of a pass.
	z.need(&z.tile, max(maxTileRows, len(m.up)))
}

func (m *mixture) run(p *pass) {
	r, d := &p.moe, p.m.Embd
	in := p.normed(m.norm)
	for t := range p.Tiles(p.n) {
		m.route(p, in, t)
	}
	p.Barrier()
	for range p.Tiles(1) {
		r.sort(p.n*m.used, len(m.up))
	}
	p.Barrier()
	sorted := shaped(&p.acts2, &r.in, p.n*m.used, d)
	for i := range p.Tiles(p.n * m.used) {
		to := int(r.place[i])
		copy(sorted.Row(to), in.Row(i/m.used))
		sorted.Quantize(to, to+1)
	}
	p.Barrier()
	hidden := shaped(&p.acts, &p.hidden, p.n*m.used, m.up[0].w.Rows)
	up := r.plan(&m.up[0].w)
	for i := range p.Tiles(up.tiles) {
		e, r0, k := up.tile(r, i)
		p.part, p.part2 = r.slots(e, sorted), r.slots(e, hidden)
		gatedTile(p, &p.part, &m.gate[e], &m.up[e], m.act, &p.part2, r0, k)
	}
	p.Barrier()
	down := r.plan(&m.down[0].w)
	for i := range p.Tiles(down.tiles) {
		e, r0, k := down.tile(r, i)
		p.part = r.slots(e, hidden)
		m.down[e].mul(p, r.out[int(r.start[e])*d+r0:], d, r0, k, &p.part)
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		for s := t * m.used; s < (t+1)*m.used; s++ {
			y := r.out[int(r.place[s])*d:][:d]
			kernels.Axpy(p.row(t), r.weight[s], y)
		}
	}
	p.Barrier()
}

// route picks the experts of token t, best first, and their weights.
func (m *mixture) route(p *pass, in *kernels.Acts, t int) {
	n := len(m.up)
	probs := p.tile[:n]
	p.part = in.Slice(t, t+1)
	m.router.MulRows(probs, n, 0, n, &p.part, p.scratch)
	kernels.Softmax(probs)
	sum := float32(0)
	slot := t * m.used
	for rank := range m.used {
		best := 0
		for e, v := range probs {
			if v > probs[best] {
				best = e
			}
		}
		p.moe.expert[slot+rank], p.moe.weight[slot+rank] = int32(best), probs[best]
		sum += probs[best]
		probs[best] = -1
	}
	w := p.moe.weight[slot : slot+m.used]
	for i := range w {
		if m.normed {
			w[i] /= max(sum, minWeightSum)
		}
		w[i] *= m.scale
	}
}

// sort places n slots by expert, in the order of the slots within each.
func (r *routing) sort(n, experts int) {
	r.n = n
	start := r.start[:experts+1]
	clear(start)
	for _, e := range r.expert[:n] {
		start[e+1]++
	}
	r.busy = r.busy[:0]
	for e := range experts {
		if start[e+1] > 0 {
			r.busy = append(r.busy, int32(e))
		}
		start[e+1] += start[e]
	}
	for s, e := range r.expert[:n] {
		r.place[s] = start[e]
		start[e]++
	}
	copy(start[1:], start[:experts]) // each start has moved to its end
	start[0] = 0
}

// slots is expert e's part of a, which is in sorted order.
func (r *routing) slots(e int, a *kernels.Acts) kernels.Acts {
	return a.Slice(int(r.start[e]), int(r.start[e+1]))
}

// plan cuts the rows of all experts that have slots into tiles.
type plan struct {
	rows  int // of a tile
	out   int // of an expert
	tiles int
}

func (r *routing) plan(w *kernels.Matrix) plan {
	p := plan{rows: tileRows(w, r.n/len(r.busy)), out: w.Rows}
	p.tiles = len(r.busy) * tiles(p.out, p.rows)
	return p
}

// tile i is the rows r0 to r0+k of expert e.
func (p *plan) tile(r *routing, i int) (e, r0, k int) {
	per := tiles(p.out, p.rows)
	r0 = i % per * p.rows
	return int(r.busy[i/per]), r0, min(p.rows, p.out-r0)
}
