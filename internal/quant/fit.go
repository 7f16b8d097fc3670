package quant

import "math"

// Fitting a scale (and a minimum) to a group of numbers: what every quantizer
// here is made of. Errors are weighted: w[i] * (x[i] - stored)^2, and where the
// best scale has no formula a few rounding grids are tried and the best kept.
//
// Sums are float32 in a fixed order and no product is fused with a sum, so that
// a file is the same whatever made it.

// tiny is the largest magnitude of a group that is stored as zeros.
const tiny = 1e-15

// roundMagic rounds a float32 below 2^22 to an integer, half to even, when added
// and subtracted again.
const roundMagic = 3 << 22

// The conversion keeps a product that x is from being fused with the sum.
func round32(x float32) float32 { return float32(x) + roundMagic - roundMagic }

func abs(x float32) float32 {
	return math.Float32frombits(math.Float32bits(x) &^ (1 << 31))
}

func sqrt32(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// clamp gives lo for what is not a number.
func clamp(x, lo, hi float32) float32 {
	if x > hi {
		return hi
	}
	if !(x >= lo) {
		return lo
	}
	return x
}

// extreme is the value of the largest magnitude in x.
func extreme(x []float32) float32 {
	var amax, at float32
	for _, v := range x {
		if a := abs(v); a > amax {
			amax, at = a, v
		}
	}
	return at
}

func sumSquares(x []float32) float32 {
	var sum float32
	for _, v := range x {
		sum += float32(v * v)
	}
	return sum
}

// fitScale finds d for x ~ d*q, q an integer in [-n, n-1]. The value of the
// largest magnitude is put at -n (which has no positive counterpart), or up to
// nine tenths beside it: every third, then those beside the best.
func fitScale(x, w []float32, n float32) float32 {
	top := extreme(x)
	if abs(top) < tiny {
		return 0
	}
	w = w[:len(x)]
	best, scale, at := float32(-1), -top/n, 0
	try := func(tenths int) {
		inverse := -(n + float32(0.1*float32(tenths))) / top
		var lx0, lx1, ll0, ll1 float32
		for i := 0; i+1 < len(x); i += 2 {
			q0, q1 := clamp(round32(inverse*x[i]), -n, n-1), clamp(round32(inverse*x[i+1]), -n, n-1)
			wq0, wq1 := w[i]*q0, w[i+1]*q1
			lx0 += float32(wq0 * x[i])
			lx1 += float32(wq1 * x[i+1])
			ll0 += float32(wq0 * q0)
			ll1 += float32(wq1 * q1)
		}
		lx, ll := lx0+lx1, ll0+ll1
		if ll > 0 && lx*lx > best*ll {
			scale, at = lx/ll, tenths
			best = scale * lx
		}
	}
	for i := -9; i <= 9; i += 3 {
		try(i)
	}
	middle := at
	for _, i := range [4]int{-2, -1, 1, 2} {
		try(middle + i)
	}
	return scale
}

// fitScaleByTurns finds d for x ~ d*q, q in [-n, n-1], by rounding each value to
// the best scale of all the others, until nothing changes. Weights are x^2.
func fitScaleByTurns(x []float32, n float32) float32 {
	top := extreme(x)
	if abs(top) < tiny {
		return 0
	}
	var q [16]float32
	inverse := -n / top
	var lx, ll float32
	for i, v := range x {
		q[i] = clamp(round32(inverse*v), -n, n-1)
		wq := v * v * q[i]
		lx += float32(wq * v)
		ll += float32(wq * q[i])
	}
	for range 5 {
		changed := false
		for i, v := range x {
			w := v * v
			restLX, restLL := lx-float32(w*v*q[i]), ll-float32(w*q[i]*q[i])
			if restLX <= 0 || restLL < 0 {
				continue
			}
			new := clamp(round32(clamp(v*restLL/restLX, -n, n)), -n, n-1)
			if new == q[i] {
				continue
			}
			newLX, newLL := restLX+float32(w*v*new), restLL+float32(w*new*new)
			if newLL > 0 && newLX*newLX*ll > lx*lx*newLL {
				q[i], lx, ll, changed = new, newLX, newLL, true
			}
		}
		if !changed {
			break
		}
	}
	if ll > 0 {
		return lx / ll
	}
	return 0
}

// fitScaleMin finds d and m <= 0 for x ~ d*q + m, q an integer in [0, n]. It
// rounds to a few grids over the range of x, and follows each to where fitting
// and rounding again no longer help. mad: the error is w * |x - stored|.
func fitScaleMin(x, w []float32, n float32, mad bool) (scale, min float32) {
	lo, hi := x[0], x[0]
	var wide groupSums
	for i, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		wide.add(i, float64(v), float64(w[i]))
	}
	if lo > 0 {
		lo = 0
	}
	if hi <= lo {
		return 0, lo
	}
	scale, min = (hi-lo)/n, lo
	best := -math.MaxFloat64
	if mad {
		best = -deviation(x, w, lo, n/(hi-lo), n, scale, min)
	}
	for i := -2; i <= 2; i++ {
		base, inverse := lo, (n+0.5*float32(i))/(hi-lo) // exact: nothing to fuse
		last := -math.MaxFloat64
		for range 4 {
			gain, s, m := wide.fit(x, base, inverse, n)
			if mad && s != 0 {
				gain = -deviation(x, w, base, inverse, n, s, m)
			}
			if gain <= last {
				break
			}
			// Better by more than rounding: of two that are as good the first, whose minimum is nearer.
			if gain > best+float64(1e-9*math.Abs(best)) {
				best, scale, min = gain, s, m
			}
			last, base, inverse = gain, m, 1/s
		}
	}
	return scale, min
}

