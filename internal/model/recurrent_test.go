package model

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/kvcache"
	"happyphonellm/internal/parallel"
	"happyphonellm/internal/quant"
)

// recurrentCase is a random block and its formula, token by token, in float64:
// next gives the block's output for a token's input before the residual is added.
type recurrentCase struct {
	block block
	state int
	embd  int
	keeps int
	norm  *norm
	next  func(x []float64) []float64
}

func (c *recurrentCase) run(t *testing.T, r *rand.Rand) {
	const tokens = 11
	x := randoms(r, tokens*c.embd)
	m := &Model{Embd: c.embd, keeps: c.keeps, cache: []kvcache.Shape{{State: c.state}}}
	got := sameBits(t, m, c.block, x)
	var want []float64
	for i := 0; i < len(x); i += c.embd {
		xt := widen(x[i : i+c.embd])
		in := xt
		if c.norm != nil {
			in = rms(xt, c.norm.w, float64(c.norm.eps))
		}
		for j, v := range c.next(in) {
			want = append(want, xt[j]+v)
		}
	}
	if e := nmse(got, want); !(e < 1e-11) {
		t.Errorf("NMSE %g against the reference", e)
	}
	if n := allocations(t, m, c.block); n != 0 {
		t.Errorf("%v allocations per pass", n)
	}
}

// allocations counts those of a pass of one token through a block.
func allocations(t *testing.T, m *Model, b block) float64 {
	t.Helper()
	cache, err := kvcache.New(quant.F32, 1000, m.cache)
	if err != nil {
		t.Fatal(err)
	}
	team := parallel.New(2)
	defer team.Close()
	s := m.NewState(4, 2)
	s.ids, s.cache = make([]int32, 1), cache
	work := func(w *parallel.Worker) {
		p := s.begin(w)
		b.run(p)
	}
	return testing.AllocsPerRun(50, func() {
		if err := team.Run(nil, work); err != nil {
			t.Error(err)
		}
	})
}

// convReference is a causal convolution, one call per token.
func convReference(c *conv) func(x []float64) []float64 {
	past := make([][]float64, c.taps)
	for i := range past {
		past[i] = make([]float64, c.channels)
	}
	return func(x []float64) []float64 {
		past = append(past[1:], slices.Clone(x))
		y := make([]float64, c.channels)
		for i := range y {
			for j := range past {
				y[i] += float64(c.w[j*c.channels+i]) * past[j][i]
			}
			if c.bias != nil {
				y[i] += float64(c.bias[i])
			}
			if c.silu {
				y[i] = silu(y[i])
			}
		}
		return y
	}
}

func randomConv(r *rand.Rand, taps, channels int, bias, silu bool) conv {
	c := conv{taps: taps, channels: channels, w: randoms(r, taps*channels), silu: silu}
	if bias {
		c.bias = randoms(r, channels)
	}
	return c
}

func randomLinear(t *testing.T, r *rand.Rand, in, out int) linear {
	return linear{w: randomMatrix(t, r, in, out)}
}

// zeros is a matrix in float64.
func zeros(rows, cols int) [][]float64 {
	m := make([][]float64, rows)
	for i := range m {
		m[i] = make([]float64, cols)
	}
	return m
}

func dot64(x, y []float64) float64 {
	sum := 0.0
	for i, v := range x {
		sum += v * y[i]
	}
	return sum
}

func sigmoid64(x float64) float64  { return 1 / (1 + math.Exp(-x)) }
func softplus64(x float64) float64 { return math.Log1p(math.Exp(x)) }

// negative is random numbers below zero, for decays.
func negative(r *rand.Rand, n int) []float32 {
	v := randoms(r, n)
	for i, x := range v {
		v[i] = -abs(x) - 0.01
	}
	return v
}

func abs(x float32) float32 { return max(x, -x) }

