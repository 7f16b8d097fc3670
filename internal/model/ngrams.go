package model

import (
	"math"

	"happyphonellm/internal/kernels"
)

// ngrams adds embeddings of the last tokens to the streams: every n-gram of 2 and
// more tokens has some rows of a large table, found by a hash. Their keys are
// compared with each stream, which decides how much of their value it gets, now
// and, by a convolution over earlier tokens, later.
type ngrams struct {
	*hyper
	layer, state int            // where the state of this block begins in that of its layer
	table        kernels.Matrix // [rows][width]
	width        int            // of a row
	most         int            // tokens of the longest n-gram
	eos          int32          // n-grams do not reach over it
	factors      []uint64       // [most] of the tokens in the hash
	heads        []ngramHead    // rows of a token: some for each length, shortest first
	key, value   linear         // [n*embd][embd], [embd][embd]

	keyNorm, queryNorm, pastNorm []float32 // [n*embd]

	past conv // over every most-th token

	keys, values, normed area
}

// ngramHead is a part of the table: hashes modulo rows, from row first on.
type ngramHead struct{ first, rows uint64 }

// ngramLayer is the layer that has n-grams; -1 if none has.
func (b *builder) ngramLayer() int {
	a, err := b.file.Array(b.key("ple.layers"))
	if err != nil || a.Len() == 0 {
		return -1
	}
	if a.Len() > 1 || !a.Kind().IsInteger() {
		b.fail(ErrUnsupported, "%s has %d entries of kind %v", b.key("ple.layers"), a.Len(), a.Kind())
		return -1
	}
	return b.entry("ple.layers", a, 0)
}

// ngrams binds those of the current layer.
func (b *builder) ngrams(h *hyper) *ngrams {
	const mostTokens, mostHeads, mostTaps = 16, 256, 64
	embd := b.m.Embd
	g := &ngrams{
		hyper: h, layer: b.layer, most: b.uint("ple.ngram_size"), width: b.uint("embedding_length_per_layer_input"),
		eos: int32(b.uint("ple.eos_token_id")),
	}
	per, taps := b.uint("ple.heads_per_ngram"), b.uint("ple.conv_kernel")
	if g.most < 2 || g.most > mostTokens || per < 1 || per > mostHeads || taps > mostTaps || (g.most-1)*per*g.width != embd {
		b.fail(ErrModel, "n-grams of up to %d tokens, %d rows of %d numbers for each", g.most, per, g.width)
		return g
	}
	n := (g.most - 1) * per
	g.factors = b.uint64s("ple.layer_multipliers", g.most)
	first, rows := b.uint64s("ple.head_offsets", n), b.uint64s("ple.head_vocab_sizes", n)
	if b.err != nil {
		return g
	}
	all := uint64(0)
	for i := range n {
		if rows[i] < 1 || rows[i] > math.MaxInt32 || first[i] > math.MaxInt32 {
			b.fail(ErrModel, "%s[%d] is %d", b.key("ple.head_vocab_sizes"), i, rows[i])
			return g
		}
		g.heads = append(g.heads, ngramHead{first[i], rows[i]})
		all = max(all, first[i]+rows[i])
	}
	layer := b.layer
	b.layer = -1
	const table = "per_layer_token_embd.weight"
	if t, ok := b.file.Tensor(table); ok && len(t.Shape) == 2 && uint64(t.Shape[1]) > all {
		all = uint64(t.Shape[1])
	}
	g.table = b.matrix(table, g.width, int(all))
	b.layer = layer
	wide := h.n * embd
	g.key, g.value = linear{w: b.matrix("ple_key.weight", embd, wide)}, linear{w: b.matrix("ple_value.weight", embd, embd)}
	g.keyNorm = b.vector("ple_norm_key.weight", embd, h.n)
	g.queryNorm = b.vector("ple_norm_query.weight", embd, h.n)
	g.pastNorm = b.vector("ple_norm_conv.weight", embd, h.n)
	g.past = b.conv("ple_conv1d", taps, wide)
	at := areas(wide, embd, wide)
	g.keys, g.values, g.normed = at[0], at[1], at[2]
	// Beside the layer's own state: the convolution's past, and the last tokens.
	g.state = b.cached(b.layer).State
	b.bindState(g.state + g.reach()*wide + g.most - 1)
	return g
}

// uint64s reads n numbers that the file must have.
func (b *builder) uint64s(name string, n int) []uint64 {
	list := make([]uint64, n)
	a, err := b.file.Array(b.key(name))
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return list
	}
	if a.Len() < n || !a.Kind().IsInteger() {
		b.fail(ErrModel, "%s has %d entries of kind %v, want %d", b.key(name), a.Len(), a.Kind(), n)
		return list
	}
	for i := range list {
		list[i] = uint64(a.Int(i))
	}
	return list
}

