//go:build !purego

package kernels

import (
	"math"
	"unsafe"

	"happyphonellm/internal/quant"
)

// kvRows is a run of cached rows in a type that the kernels read, F16 or F32.
type kvRows struct {
	data   []byte
	stride int // bytes
	f16    bool
}

// from drops the first n rows.
func (r kvRows) from(n int) kvRows {
	r.data = r.data[n*r.stride:]
	return r
}

// tileRows returns the positions lo to hi of one side of a cache: as they are,
// or widened into buf.
func tileRows(buf *[]float32, t quant.Type, data []byte, stride, dim, lo, hi int, widen bool) kvRows {
	if t == quant.F32 || (t == quant.F16 && !widen) {
		return kvRows{data: data[lo*stride:], stride: stride, f16: t == quant.F16}
	}
	*buf = grow(*buf, attendTile*dim)
	for j := lo; j < hi; j++ {
		row := (*buf)[(j-lo)*dim:][:dim]
		if t == quant.F16 {
			widenVecNEON(t, row, data[j*stride:])
		} else {
			widenQ8NEON(&row[0], &data[j*stride], dim/32)
		}
	}
	return kvRows{data: unsafe.Slice((*byte)(unsafe.Pointer(&(*buf)[0])), 4*len(*buf)), stride: 4 * dim}
}

// softmaxState is the largest score so far and the sum of weights.
type softmaxState struct{ m, l float32 }

// attendVecNEON takes the steps of attendGo on whole tiles.
func attendVecNEON(out, q []float32, kv *HeadCache, from, to int, p *AttendParams, s *Scratch) {
	if kv.KDim%16 != 0 || kv.VDim%16 != 0 {
		attendGo(out, q, kv, from, to, p, s)
		return
	}
	ts := &s.tier
	st := softmaxState{m: float32(math.Inf(-1))}
	clear(out)
	for t0 := from &^ (attendTile - 1); t0 < to; t0 += attendTile {
		lo, hi := max(from, t0), min(to, t0+attendTile)
		k := tileRows(&ts.kTile, kv.Type, kv.K, kv.KStride, kv.KDim, lo, hi, false)
		v := tileRows(&ts.vTile, kv.Type, kv.V, kv.VStride, kv.VDim, lo, hi, false)
		kernel := fewF32NEON
		if k.f16 {
			kernel = fewF16NEON
		}
		rowsFloat(kernel, ts.scores[lo-t0:hi-t0], k.data, k.stride, &q[0], len(q), s)
		c := st.weights(ts.scores[:attendTile], lo, hi, p, &ts.one)
		if c != 1 {
			scaleVecNEON(out, out, c)
		}
		weighRows(out, ts.scores[lo-t0:hi-t0], v)
	}
	st.finish(out, p)
}

// weights turns the dot products of the positions lo to hi, which stand at
// their places of the tile x, into weights, the other places into zeros.
// Outputs so far must be scaled by what it returns. one is scratch.
func (st *softmaxState) weights(x []float32, lo, hi int, p *AttendParams, one *[4]float32) float32 {
	at := lo % attendTile
	in := x[at : at+hi-lo]
	if p.Softcap == 0 {
		scaleVecNEON(in, in, p.Scale)
	} else {
		softcapVecNEON(in, p.Scale, p.Softcap)
	}
	if p.Slope != 0 {
		p.lean(in, lo)
	}
	top := max(st.m, maxVecNEON(in))
	expSubVecNEON(in, top)
	clear(x[:at])
	clear(x[at+len(in):])
	// One more exp, of st.m - top, by the kernel for four.
	one[0] = st.m
	expSubNEON4(&one[0], &one[0], 4, top)
	c := one[0]
	st.m = top
	st.l = fmaNEON(st.l, c, sumNEON16(&x[0], attendTile))
	return c
}

// finish divides by the sum of weights.
func (st *softmaxState) finish(out []float32, p *AttendParams) {
	if c, ok := p.sink(&st.l, st.m); ok {
		scaleVecNEON(out, out, c)
	}
	scaleVecNEON(out, out, 1/st.l)
}

// weighRows adds the rows of v, each times its weight, to out in order.
func weighRows(out, w []float32, v kvRows) {
	size := 4
	if v.f16 {
		size = 2
	}
	for d := 0; d < len(out); {
		wide := len(out)-d >= 64
		row := &v.data[d*size]
		switch {
		case v.f16 && wide:
			weighF16x64NEON(&out[d], row, v.stride, &w[0], len(w))
		case v.f16:
			weighF16x16NEON(&out[d], row, v.stride, &w[0], len(w))
		case wide:
			weighF32x64NEON(&out[d], row, v.stride, &w[0], len(w))
		default:
			weighF32x16NEON(&out[d], row, v.stride, &w[0], len(w))
		}
		if wide {
			d += 64
		} else {
			d += 16
		}
	}
}

// attendManyVecNEON takes the tiles in the outer loop: a tile is widened once
// and its scores are one matrix product.
func attendManyVecNEON(qs []Query, kv *HeadCache, s *Scratch) {
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
	ts.queries = grow(ts.queries, len(qs)*kv.KDim)
	ts.many = grow(ts.many, len(qs)*attendTile)
	for i := range qs {
		ts.states[i] = softmaxState{m: float32(math.Inf(-1))}
		copy(ts.queries[i*kv.KDim:], qs[i].Q[:kv.KDim])
		clear(qs[i].Out[:kv.VDim])
	}
	for t0 := from &^ (attendTile - 1); t0 < to; t0 += attendTile {
		first, last := max(from, t0), min(to, t0+attendTile)
		k := tileRows(&ts.kTile, kv.Type, kv.K, kv.KStride, kv.KDim, first, last, true)
		v := tileRows(&ts.vTile, kv.Type, kv.V, kv.VStride, kv.VDim, first, last, true)
		for j := first; j < last; j += 2 {
			row := (*float32)(unsafe.Pointer(&k.data[(j-first)*k.stride]))
			gemmFloats(gemmFloatNEON, ts.many[j-t0:], attendTile, min(2, last-j), row, k.stride, &ts.queries[0], 4*kv.KDim, kv.KDim, len(qs), ts)
		}
		for i := range qs {
			q := &qs[i]
			lo, hi := max(q.From, t0), min(q.To, t0+attendTile)
			if lo >= hi {
				continue
			}
			x, out := ts.many[i*attendTile:][:attendTile], q.Out[:kv.VDim]
			c := ts.states[i].weights(x, lo, hi, &q.Params, &ts.one)
			if c != 1 {
				scaleVecNEON(out, out, c)
			}
			weighRows(out, x[lo-t0:hi-t0], v.from(lo-first))
		}
	}
	for i := range qs {
		if q := &qs[i]; q.From < q.To {
			ts.states[i].finish(q.Out[:kv.VDim], &q.Params)
		}
	}
}

// widenQ8NEON makes floats of blocks of Q8_0.
//
//go:noescape
func widenQ8NEON(dst *float32, src *byte, blocks int)

// The weigh kernels add n rows of 64 or 16 values, step bytes apart, each times
// its weight in w, to out.

//go:noescape
func weighF16x64NEON(out *float32, v *byte, step int, w *float32, n int)

//go:noescape
func weighF16x16NEON(out *float32, v *byte, step int, w *float32, n int)

//go:noescape
func weighF32x64NEON(out *float32, v *byte, step int, w *float32, n int)

//go:noescape
func weighF32x16NEON(out *float32, v *byte, step int, w *float32, n int)