func TestShortConv(t *testing.T) {
	const embd = 320 // more than a tile of channels
	for _, taps := range []int{2, 3, 5} {
		r := rand.New(rand.NewPCG(1, uint64(taps)))
		s := &shortConv{
			norm: testNorm(r, embd), in: randomLinear(t, r, embd, 3*embd), out: randomLinear(t, r, embd, embd),
			conv: randomConv(r, taps, embd, taps == 3, false), row: area{0, 3 * embd},
		}
		filter := convReference(&s.conv)
		c := recurrentCase{block: s, state: s.conv.state(), embd: embd, norm: s.norm, next: func(in []float64) []float64 {
			bcx := times(&s.in.w, in)
			y := make([]float64, embd)
			for i := range y {
				y[i] = bcx[i] * bcx[2*embd+i]
			}
			for i, v := range filter(y) {
				y[i] = v * bcx[embd+i]
			}
			return times(&s.out.w, y)
		}}
		c.run(t, r)
	}
}

// scanReference is the scan of one token: per head x, dt, and its group's B and C.
func scanReference(s *scan) func(x, dt, bs, cs []float64) []float64 {
	state := zeros(s.heads*s.width, s.size)
	return func(x, dt, bs, cs []float64) []float64 {
		y := make([]float64, len(x))
		for i := range y {
			h := i / s.width
			g := h / (s.heads / s.groups) * s.size
			delta := softplus64(dt[h] + float64(s.dtBias[h]))
			for j := range s.size {
				a := float64(s.a[h])
				if len(s.a) > s.heads {
					a = float64(s.a[h*s.size+j])
				}
				state[i][j] = state[i][j]*math.Exp(delta*a) + bs[g+j]*delta*x[i]
				y[i] += state[i][j] * cs[g+j]
			}
			y[i] += float64(s.d[h]) * x[i]
		}
		return y
	}
}

func randomScan(r *rand.Rand, heads, width, groups, size, decays int) scan {
	return scan{
		heads: heads, width: width, groups: groups, size: size,
		dtBias: randoms(r, heads), a: negative(r, decays), d: randoms(r, heads),
	}
}

func TestMamba2(t *testing.T) {
	const embd, heads, width, groups, size, taps = 64, 6, 16, 2, 24, 4
	for _, normed := range []bool{true, false} {
		r := rand.New(rand.NewPCG(2, 3))
		inner, channels := heads*width, heads*width+2*groups*size
		m := &mamba2{
			norm: testNorm(r, embd), in: randomLinear(t, r, embd, inner+channels+heads), out: randomLinear(t, r, inner, embd),
			conv: randomConv(r, taps, channels, true, true), scan: randomScan(r, heads, width, groups, size, heads),
			row: area{0, inner + channels + heads},
		}
		if normed {
			m.outNorm = &norm{w: randoms(r, inner), groups: groups, eps: 1e-5}
		}
		filter, step := convReference(&m.conv), scanReference(&m.scan)
		c := recurrentCase{block: m, state: m.conv.state() + m.scan.state(), embd: embd, norm: m.norm, next: func(in []float64) []float64 {
			row := times(&m.in.w, in)
			mixed := filter(row[inner : inner+channels])
			y := step(mixed[:inner], row[inner+channels:], mixed[inner:inner+groups*size], mixed[inner+groups*size:])
			for i := range y {
				y[i] *= silu(row[i])
			}
			if normed {
				k := inner / groups
				for i := 0; i < inner; i += k {
					copy(y[i:i+k], rms(y[i:i+k], m.outNorm.w[i:i+k], 1e-5))
				}
			}
			return times(&m.out.w, y)
		}}
		c.run(t, r)
	}
}

