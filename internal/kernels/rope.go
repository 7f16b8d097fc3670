package kernels

// RopeNorm rotates adjacent pairs (x[2i], x[2i+1]) by the angles whose cosines
// and sines are given, in place; elements after 2*len(cos) stay.
func RopeNorm(x, cos, sin []float32) { active.ropeNorm(x[:2*len(cos)], cos, sin[:len(cos)]) }

// RopeNeox rotates the pairs (x[i], x[i+len(cos)]) in place; elements after
// 2*len(cos) stay.
func RopeNeox(x, cos, sin []float32) { active.ropeNeox(x[:2*len(cos)], cos, sin[:len(cos)]) }

func rotate(x0, x1, c, s float32) (y0, y1 float32) {
	return FMA(x0, c, -float32(x1*s)), FMA(x0, s, float32(x1*c))
}

func ropeNormGo(x, cos, sin []float32) {
	for i, c := range cos {
		x[2*i], x[2*i+1] = rotate(x[2*i], x[2*i+1], c, sin[i])
	}
}

func ropeNeoxGo(x, cos, sin []float32) {
	n := len(cos)
	for i, c := range cos {
		x[i], x[i+n] = rotate(x[i], x[i+n], c, sin[i])
	}
}
