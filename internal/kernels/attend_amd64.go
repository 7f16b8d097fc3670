//go:build !purego

package kernels

import (
	"math"
	"unsafe"

	"happyphonellm/internal/quant"
)

// attendVec is attendGo by vector kernels: the same steps on tiles of 64
// positions, 16 scores at a time.
func attendVec(k *vecKernels, out, q []float32, kv *HeadCache, from, to int, p *AttendParams, s *Scratch) {
	if kv.KDim%16 != 0 || kv.VDim%16 != 0 {
		attendGo(out, q, kv, from, to, p, s)
		return
	}
	st := softState{m: float32(math.Inf(-1))}
	clear(out)
	for t0 := from &^ (attendTile - 1); t0 < to; t0 += attendTile {
		lo, hi := max(from, t0), min(to, t0+attendTile)
		kt, vt := s.tier.tiles(k, kv, lo, hi, kv.Type == quant.Q8_0)
		st.step(k, out, q, kt, vt, lo-t0, lo, hi, p, &s.tier)
	}
	st.finish(k, out, p)
}

// attendManyVec takes the tiles in the outer loop, so that a tile is widened
// once for all queries.
func attendManyVec(k *vecKernels, qs []Query, kv *HeadCache, s *Scratch) {
	from, to := qs[0].From, qs[0].To
	for i := range qs {
		from, to = min(from, qs[i].From), max(to, qs[i].To)
	}
	if kv.KDim%16 != 0 || kv.VDim%16 != 0 || from >= to {
		attendEach(qs, *kv, s)
		return
	}
	ts := &s.tier
	ts.states = grow(ts.states, len(qs))
	ts.queries = grow(ts.queries, (len(qs)+3)&^3*kv.KDim)
	for i := range qs {
		ts.states[i] = softState{m: float32(math.Inf(-1))}
		copy(ts.queries[i*kv.KDim:], qs[i].Q[:kv.KDim])
		clear(qs[i].Out[:kv.VDim])
	}
	for t0 := from &^ (attendTile - 1); t0 < to; t0 += attendTile {
		first, last := max(from, t0), min(to, t0+attendTile)
		kt, vt := ts.tiles(k, kv, first, last, true)
		for i := 0; i < len(qs); i += 4 {
			k.attendFour(qs[i:min(i+4, len(qs))], i, t0, first, last, kt, vt, kv, ts)
		}
	}
	for i := range qs {
		if q := &qs[i]; q.From < q.To {
			ts.states[i].finish(k, q.Out[:kv.VDim], &q.Params)
		}
	}
}

// attendFour adds the tile at t0, of which rows first to last are there, to up to four
// queries; the first is query at of all.
func (k *vecKernels) attendFour(qs []Query, at, t0, first, last int, kt, vt kvTile, kv *HeadCache, ts *tierScratch) {
	lo, hi := last, first
	for i := range qs {
		lo, hi = min(lo, max(qs[i].From, t0)), max(hi, min(qs[i].To, t0+attendTile))
	}
	if lo >= hi {
		return
	}
	// All scores at once, of whole fours of rows; the tile has room for those.
	rows := (hi - first + 3) &^ 3
	k.floats.dots4x4[quant.F32](&ts.four[first-t0], 4*fourPitch, &ts.queries[at*kv.KDim], 4*kv.KDim, kt.base, kt.stride, rows, kv.KDim)
	together := len(qs) == 4
	for i := range qs {
		q := &qs[i]
		qlo, qhi := max(q.From, t0), min(q.To, t0+attendTile)
		if qlo != lo || qhi != hi {
			together = false
		}
		if qlo >= qhi {
			continue
		}
		x := (*[attendTile]float32)(ts.four[i*fourPitch:])
		if c := ts.states[at+i].weights(k, x, qlo-t0, qlo, qhi, &q.Params); c != 1 {
			k.scale(&q.Out[0], &q.Out[0], kv.VDim, c)
		}
		ts.outs[i] = &q.Out[0]
	}
	v := vt.from(lo - first)
	if together {
		k.weighted4(&ts.outs, &ts.four[lo-t0], 4*fourPitch, v.base, v.stride, hi-lo, kv.VDim)
		return
	}
	for i := range qs {
		qlo, qhi := max(qs[i].From, t0), min(qs[i].To, t0+attendTile)
		if qlo < qhi {
			v := vt.from(qlo - first)
			k.weighted[quant.F32](&qs[i].Out[0], &ts.four[i*fourPitch+qlo-t0], v.base, v.stride, qhi-qlo, kv.VDim)
		}
	}
}

// fourPitch is the distance of the scores of four queries: a tile, and room for three more.
const fourPitch = attendTile + 16

// kvTile is the part of a cache that one tile reads, in a type that kernels
// know: F16 or F32.
type kvTile struct {
	typ    quant.Type
	base   *byte // row of position lo
	stride int
	room   int // rows that may be read from base on
}

// from is the tile without its first n rows.
func (t kvTile) from(n int) kvTile {
	if n > 0 {
		t.base = (*byte)(unsafe.Add(unsafe.Pointer(t.base), n*t.stride))
		t.room -= n
	}
	return t
}