func TestMamba(t *testing.T) {
	const embd, size, taps = 64, 8, 4
	for _, c := range []struct {
		name         string
		heads, width int
		plamo, norms bool
	}{{"a head per channel", 96, 1, false, false}, {"norms", 96, 1, false, true}, {"PLaMo", 4, 24, true, true}, {"wide heads", 2, 320, true, true}} {
		t.Run(c.name, func(t *testing.T) {
			const rank = 12
			r := rand.New(rand.NewPCG(4, 5))
			inner := c.heads * c.width
			decays := c.heads
			if !c.plamo {
				decays *= size
			}
			m := &mamba{
				norm: testNorm(r, embd), in: randomLinear(t, r, embd, 2*inner), conv: randomConv(r, taps, inner, !c.plamo, true),
				x: randomLinear(t, r, inner, rank+2*size), dt: randomLinear(t, r, rank, c.heads), out: randomLinear(t, r, inner, embd),
				scan: randomScan(r, c.heads, c.width, 1, size, decays), interleaved: c.plamo, bcdt: c.plamo, rank: rank,
			}
			at := areas(2*inner, rank+2*size, c.heads)
			m.row, m.bc, m.delta = at[0], at[1], at[2]
			if c.norms {
				m.dtNorm, m.bNorm, m.cNorm = testNorm(r, rank), testNorm(r, size), testNorm(r, size)
			}
			filter, step := convReference(&m.conv), scanReference(&m.scan)
			rc := recurrentCase{block: m, state: m.conv.state() + m.scan.state(), embd: embd, norm: m.norm, next: func(in []float64) []float64 {
				row := times(&m.in.w, in)
				x, z := row[:inner], row[inner:]
				if c.plamo {
					x, z = nil, nil
					for h := range c.heads {
						z = append(z, row[2*h*c.width:(2*h+1)*c.width]...)
						x = append(x, row[(2*h+1)*c.width:(2*h+2)*c.width]...)
					}
				}
				x = filter(x)
				few := times(&m.x.w, x)
				dt, bs, cs := few[:rank], few[rank:rank+size], few[rank+size:]
				if c.plamo {
					bs, cs, dt = few[:size], few[size:2*size], few[2*size:]
				}
				if c.norms {
					dt, bs, cs = rms(dt, m.dtNorm.w, 1e-5), rms(bs, m.bNorm.w, 1e-5), rms(cs, m.cNorm.w, 1e-5)
				}
				y := step(x, times(&m.dt.w, dt), bs, cs)
				for i := range y {
					y[i] *= silu(z[i])
				}
				return times(&m.out.w, y)
			}}
			rc.run(t, r)
		})
	}
}

