package model

import "happyphonellm/internal/kernels"

func init() { register("kimi-k3", kimiK3) }

// kimiK3 is Kimi K3: the layers of Kimi Linear with a bounded decay, gates on the
// latent attention and experts that work on fewer numbers. A block reads a mix of
// the residual stream and of what it was at the beginnings of groups of layers,
// where it starts again.
func kimiK3(b *builder) {
	rope := b.stillRope(b.uint("rope.dimension_count"))
	lead := b.denseLead()
	kv := b.uints("attention.head_count_kv", 0)
	heads := b.uints("attention.head_count", 0)[0]
	group := b.uintOr("attn_res.block_size", 0)
	act := situ(b.floatOr("activation.situ_beta", 1), b.floatOr("activation.situ_linear_beta", 0))
	var past []*kept
	b.embedding(1)
	for b.nextLayer() {
		in := b.pastMix("attn_res_score", past, group)
		if in != nil {
			if b.layer%group == 0 {
				in.restart = b.keep()
				past = append(past, in.restart)
			}
			b.add(in)
		}
		if kv[b.layer] == 0 {
			d := b.kimiDelta(heads).bounded(b, -1)
			d.from = in.output()
			b.add(d)
		} else {
			a := b.latentAttention(b.latentHeads(), rope)
			a.from = in.output()
			a.core.o.scale = nil // llama.cpp has none here
			if b.has("attn_gate.weight") {
				b.bindGate(a.core, "attn_gate", a.core.heads*a.valueDim)
				a.core.gate.scale = nil
			}
			b.add(a)
		}
		in = b.pastMix("ffn_res_score", past, group)
		if in != nil {
			b.add(in)
		}
		if b.layer < lead {
			f := b.feedForward(act).unscaled()
			f.from = in.output()
			b.add(f)
			continue
		}
		m := b.sharedMoE()
		m.from, m.act = in.output(), act
		if m.shared != nil {
			m.shared.act = act
		}
		b.add(m.unscaled())
	}
	if end := b.pastMix("output_res_score", past, group); end != nil {
		end.into = nil
		b.add(end)
	}
	b.head()
}

// pastMix is a block whose output is Σ w·stream over the residual stream and what
// it was before, w = softmax(score · rms(stream)).
type pastMix struct {
	past    []*kept
	score   []float32 // [embd]
	eps     float32
	into    *kept // nil: the output becomes the residual stream
	restart *kept // keeps the residual stream, which then starts at zero; nil: it goes on
}

// pastMix binds name.weight; nil if the model has no such mixes.
func (b *builder) pastMix(name string, past []*kept, group int) *pastMix {
	if group == 0 {
		return nil
	}
	return &pastMix{past: past, score: b.vector(name+".weight", b.m.Embd), eps: b.rmsEps(), into: b.keep()}
}

// output is where the next block reads; nil: the residual stream.
func (m *pastMix) output() *kept {
	if m == nil {
		return nil
	}
	return m.into
}

func (m *pastMix) size(z *sizes) {
	z.need(&z.tile, max(len(m.past)+1, len(m.score)))
}

func (m *pastMix) run(p *pass) {
	d := p.m.Embd
	for t := range p.Tiles(p.n) {
		x := p.row(t)
		w, out := p.tile[:len(m.past)+1], p.tile2[:d]
		for i, k := range m.past {
			w[i] = m.rate(out, p.kept[k.id][t*d:(t+1)*d])
		}
		w[len(m.past)] = m.rate(out, x)
		kernels.Softmax(w)
		kernels.Scale(out, x, w[len(m.past)])
		for i, k := range m.past {
			kernels.Axpy(out, w[i], p.kept[k.id][t*d:(t+1)*d])
		}
		if m.restart != nil {
			copy(p.kept[m.restart.id][t*d:(t+1)*d], x)
			clear(x)
		}
		if m.into != nil {
			copy(p.kept[m.into.id][t*d:(t+1)*d], out)
		} else {
			copy(x, out)
		}
	}
	p.Barrier()
}

// rate is a stream's score; scratch is overwritten.
func (m *pastMix) rate(scratch, x []float32) float32 {
	kernels.RMSNorm(scratch, x, nil, m.eps)
	return kernels.Dot(scratch, m.score)
}

// situ is beta·tanh(gate/beta)·sigmoid(gate) times linear·tanh(up/linear), or
// times up where linear is 0.
func situ(beta, linear float32) activation {
	return func(dst, gate, up []float32) {
		for i, g := range gate[:len(dst)] {
			u := up[i]
			if linear > 0 {
				u = linear * kernels.Tanh(u/linear)
			}
			dst[i] = float32(float32(beta*kernels.Tanh(g/beta))*kernels.Sigmoid(g)) * u
		}
	}
}
