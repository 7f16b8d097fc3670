package kernels

import (
	"fmt"
	"math"

	"happyphonellm/internal/quant"
)

// HeadCache is the cached keys and values of one KV head, position-major:
// row p of K holds KDim values at K[p*KStride:], row p of V VDim values at
// V[p*VStride:]. Strides are in bytes; 0 means that rows touch each other.
type HeadCache struct {
	Type             quant.Type // F32, F16 or Q8_0
	K, V             []byte
	KDim, VDim       int
	KStride, VStride int
}

// AttendParams are the settings of one head.
type AttendParams struct {
	Scale   float32
	Softcap float32 // 0: none; else scores become Softcap*tanh(score/Softcap)
	Slope   float32 // ALiBi; 0: none
	Pos     int     // the query's own position; read only if Slope is not 0
	HasSink bool    // a learned score that takes weight but has no value
	Sink    float32
}

// attendTile is the number of positions per step of the online softmax. Tiles
// begin at multiples of it, whatever from is, so that the result for a token
// does not depend on how the prompt was cut.
const attendTile = 64

// Attend computes one query head over the positions [from, to):
// out[VDim] = sum_j softmax(score)_j * V_j, score_j = q . K_j * Scale.
// An empty range gives zeros.
func Attend(out, q []float32, kv HeadCache, from, to int, p AttendParams, s *Scratch) {
	kv.check(from, to)
	out, q = out[:kv.VDim], q[:kv.KDim]
	if from >= to {
		clear(out)
		return
	}
	s.kv, s.params = kv, p // their addresses would escape from the stack
	active.attend(out, q, &s.kv, from, to, &s.params, s)
}

// Query is one query head of one token: positions [From, To), VDim results.
type Query struct {
	Out, Q   []float32
	From, To int
	Params   AttendParams
}

// AttendMany does what Attend does for each query, with the same bits, and
// reads the cache once for all: the heads of a group and the tokens of a
// chunk that share a KV head. Tens of queries at a time are enough. Two queries
// gain from that where the cache has to be unpacked, else four.
func AttendMany(qs []Query, kv HeadCache, s *Scratch) {
	if active.attendMany == nil || len(qs) < 4 && (kv.Type != quant.Q8_0 || len(qs) < 2) {
		attendEach(qs, kv, s)
		return
	}
	for i := range qs {
		kv.check(qs[i].From, qs[i].To)
	}
	s.kv = kv
	active.attendMany(qs, &s.kv, s)
}

func attendEach(qs []Query, kv HeadCache, s *Scratch) {
	for i := range qs {
		Attend(qs[i].Out, qs[i].Q, kv, qs[i].From, qs[i].To, qs[i].Params, s)
	}
}

// check panics unless the rows [from, to) are there; it fills in strides.
func (kv *HeadCache) check(from, to int) {
	kb, ok := KVRowBytes(kv.Type, kv.KDim)
	vb, ok2 := KVRowBytes(kv.Type, kv.VDim)
	if !ok || !ok2 || from < 0 {
		panic(fmt.Sprintf("kernels: attention over %s rows of %d and %d from %d", kv.Type, kv.KDim, kv.VDim, from))
	}
	if kv.KStride == 0 {
		kv.KStride = kb
	}
	if kv.VStride == 0 {
		kv.VStride = vb
	}
	if to > from {
		_ = kv.K[(to-1)*kv.KStride+kb-1]
		_ = kv.V[(to-1)*kv.VStride+vb-1]
	}
}

func attendGo(out, q []float32, kv *HeadCache, from, to int, p *AttendParams, s *Scratch) {
	s.f = grow(s.f, max(kv.KDim, kv.VDim))
	k, v := s.f[:kv.KDim], s.f[:kv.VDim]
	m, l := float32(math.Inf(-1)), float32(0)
	clear(out)
	for t0 := from &^ (attendTile - 1); t0 < to; t0 += attendTile {
		lo, hi := max(from, t0), min(to, t0+attendTile)
		top := m
		for j := lo; j < hi; j++ {
			widenKV(kv.Type, k, kv.K[j*kv.KStride:])
			x := p.score(dotGo(q, k), j)
			s.tile[j-t0] = x
			if x > top {
				top = x
			}
		}
		c := Exp(m - top)
		m = top
		scaleGo(out, out, c)
		var sum lanes
		for j := lo; j < hi; j++ {
			w := Exp(s.tile[j-t0] - m)
			sum[(j-t0)&15] += w
			widenKV(kv.Type, v, kv.V[j*kv.VStride:])
			axpyGo(out, w, v)
		}
		l = FMA(l, c, sum.tree())
	}
	if c, ok := p.sink(&l, m); ok {
		scaleGo(out, out, c)
	}
	scaleGo(out, out, 1/l)
}

// score turns a dot product with position j into its score.
func (p *AttendParams) score(dot float32, j int) float32 {
	x := dot * p.Scale
	if p.Softcap != 0 {
		x = p.Softcap * Tanh(x/p.Softcap)
	}
	if p.Slope != 0 {
		x = p.leant(x, j)
	}
	return x
}

// leant is the score x of position j, less ALiBi's share of the distance.
func (p *AttendParams) leant(x float32, j int) float32 {
	d := j - p.Pos
	if d > 0 {
		d = -d
	}
	return FMA(p.Slope, float32(d), x)
}

// lean does that to the scores of the positions from lo on.
func (p *AttendParams) lean(x []float32, lo int) {
	for i := range x {
		x[i] = p.leant(x[i], lo+i)
	}
}

// sink adds the sink to the sum l whose largest score is m; ok means that the
// output must be scaled by c as well.
func (p *AttendParams) sink(l *float32, m float32) (c float32, ok bool) {
	switch {
	case !p.HasSink:
		return 0, false
	case p.Sink > m:
		c = Exp(m - p.Sink)
		*l = FMA(*l, c, 1)
		return c, true
	}
	*l += Exp(p.Sink - m)
	return 0, false
}

func widenKV(t quant.Type, dst []float32, src []byte) {
	switch t {
	case quant.F16:
		widenF16(dst, src)
	case quant.F32:
		widenF32(dst, src)
	default:
		for b := range len(dst) / 32 {
			blk := src[b*34:][:34]
			d := f16(blk)
			for i, v := range blk[2:] {
				dst[b*32+i] = d * float32(int8(v))
			}
		}
	}
}
