package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// valueExperts make the values of an attention: Σ weight_e · silu(W_e·x) over the
// experts e that a router picks for each token.
type valueExperts struct {
	router linear
	pick   mixture  // how the router's outputs become weights
	w      []linear // [experts] of [values][embd]
}

// valueExperts binds those of the current layer; nil if the model has none.
func (b *builder) valueExperts(h heads) *valueExperts {
	n, used := b.uintOr("attention.value_expert_count", 0), b.uintOr("attention.value_expert_used_count", 0)
	if n == 0 {
		return nil
	}
	if used < 1 || used > n {
		b.fail(ErrModel, "layer %d: %d value experts used of %d", b.layer, used, n)
	}
	v := &valueExperts{
		router: linear{w: b.matrix("attn_v_gate.weight", b.m.Embd, n)},
		pick: mixture{
			gating: b.gatingOr(gateSigmoid), choiceBias: b.vectorOr("attn_v_gate.bias", n),
			used: used, normed: b.boolOr("expert_weights_norm", false), scale: b.floatOr("expert_weights_scale", 1),
		},
		w: b.headLinears("attn_v_exps", b.m.Embd, h.kv*h.valueDim, n),
	}
	if v.pick.scale == 0 {
		v.pick.scale = 1
	}
	return v
}

func (v *valueExperts) size(z *sizes, values int) {
	z.need(&z.key, values)
	z.need(&z.gate, len(v.w))
	z.need(&z.tile, max(len(v.w), maxTileRows))
}

// run computes the values of all tokens into p.k, [n][values].
func (v *valueExperts) run(p *pass, in *kernels.Acts) {
	n, width := len(v.w), v.w[0].w.Rows
	for t := range p.Tiles(p.n) {
		v.route(p, in, t, p.gates[t*n:(t+1)*n])
	}
	p.Barrier()
	// A tile is some rows of one token: the tokens that share an expert are not
	// gathered, since these matrices are small.
	rows := p.tileRows(&v.w[0].w, 1)
	across := tiles(width, rows)
	for i := range p.Tiles(p.n * across) {
		t, r0 := i/across, i%across*rows
		k := min(rows, width-r0)
		y := p.k[t*width+r0:][:k]
		clear(y)
		for e, weight := range p.gates[t*n : (t+1)*n] {
			if weight == 0 {
				continue
			}
			p.part = in.Slice(t, t+1)
			v.w[e].mul(p, p.tile, k, r0, k, &p.part)
			for j, x := range p.tile[:k] {
				y[j] += float32(weight * kernels.SiLU(x))
			}
		}
	}
	p.Barrier()
}

// route writes the weights of token t's experts, 0 for those that are not picked.
func (v *valueExperts) route(p *pass, in *kernels.Acts, t int, weights []float32) {
	n, m := len(v.w), &v.pick
	probs, choice := p.tile[:n], p.tile2[:n]
	p.part = in.Slice(t, t+1)
	v.router.mul(p, probs, n, 0, n, &p.part)
	copy(choice, probs)
	m.gating.apply(probs)
	if m.choiceBias != nil {
		kernels.Add(choice, probs, m.choiceBias)
	}
	clear(weights)
	for range m.used {
		e := best(choice)
		choice[e] = float32(math.Inf(-1))
		weights[e] = 1
	}
	picked := p.tile2[:0] // the choice is made: its place serves again
	for e, w := range weights {
		if w != 0 {
			picked = append(picked, probs[e])
		}
	}
	m.weigh(picked)
	for e, w := range weights {
		if w != 0 {
			weights[e], picked = picked[0], picked[1:]
		}
	}
}

// copy gives k values of every token from number from on: dst is [n][k].
func (v *valueExperts) copy(p *pass, dst []float32, from, k int) {
	width := v.w[0].w.Rows
	for t := range p.n {
		copy(dst[t*k:(t+1)*k], p.k[t*width+from:])
	}
}
