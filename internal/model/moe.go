package model

import "happyphonellm/internal/kernels"

// mixture is x += post(Σ weight_e · expert_e(norm(x)) + shared(norm(x))) over the
// experts e that a router picks for each token, where an expert is a
// feed-forward of its own: down · act(gate·in, up·in).
type mixture struct {
	norm           *norm
	from           *kept // the stream as it was at that point is the input; nil: as it is here
	router         linear
	routed         *routerInput // what the router reads; nil: what the experts read
	share          int          // router outputs that stand for one expert; 0: one
	narrow, wide   *linear      // before and after the routed experts, which work on fewer numbers; nil: none
	wideNorm       *norm        // before wide; nil: none
	gating         gating
	choiceBias     []float32 // [experts] added to the probabilities for the choice alone; nil: none
	byToken        []int32   // [vocab][used] the experts of each token, which are not chosen then; nil: none
	groups         int       // groups of experts; 0 or 1: none
	groupsUsed     int       // groups that the choice is from
	gate, up, down []linear  // one per expert; a gate may be empty: see gatedTile
	used           int       // experts per token
	normed         bool      // weights of the picked experts are made to sum to 1
	scale          float32   // of the weights; 1: none
	weightFirst    bool      // the weight multiplies an expert's input, not its output
	act            activation
	shared         *sharedExpert // nil: none
	post           *norm         // of the output before it is added; nil: none
	into           *kept         // where the output goes instead; nil: it is added to the stream
}

// routerInput is the normed residual stream, as it is or as it was.
type routerInput struct {
	from *kept // nil: as it is here
	norm *norm // nil: none
}

// sharedExpert is the feed-forward that every token goes through.
type sharedExpert struct {
	gate, up, down linear
	act            activation
	weight         []float32 // [embd] its output is multiplied by sigmoid(weight·in); nil: by 1
}

// gating turns a router's outputs into weights.
type gating int

const (
	gateSoftmax       gating = 1 + iota // over all experts
	gateSigmoid                         // of each expert
	gateSoftmaxPicked                   // over the picked experts
	gateSqrtSoftplus                    // sqrt(log(1+exp(x))) of each expert
)

// minWeightSum keeps the division by the sum of weights finite: the smallest
// normal float16, as in llama.cpp.
const minWeightSum = 6.103515625e-5

// expertWidth is the hidden width of the current layer's experts: the file's, or
// the given where it has none.
func (b *builder) expertWidth(or int) int {
	if v := b.uints("expert_feed_forward_length", 0)[max(b.layer, 0)]; v != 0 {
		return v
	}
	return or
}

// moe binds the experts of the current layer under their usual names, routed by
// softmax and weighted to a sum of 1. What an architecture does differently it
// sets on the result.
func (b *builder) moe(act activation) *mixture {
	return b.experts(b.expertWidth(b.uints("feed_forward_length", 0)[max(b.layer, 0)]), act)
}

// experts is moe for experts of a hidden width that is not the usual key's.
func (b *builder) experts(ffn int, act activation) *mixture {
	embd := b.m.Embd
	experts, used := b.uint("expert_count"), b.uints("expert_used_count", 0)[max(b.layer, 0)]
	m := &mixture{
		gating: gateSoftmax, used: used, normed: true, scale: b.floatOr("expert_weights_scale", 1), act: act,
		groups: b.uintOr("expert_group_count", 0), groupsUsed: b.uintOr("expert_group_used_count", 0),
	}
	if m.scale == 0 {
		m.scale = 1
	}
	switch {
	case used < 1 || used > experts:
		b.fail(ErrModel, "layer %d: %d experts used of %d", b.layer, used, experts)
	case ffn < 1:
		b.fail(ErrModel, "layer %d: %s is zero", b.layer, b.key("expert_feed_forward_length"))
	case m.groups > 1 && (experts%m.groups != 0 || m.groupsUsed < 1 || m.groupsUsed > m.groups || m.groupsUsed*(experts/m.groups) < used):
		b.fail(ErrModel, "layer %d: %d experts used of %d of %d groups of %d experts", b.layer, used, m.groupsUsed, m.groups, experts)
	}
	if b.err != nil {
		return m
	}
	m.norm = b.rmsNormOr("ffn_norm", embd)
	m.router = linear{w: b.matrix("ffn_gate_inp.weight", embd, experts), bias: b.vectorOr("ffn_gate_inp.bias", experts)}
	if m.choiceBias = b.vectorOr("exp_probs_b.bias", experts); m.choiceBias == nil {
		m.choiceBias = b.vectorOr("exp_probs_b", experts)
	}
	in := m.bindNarrow(b)
	m.down = b.expertLinears("ffn_down_exps", ffn, in, experts)
	if b.has("ffn_gate_up_exps.weight") {
		both := b.expertLinears("ffn_gate_up_exps", in, 2*ffn, experts)
		for i := range both {
			m.gate, m.up = append(m.gate, both[i].rows(0, ffn)), append(m.up, both[i].rows(ffn, ffn))
		}
		return m
	}
	m.up = b.expertLinears("ffn_up_exps", in, ffn, experts)
	m.gate = make([]linear, len(m.up))
	if b.has("ffn_gate_exps.weight") {
		m.gate = b.expertLinears("ffn_gate_exps", in, ffn, experts)
	}
	return m
}

