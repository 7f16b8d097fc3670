package convert

import (
	"math"
	"slices"
	"strings"
)

// Some ways of stretching angles over longer contexts have a factor for each pair
// of a head's elements, which stand in the file as a tensor.

// vector is a tensor of numbers that are in no tensor of the checkpoint.
func vector(name string, x []float32) *view {
	return &view{shape: []int{len(x)}, name: name, typ: "F32", read: func(dst []float32, row, rows int) error {
		copy(dst, x)
		return nil
	}}
}

// llama3Factors puts the factors of Llama 3.1's stretching, if the configuration
// asks for it: slow angles are divided by factor, fast ones stay, and those between
// go over from one to the other.
// Source: transformers, modeling_rope_utils.py, _compute_llama3_parameters.
func (m *maker) llama3Factors() {
	if !strings.EqualFold(m.ropeType(), "llama3") {
		return
	}
	base, dim := m.ropeFloatOr(10000, "rope_theta"), m.headDim()
	factor := float32(m.ropeFloatOr(8, "factor"))
	low := m.ropeFloatOr(1, "low_freq_factor")
	high := m.ropeFloatOr(4, "high_freq_factor")
	original := m.ropeFloatOr(8192, "original_max_position_embeddings")
	if low == high || factor == 0 || dim < 2 || dim > 1<<20 {
		m.fail("%s: rotation of type llama3: factor %g from %g to %g for heads of %d", m.config.File(), factor, low, high, dim)
		return
	}
	factors := make([]float32, (dim+1)/2)
	for i := range factors {
		// In float32, step by step, as others compute them.
		turn := float32(1 / float32(math.Pow(base, float64(float32(2*i)/float32(dim)))))
		length := float32(2*math.Pi) / turn
		switch {
		case length < float32(original/high):
			factors[i] = 1
		case length > float32(original/low):
			factors[i] = factor
		default:
			smooth := (float32(original)/length - float32(low)) / float32(high-low)
			rest := (1 - smooth) / factor
			factors[i] = 1 / (rest + smooth)
		}
	}
	m.put("rope_freqs.weight", vector("rope_freqs", factors))
}

// longFactors puts the two lists of factors for short and long contexts, if the
// configuration has them, for dims elements that turn; it tells whether it has.
func (m *maker) longFactors(dims int) bool {
	long, isLong := m.rope().Floats("long_factor")
	short, isShort := m.rope().Floats("short_factor")
	if !isLong && !isShort {
		return false
	}
	if len(long) != dims/2 || len(short) != dims/2 {
		m.fail("%s: %d factors for long contexts and %d for short ones, want %d", m.config.File(), len(long), len(short), dims/2)
		return false
	}
	m.put("rope_factors_long.weight", vector("long_factor", narrowed(long)))
	m.put("rope_factors_short.weight", vector("short_factor", narrowed(short)))
	return true
}

func narrowed(x []float64) []float32 {
	return slices.Collect(func(yield func(float32) bool) {
		for _, v := range x {
			if !yield(float32(v)) {
				return
			}
		}
	})
}