// groupSums are what the fits of one group share. float64: the error of a good fit
// is a small difference of large sums.
type groupSums struct {
	w, wx      [32]float64
	sumW, sumX float64
}

func (g *groupSums) add(i int, x, w float64) {
	g.w[i], g.wx[i] = w, float64(w*x)
	g.sumW += w
	g.sumX += g.wx[i]
}

// fit rounds x to q = (x-base)*inverse in [0, n] and fits s*q + m, m <= 0. gain is
// the sum of w*x^2 less that of w*(x - s*q - m)^2. The length of x is even.
func (g *groupSums) fit(x []float32, base, inverse, n float32) (gain float64, s, m float32) {
	w, wx := g.w[:len(x)], g.wx[:len(x)]
	var l0, l1, ll0, ll1, xl0, xl1 float64
	for i := 0; i+1 < len(x); i += 2 {
		q0 := float64(clamp(round32((x[i]-base)*inverse), 0, n))
		q1 := float64(clamp(round32((x[i+1]-base)*inverse), 0, n))
		wq0, wq1 := float64(w[i]*q0), float64(w[i+1]*q1)
		l0 += wq0
		l1 += wq1
		ll0 += float64(wq0 * q0)
		ll1 += float64(wq1 * q1)
		xl0 += float64(wx[i] * q0)
		xl1 += float64(wx[i+1] * q1)
	}
	sumL, sumLL, sumXL := l0+l1, ll0+ll1, xl0+xl1
	det := float64(g.sumW*sumLL) - float64(sumL*sumL)
	if !(det > 0) {
		return -math.MaxFloat64, 0, 0
	}
	a := (float64(g.sumW*sumXL) - float64(g.sumX*sumL)) / det
	b := (float64(sumLL*g.sumX) - float64(sumL*sumXL)) / det
	if b > 0 {
		a, b = sumXL/sumLL, 0
	}
	// By the normal equations.
	return float64(a*sumXL) + float64(b*g.sumX), float32(a), float32(b)
}

// deviation is the sum of w * |x - stored|.
func deviation(x, w []float32, base, inverse, n, scale, min float32) float64 {
	var sum float32
	for i, v := range x {
		q := clamp(round32((v-base)*inverse), 0, n)
		sum += float32(w[i] * abs(float32(scale*q)+min-v))
	}
	return float64(sum)
}

// fitPositive finds d for x ~ d*q, q an integer in [0, n], x not negative, and
// puts q into l. It is for the scales and minimums of a superblock.
func fitPositive(x, w []float32, n float32, l []uint8) float32 {
	var top float32
	for _, v := range x {
		if v > top {
			top = v
		}
	}
	clear(l)
	if top < tiny {
		return 0
	}
	inverse, best := n/top, float32(math.Inf(1))
	for try := -4; try <= 4; try++ {
		inv := (n + float32(0.1*float32(try))) / top
		var sum float32
		for i, v := range x {
			diff := v - float32(clamp(round32(inv*v), 0, n)/inv)
			sum += float32(w[i] * diff * diff)
		}
		if sum < best {
			best, inverse = sum, inv
		}
	}
	var lx, ll float32
	for i, v := range x {
		q := clamp(round32(inverse*v), 0, n)
		l[i] = uint8(q)
		lx += float32(w[i] * v * q)
		ll += float32(w[i] * q * q)
	}
	for range 5 {
		changed := false
		for i, v := range x {
			q := float32(l[i])
			restLX, restLL := lx-float32(w[i]*v*q), ll-float32(w[i]*q*q)
			if !(restLX > 0 && restLL > 0) {
				continue
			}
			new := round32(clamp(v*restLL/restLX, 0, n))
			if new == q {
				continue
			}
			newLX, newLL := restLX+float32(w[i]*v*new), restLL+float32(w[i]*new*new)
			if newLX*newLX*ll > lx*lx*newLL {
				l[i], lx, ll, changed = uint8(new), newLX, newLL, true
			}
		}
		if !changed {
			break
		}
	}
	if ll > 0 {
		return lx / ll
	}
	return 0
}