// reach is how many tokens back the convolution looks.
func (g *ngrams) reach() int { return (g.past.taps - 1) * g.most }

func (g *ngrams) size(z *sizes) {
	g.hyper.size(z)
	z.need(&z.mix, g.normed.end())
	z.need(&z.tile, maxTileRows)
	z.need(&z.line, 2*len(g.keyNorm))
}

func (g *ngrams) run(p *pass) {
	d := p.m.Embd
	before, after := p.cache.State(g.layer)
	before, after = before[g.state:], after[g.state:]
	tokens := g.reach() * g.past.channels
	in := shaped(&p.acts, &p.in, p.n, d)
	for t := range p.Tiles(p.n) {
		g.look(p, in.Row(t), before[tokens:], t)
		in.Quantize(t, t+1)
	}
	p.Barrier()
	p.into(g.keys, 0, &g.key, in)
	p.into(g.values, 0, &g.value, in)
	p.Barrier()
	for t := range p.Tiles(p.n) {
		g.gate(p, t)
	}
	p.Barrier()
	for t := range p.Tiles(p.n) {
		g.mix(p, before, t)
	}
	for i := range p.Tiles(g.reach()) {
		copy(after[i*g.past.channels:(i+1)*g.past.channels], g.at(p, before, p.n-g.reach()+i))
	}
	for range p.Tiles(1) {
		for i := range g.most - 1 {
			after[tokens+i] = float32(g.token(p, before[tokens:], p.n-(g.most-1)+i) + 1)
		}
	}
	p.Barrier()
}

// token is the id of token t of the pass, or of an earlier one, if t is negative,
// of which last has the ids plus one; -1 before the first of all.
func (g *ngrams) token(p *pass, last []float32, t int) int32 {
	if t >= 0 {
		return p.ids[t]
	}
	return int32(last[g.most-1+t]) - 1
}

// look gathers the rows of the n-grams that end with token t.
func (g *ngrams) look(p *pass, dst, last []float32, t int) {
	per := len(g.heads) / (g.most - 1)
	hash := uint64(uint32(p.ids[t])) * g.factors[0]
	cut := false
	for back := 1; back < g.most; back++ {
		id := g.eos
		if !cut {
			id = g.token(p, last, t-back)
			if cut = id < 0 || id == g.eos; cut {
				id = g.eos
			}
		}
		hash ^= uint64(uint32(id)) * g.factors[back]
		for i := (back - 1) * per; i < back*per; i++ {
			h := g.heads[i]
			g.table.Row(dst[i*g.width:(i+1)*g.width], int(h.first+hash%h.rows))
		}
	}
}

// gate makes of the keys of token t what each stream gets of the value, and of
// that what the convolution reads.
func (g *ngrams) gate(p *pass, t int) {
	d := p.m.Embd
	streams, keys, normed := p.stream(t, g.n), p.at(g.keys, t), p.at(g.normed, t)
	k, q := p.line[:d], p.line[d:2*d]
	for i := 0; i < len(keys); i += d {
		kernels.RMSNorm(k, keys[i:i+d], g.keyNorm[i:i+d], g.normEps)
		kernels.RMSNorm(q, streams[i:i+d], g.queryNorm[i:i+d], g.normEps)
		s := kernels.Dot(k, q) / sqrt(d)
		size := float32(math.Sqrt(float64(max(s, -s, 1e-6))))
		switch {
		case s < 0:
			size = -size
		case s == 0:
			size = 0
		}
		kernels.Scale(keys[i:i+d], p.at(g.values, t), kernels.Sigmoid(size))
		kernels.RMSNorm(normed[i:i+d], keys[i:i+d], g.pastNorm[i:i+d], g.normEps)
	}
}

// at is what the convolution reads of token t, which may be of an earlier pass.
func (g *ngrams) at(p *pass, before []float32, t int) []float32 {
	if t < 0 {
		t += g.reach()
		return before[t*g.past.channels : (t+1)*g.past.channels]
	}
	return p.at(g.normed, t)
}

// mix adds to the streams of token t what they get.
func (g *ngrams) mix(p *pass, before []float32, t int) {
	wide := g.past.channels
	sum, term := p.line[:wide], p.line[wide:2*wide]
	for j := range g.past.taps {
		w, x := g.past.w[j*wide:(j+1)*wide], g.at(p, before, t-(g.past.taps-1-j)*g.most)
		if j == 0 {
			kernels.Mul(sum, w, x)
			continue
		}
		kernels.Mul(term, w, x)
		kernels.Add(sum, sum, term)
	}
	for i, v := range sum {
		sum[i] = kernels.SiLU(v)
	}
	streams := p.stream(t, g.n)
	kernels.Add(sum, sum, p.at(g.keys, t))
	kernels.Add(streams, streams, sum)
}