// bindNarrow binds the matrices around experts that work on fewer numbers than
// the residual stream has, if the file has them, and tells how many those are.
func (m *mixture) bindNarrow(b *builder) int {
	embd := b.m.Embd
	for _, names := range [][2]string{{"ffn_latent_down", "ffn_latent_up"}, {"ffn_routed_down", "ffn_routed_up"}} {
		t, ok := b.file.Tensor(b.tensorName(names[0] + ".weight"))
		if !ok || len(t.Shape) < 2 {
			continue
		}
		in := t.Shape[1]
		narrow, wide := b.linear(names[0], embd, in), b.linear(names[1], in, embd)
		narrow.scale, wide.scale = nil, nil // llama.cpp has none here
		m.narrow, m.wide, m.wideNorm = &narrow, &wide, b.rmsNormOr("ffn_routed_norm", in)
		return in
	}
	return embd
}

// expertLinears binds the matrices of all experts, stacked in one tensor, with
// their biases and scales.
func (b *builder) expertLinears(name string, in, out, n int) []linear {
	ws := b.matrices(name+".weight", in, out, n)
	scales := b.vectorOr(name+".scale", n)
	biases := b.vectorOr(name+".bias", out, n)
	loras := b.loras(b.tensorName(name+".weight"), in, out, n)
	list := make([]linear, len(ws))
	for i, w := range ws {
		list[i].w = w
		if loras != nil {
			list[i].lora = loras[i]
		}
		if scales != nil {
			list[i].scale = scales[i : i+1]
		}
		if biases != nil {
			list[i].bias = biases[i*out : (i+1)*out]
		}
	}
	return list
}

// sharedExpert binds the shared expert of the current layer under its usual
// names, ffn_gate_shexp and so on; suffix is "_shexp" there.
func (b *builder) sharedExpert(suffix string, ffn int, act activation) *sharedExpert {
	embd := b.m.Embd
	s := &sharedExpert{
		up:   b.linear("ffn_up"+suffix, embd, ffn),
		down: b.linear("ffn_down"+suffix, ffn, embd),
		act:  act,
	}
	if b.has("ffn_gate" + suffix + ".weight") {
		s.gate = b.linear("ffn_gate"+suffix, embd, ffn)
	}
	return s
}

// gatingOr is the file's kind of gating, or the given where it names none.
func (b *builder) gatingOr(or gating) gating {
	const name = "expert_gating_func"
	g := gating(b.positiveOr(name, int(or)))
	if g > gateSqrtSoftplus {
		b.fail(ErrUnsupported, "%s is %d", b.key(name), g)
	}
	return g
}

// scaled multiplies the output by s.
func (m *mixture) scaled(s float32) {
	m.scale *= s
	if m.shared != nil {
		m.shared.down = m.shared.down.times(s)
	}
}

// unscaled drops the scales of the experts' matrices, for architectures whose
// definition in llama.cpp has none although a file may carry them.
func (m *mixture) unscaled() *mixture {
	for _, list := range [][]linear{m.gate, m.up, m.down} {
		for i := range list {
			list[i].scale = nil
		}
	}
	if s := m.shared; s != nil {
		s.gate.scale, s.up.scale, s.down.scale = nil, nil, nil
	}
	return m
}

// width is the hidden width of an expert.
func (m *mixture) width() int {
	if len(m.up) == 0 {
		return 0 // after an error
	}
	return m.up[0].w.Rows
}

func (m *mixture) size(z *sizes) {
	ffn := m.width()
	z.need(&z.slots, m.used)
	z.need(&z.experts, len(m.up))
	if m.routed != nil {
		z.need(&z.routed, 1)
	}
	z.need(&z.ffn, m.used*blocks(ffn))
	z.need(&z.expert, blocks(m.up[0].w.Cols))
	if m.narrow != nil {
		z.need(&z.narrow, blocks(m.narrow.w.Rows))
		z.addLinear(m.wide, m.post)
	}
	// A tile holds an expert's tokens, which may be all of a pass.
	z.need(&z.tile, max(maxTileRows, m.router.w.Rows))
	if m.shared != nil {
		z.need(&z.shared, blocks(m.shared.up.w.Rows))
	}
}