// tiles returns the keys and values of positions lo to hi, widened to F32 in
// the scratch if so asked.
func (ts *tierScratch) tiles(k *vecKernels, kv *HeadCache, lo, hi int, widen bool) (kt, vt kvTile) {
	if widen {
		ts.kTile = widenTile(k, ts.kTile, kv.Type, kv.K, kv.KStride, kv.KDim, lo, hi)
		ts.vTile = widenTile(k, ts.vTile, kv.Type, kv.V, kv.VStride, kv.VDim, lo, hi)
		return floatTile(ts.kTile, kv.KDim), floatTile(ts.vTile, kv.VDim)
	}
	kb, _ := KVRowBytes(kv.Type, kv.KDim)
	room := (len(kv.K)-lo*kv.KStride-kb)/kv.KStride + 1
	return kvTile{kv.Type, &kv.K[lo*kv.KStride], kv.KStride, room}, kvTile{kv.Type, &kv.V[lo*kv.VStride], kv.VStride, hi - lo}
}

func widenTile(k *vecKernels, dst []float32, typ quant.Type, src []byte, stride, dim, lo, hi int) []float32 {
	dst = grow(dst, attendTile*dim)
	for j := lo; j < hi; j++ {
		row := dst[(j-lo)*dim:][:dim]
		switch typ {
		case quant.F32:
			copy(row, unsafe.Slice((*float32)(unsafe.Pointer(&src[j*stride])), dim))
		case quant.F16:
			k.widenF16(&row[0], &src[j*stride], dim)
		default:
			k.widenQ8(&row[0], &src[j*stride], dim/32)
		}
	}
	return dst
}

func floatTile(x []float32, dim int) kvTile {
	return kvTile{typ: quant.F32, base: (*byte)(unsafe.Pointer(&x[0])), stride: 4 * dim, room: attendTile}
}

// softState is a running softmax: the largest score and the sum of weights.
type softState struct{ m, l float32 }

// step adds the positions lo to hi, which stand at place at of their tile; kt
// and vt begin with position lo.
func (st *softState) step(k *vecKernels, out, q []float32, kt, vt kvTile, at, lo, hi int, p *AttendParams, ts *tierScratch) {
	k.scores(ts, ts.tile[at:], hi-lo, q, kt)
	if c := st.weights(k, (*[attendTile]float32)(ts.tile[:]), at, lo, hi, p); c != 1 {
		k.scale(&out[0], &out[0], len(out), c)
	}
	k.weighted[vt.typ](&out[0], &ts.tile[at], vt.base, vt.stride, hi-lo, len(out))
}

// weights turns the dot products of the positions lo to hi, which stand at place at of the
// tile, into weights. Outputs so far must be scaled by what it returns.
func (st *softState) weights(k *vecKernels, tile *[attendTile]float32, at, lo, hi int, p *AttendParams) float32 {
	n := hi - lo
	var top float32
	if n == attendTile && p.Softcap == 0 && p.Slope == 0 {
		top = k.scaleMax(&tile[0], attendTile, p.Scale)
	} else {
		x := tile[at : at+n]
		if p.Softcap == 0 {
			scaleVec(k, x, x, p.Scale)
		} else {
			softcapVec(k, x, p.Scale, p.Softcap)
		}
		if p.Slope != 0 {
			p.lean(x, lo)
		}
		// The places of other positions weigh nothing.
		for i := range at {
			tile[i] = float32(math.Inf(-1))
		}
		for i := at + n; i < attendTile; i++ {
			tile[i] = float32(math.Inf(-1))
		}
		top = k.max(&tile[0], attendTile)
	}
	top = max(st.m, top)
	c := float32(1)
	if top != st.m { // else exp(0) = 1
		c = Exp(st.m - top)
	}
	st.m = top
	st.l = FMA(st.l, c, k.expSum(&tile[0], attendTile, top))
	return c
}

// finish divides by the sum of weights.
func (st *softState) finish(k *vecKernels, out []float32, p *AttendParams) {
	if c, ok := p.sink(&st.l, st.m); ok {
		k.scale(&out[0], &out[0], len(out), c)
	}
	k.scale(&out[0], &out[0], len(out), 1/st.l)
}

// scores writes q . key for the n rows of kt to dst, which has room for 15 more.
func (k *vecKernels) scores(ts *tierScratch, dst []float32, n int, q []float32, kt kvTile) {
	dots := k.scores16[kt.typ]
	for i := 0; i < n; i += 16 {
		t := kt.from(i)
		if t.room < 16 {
			// Rows after the last cannot be read: go back, or copy.
			if n >= 16 {
				i = n - 16
				t = kt.from(i)
			} else {
				bytes := 4 * len(q)
				if t.typ == quant.F16 {
					bytes = 2 * len(q)
				}
				ts.rows16 = grow(ts.rows16, 16*bytes)
				for j := range n - i {
					copy(ts.rows16[j*bytes:][:bytes], unsafe.Slice(t.from(j).base, bytes))
				}
				t.base, t.stride = &ts.rows16[0], bytes
			}
		}
		dots(&dst[i], &q[0], t.base, t.stride, len(q))
	}
}
