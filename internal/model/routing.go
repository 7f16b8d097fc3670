package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// routing is the scratch memory of a mixture: which slot, that is which
// (token, rank) pair, goes to which expert, and the slots sorted by expert.
type routing struct {
	expert []int32      // [batch*used] of each slot
	weight []float32    // [batch*used] of each slot
	place  []int32      // [batch*used] of each slot in the sorted order
	start  []int32      // [experts+1] first place of each expert
	busy   []int32      // experts with any slot
	n      int          // slots in use
	in     kernels.Acts // [batch*used][sizes.expert] inputs in sorted order
	out    []float32    // [batch*used][sizes.expert] outputs in sorted order, where the inputs were
	narrow kernels.Acts // [batch][sizes.narrow] inputs of experts that work on fewer numbers

	shared       kernels.Acts // [batch][sizes.shared] hidden layer of a shared expert
	sharedOut    []float32    // [batch][embd] its output
	sharedWeight []float32    // [batch] of its output
}

func (r *routing) resize(batch int, z *sizes, embd int) {
	if z.slots == 0 {
		return
	}
	n := batch * z.slots
	r.expert, r.place = make([]int32, n), make([]int32, n)
	r.weight = make([]float32, n)
	r.start, r.busy = make([]int32, z.experts+1), make([]int32, 0, z.experts)
	r.in.Resize(n, z.expert)
	r.out = r.in.X[:n*z.expert]
	r.narrow.Resize(batch, z.narrow)
	if z.shared > 0 {
		r.shared.Resize(batch, z.shared)
		r.sharedOut, r.sharedWeight = make([]float32, batch*embd), make([]float32, batch)
	}
}

// route picks the experts of token t, best first, and their weights.
func (m *mixture) route(p *pass, in *kernels.Acts, t int) {
	n := m.router.w.Rows
	probs, choice := p.tile[:n], p.tile2[:n]
	p.part = in.Slice(t, t+1)
	if r := m.routed; r != nil {
		d, x := p.m.Embd, p.x
		if r.from != nil {
			x = p.kept[r.from.id]
		}
		r.norm.apply(p.routed.Row(0), x[t*d:(t+1)*d])
		p.routed.Quantize(0, 1)
		p.part = p.routed
	}
	m.router.mul(p, probs, n, 0, n, &p.part)
	// Every gating rises with the router's output, so that the outputs choose as
	// the probabilities would; but not where something is added to those.
	copy(choice, probs)
	m.gating.apply(probs)
	if m.choiceBias != nil {
		kernels.Add(choice, probs, m.choiceBias)
	} else if m.groups > 1 {
		copy(choice, probs)
	}
	if m.groups > 1 {
		m.keepGroups(choice)
	}
	slot := t * m.used
	w := p.moe.weight[slot : slot+m.used]
	for rank := range w {
		best := best(choice)
		choice[best] = float32(math.Inf(-1))
		if m.byToken != nil {
			best = int(m.byToken[int(p.ids[t])*m.used+rank])
		}
		if m.share > 1 {
			best /= m.share // and the weight is that of the output with this number
		}
		p.moe.expert[slot+rank], w[rank] = int32(best), probs[best]
	}
	m.weigh(w)
	if s := m.shared; s != nil {
		p.moe.sharedWeight[t] = 1
		if s.weight != nil {
			p.moe.sharedWeight[t] = kernels.Sigmoid(kernels.Dot(s.weight, in.Row(t)))
		}
	}
}

// apply turns a router's outputs into probabilities, where that needs no choice.
func (g gating) apply(x []float32) {
	switch g {
	case gateSoftmax:
		kernels.Softmax(x)
	case gateSigmoid:
		for i, v := range x {
			x[i] = kernels.Sigmoid(v)
		}
	case gateSqrtSoftplus:
		for i, v := range x {
			x[i] = float32(math.Sqrt(float64(kernels.Softplus(v))))
		}
	}
}

// weigh turns the probabilities of the picked experts into their weights.
func (m *mixture) weigh(w []float32) {
	if m.gating == gateSoftmaxPicked {
		kernels.Softmax(w)
	}
	sum := float32(0)
	for _, v := range w {
		sum += v
	}
	for i := range w {
		if m.normed {
			w[i] /= max(sum, minWeightSum)
		}
		w[i] *= m.scale
	}
}

// best is the index of the largest number, the first of equal ones.
func best(x []float32) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// keepGroups takes the experts out of the choice that are not in the best
// groups, judged by the sum of a group's two best (DeepSeek-V3,
// arXiv:2412.19437).
func (m *mixture) keepGroups(choice []float32) {
	low := float32(math.Inf(-1))
	per := len(choice) / m.groups
	score := func(g int) float32 {
		first, second := low, low
		for _, v := range choice[g*per : (g+1)*per] {
			if v > first {
				first, second = v, first
			} else if v > second {
				second = v
			}
		}
		if per == 1 {
			return first
		}
		return first + second
	}
	for out := m.groups - m.groupsUsed; out > 0; out-- {
		// The worst group that is left goes: the last one of equals.
		worst, least := -1, float32(math.Inf(1))
		for g := range m.groups {
			if s := score(g); s != low && s <= least {
				worst, least = g, s
			}
		}
		if worst < 0 {
			return
		}
		for i := worst * per; i < (worst+1)*per; i++ {
			choice[i] = low
		}
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

func (r *routing) plan(p *pass, w *kernels.Matrix) plan {
	rows := p.tileRows(w, r.n/len(r.busy))
	return plan{rows: rows, out: w.Rows, tiles: len(r.busy) * tiles(w.Rows, rows)}
}

// tile i is the rows r0 to r0+k of expert e.
func (p *plan) tile(r *routing, i int) (e, r0, k int) {
	per := tiles(p.out, p.rows)
	r0 = i % per * p.rows
	return int(r.busy[i/per]), r0, min(p.rows, p.out-r0)
}