func (m *mixture) run(p *pass) {
	r, d := &p.moe, m.up[0].w.Cols
	in := p.normedOf(m.from, m.norm)
	for t := range p.Tiles(p.n) {
		m.route(p, in, t)
	}
	read := in
	if m.narrow != nil {
		read = shaped(&p.acts4, &r.narrow, p.n, d)
		p.product(read.X, m.narrow, in)
	}
	p.Barrier()
	for range p.Tiles(1) {
		r.sort(p.n*m.used, len(m.up))
	}
	p.Barrier()
	sorted := shaped(&p.acts2, &r.in, p.n*m.used, d)
	for i := range p.Tiles(p.n * m.used) {
		to := int(r.place[i])
		if m.weightFirst {
			kernels.Scale(sorted.Row(to), read.Row(i/m.used), r.weight[i])
		} else {
			copy(sorted.Row(to), read.Row(i/m.used))
		}
		sorted.Quantize(to, to+1)
	}
	p.Barrier()
	hidden := shaped(&p.acts3, &p.hidden, p.n*m.used, m.up[0].w.Rows)
	up := r.plan(p, &m.up[0].w)
	for i := range p.Tiles(up.tiles) {
		e, r0, k := up.tile(r, i)
		p.part, p.part2 = r.slots(e, sorted), r.slots(e, hidden)
		gatedTile(p, &p.part, &m.gate[e], &m.up[e], m.act, &p.part2, r0, k)
	}
	if s := m.shared; s != nil {
		gated(p, in, &s.gate, &s.up, s.act, shaped(&p.acts2, &r.shared, p.n, s.up.w.Rows))
	}
	p.Barrier()
	down := r.plan(p, &m.down[0].w)
	for i := range p.Tiles(down.tiles) {
		e, r0, k := down.tile(r, i)
		p.part = r.slots(e, hidden)
		m.down[e].mul(p, r.out[int(r.start[e])*d+r0:], d, r0, k, &p.part)
	}
	if s := m.shared; s != nil {
		p.product(r.sharedOut, &s.down, shaped(&p.acts2, &r.shared, p.n, s.up.w.Rows))
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		if m.narrow != nil {
			m.combineNarrow(p, read, t)
			continue
		}
		m.combine(p, t)
	}
	p.Barrier()
	if m.narrow != nil {
		p.addLinear(m.wide, read, m.post)
	}
}

// combineNarrow puts what token t's routed experts give where their input was,
// for the matrix after them, and adds the shared one's to the residual stream.
func (m *mixture) combineNarrow(p *pass, sum *kernels.Acts, t int) {
	r, d := &p.moe, sum.K
	y := sum.Row(t)
	clear(y)
	for slot := t * m.used; slot < (t+1)*m.used; slot++ {
		kernels.Axpy(y, r.weight[slot], r.out[int(r.place[slot])*d:][:d])
	}
	m.wideNorm.apply(y, y)
	sum.Quantize(t, t+1)
	if m.shared != nil {
		embd := p.m.Embd
		kernels.Axpy(p.row(t), r.sharedWeight[t], r.sharedOut[t*embd:(t+1)*embd])
	}
}

// combine adds the outputs of token t's experts to the residual stream, or
// leaves their sum where it is wanted.
func (m *mixture) combine(p *pass, t int) {
	r, d := &p.moe, p.m.Embd
	slot := t * m.used
	y := p.row(t)
	if m.post != nil || m.into != nil {
		// The first expert's output becomes the sum: no other token reads it.
		y = r.out[int(r.place[slot])*d:][:d]
		if !m.weightFirst {
			kernels.Scale(y, y, r.weight[slot])
		}
		slot++
	}
	for ; slot < (t+1)*m.used; slot++ {
		w := r.weight[slot]
		if m.weightFirst {
			w = 1
		}
		kernels.Axpy(y, w, r.out[int(r.place[slot])*d:][:d])
	}
	if m.shared != nil {
		kernels.Axpy(y, r.sharedWeight[t], r.sharedOut[t*d:(t+1)*d])
	}
	if m.post != nil {
		m.post.apply(y, y)
	}
	switch {
	case m.into != nil:
		copy(p.kept[m.into.id][t*d:(t+1)*d], y)
	case m.post != nil:
		kernels.Add(p.row(t), p.row(t), y)
	}
}