func TestDeltaNet(t *testing.T) {
	const embd, dim, taps = 64, 32, 4
	for _, c := range []struct {
		name            string
		heads, shared   int
		grouped, paired bool
		perChannel      bool
	}{
		{name: "heads of their own", heads: 3, shared: 3},
		{name: "shared keys", heads: 4, shared: 2},
		{name: "grouped", heads: 4, shared: 2, grouped: true, paired: true},
		{name: "decay per channel", heads: 2, shared: 2, perChannel: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(6, 7))
			inner, keys := c.heads*dim, c.shared*dim
			d := &deltaNet{
				norm: testNorm(r, embd), heads: c.heads, shared: c.shared, dim: dim, grouped: c.grouped, paired: c.paired, eps: 1e-6,
				qkv:  []linear{randomLinear(t, r, embd, keys), randomLinear(t, r, embd, keys), randomLinear(t, r, embd, inner)},
				conv: randomConv(r, taps, 2*keys+inner, false, true), gate: lowRank{w: randomLinear(t, r, embd, inner)},
				a: negative(r, c.heads), bias: randoms(r, c.heads), outNorm: testNorm(r, dim), act: kernels.SwiGLU,
				out: randomLinear(t, r, inner, embd), beta: randomLinear(t, r, embd, c.heads),
			}
			switch {
			case c.paired:
				d.beta = randomLinear(t, r, embd, 2*c.heads)
			case c.perChannel:
				alpha, gate := randomLinear(t, r, embd, 12), randomLinear(t, r, embd, 20)
				d.alpha, d.gate = lowRank{&alpha, randomLinear(t, r, 12, inner)}, lowRank{&gate, randomLinear(t, r, 20, inner)}
				d.bias, d.act = randoms(r, inner), sigmoidGLU
			default:
				d.alpha.w = randomLinear(t, r, embd, c.heads)
			}
			at := areas(d.conv.channels, inner, d.alpha.w.w.Rows, d.beta.w.Rows)
			d.row, d.gates, d.alphas, d.betas = at[0], at[1], at[2], at[3]
			filter, state := convReference(&d.conv), zeros(inner, dim)
			product := func(l *lowRank, in []float64) []float64 {
				if l.first != nil {
					in = times(&l.first.w, in)
				}
				return times(&l.w.w, in)
			}
			rc := recurrentCase{block: d, state: d.conv.state() + inner*dim, embd: embd, norm: d.norm, next: func(in []float64) []float64 {
				var qkv []float64
				for i := range d.qkv {
					qkv = append(qkv, times(&d.qkv[i].w, in)...)
				}
				qkv = filter(qkv)
				betas, gates := times(&d.beta.w, in), product(&d.gate, in)
				var alphas []float64
				if !c.paired {
					alphas = product(&d.alpha, in)
				}
				var all []float64
				for h := range c.heads {
					kh := h % c.shared
					if c.grouped {
						kh = h / (c.heads / c.shared)
					}
					q, k := unit64(qkv[kh*dim:(kh+1)*dim]), unit64(qkv[keys+kh*dim:][:dim])
					beta := betas[h]
					var alpha func(int) float64
					switch {
					case c.paired:
						at := h/2*4 + h%2
						beta = betas[at]
						alpha = func(int) float64 { return betas[at+2] + float64(d.bias[h]) }
					case c.perChannel:
						alpha = func(i int) float64 { return alphas[h*dim+i] + float64(d.bias[h*dim+i]) }
					default:
						alpha = func(int) float64 { return alphas[h] + float64(d.bias[h]) }
					}
					y := make([]float64, dim)
					for i := range y {
						s := state[h*dim+i]
						for j := range s {
							s[j] *= math.Exp(float64(d.a[h]) * softplus64(alpha(j)))
						}
						diff := sigmoid64(beta) * (qkv[2*keys+h*dim+i] - dot64(s, k))
						for j := range s {
							s[j] += diff * k[j]
						}
						y[i] = dot64(s, q) / math.Sqrt(dim)
					}
					y = rms(y, d.outNorm.w, float64(d.outNorm.eps))
					for i := range y {
						if g := gates[h*dim+i]; c.perChannel {
							y[i] *= sigmoid64(g)
						} else {
							y[i] *= silu(g)
						}
					}
					all = append(all, y...)
				}
				return times(&d.out.w, all)
			}}
			rc.run(t, r)
		})
	}
}

func unit64(x []float64) []float64 {
	length := math.Sqrt(dot64(x, x) + 1e-6)
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / length
	}
	return y
}

func TestLightning(t *testing.T) {
	const embd, heads, dim = 64, 3, 24
	r := rand.New(rand.NewPCG(8, 9))
	inner := heads * dim
	l := &lightning{
		heads: heads, dim: dim, qkv: randomLinear(t, r, embd, 3*inner), gate: randomLinear(t, r, embd, inner),
		out: randomLinear(t, r, inner, embd), outNorm: testNorm(r, inner), decay: []float32{0.9, 0.5, 0.99},
	}
	at := areas(3*inner, inner)
	l.row, l.gates = at[0], at[1]
	state := zeros(inner, dim)
	c := recurrentCase{block: l, state: inner * dim, embd: embd, next: func(in []float64) []float64 {
		row, gates := times(&l.qkv.w, in), times(&l.gate.w, in)
		for i, v := range row {
			row[i] = silu(v)
		}
		y := make([]float64, inner)
		for h := range heads {
			q, k, v := row[3*h*dim:][:dim], row[(3*h+1)*dim:][:dim], row[(3*h+2)*dim:][:dim]
			for i := range dim {
				s := state[h*dim+i]
				for j := range s {
					s[j] = s[j]*float64(l.decay[h]) + v[i]*k[j]
				}
				y[h*dim+i] = dot64(s, q)
			}
		}
		y = rms(y, l.outNorm.w, float64(l.outNorm.eps))
		for i := range y {
			y[i] *= sigmoid64(gates[i])
		}
		return times(&l.out.w, y)
	}}
	c.run(t, r)
}
