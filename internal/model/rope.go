package model

import (
	"math"
	"reflect"

	"happyphonellm/internal/kernels"
)

// ropeStyle is how a head's numbers pair up for the rotation.
type ropeStyle int

const (
	ropeAdjacent ropeStyle = iota // x[2i] with x[2i+1]: llama and its kin
	ropeHalves                    // x[i] with x[i+dim/2]: NeoX, Qwen, Gemma
)

// rope is one rotary position embedding (arXiv:2104.09864), with the scalings
// that files name: linear, YaRN (arXiv:2309.00071), and a factor per frequency.
// Angles follow llama.cpp step by step in float32, so that long contexts agree.
type rope struct {
	id      int // index into State.rope
	style   ropeStyle
	dim     int       // numbers of a head that turn; even
	factors []float32 // [dim/2] divides each frequency; nil: none
	long    []float32 // the same for contexts that are longer than original; nil: factors
	still   []bool    // [dim/2] pairs that do not turn; nil: all turn
	step    float32   // ratio of one frequency to the next
	scale   float32   // linear scaling of the position, 1/factor
	yarn    float32   // weight of YaRN's mix; 0: none
	low     float32   // YaRN: pairs before low turn unscaled,
	high    float32   // pairs after high turn scaled
	mag     float32   // magnitude of the rotated numbers

	original int // tokens of the context that the model was first trained on
}

// ropeParams are what distinguishes the rotations within one model.
type ropeParams struct {
	style   ropeStyle
	dim     int
	base    float32
	scale   float32   // 0: from the file
	factors []float32 // nil: none
	long    []float32 // of contexts longer than the original; nil: factors
	still   []bool    // pairs that do not turn; nil: all turn
	plain   bool      // whatever scaling the file names is not for this rotation
	mag     float32   // YaRN's magnitude; 0: from the file
	exact   bool      // and no other factor of the file's
}

// rope reads the scaling keys and registers a rotation; equal ones are shared.
func (b *builder) rope(o ropeParams) *rope {
	if !b.rotates(o.dim) {
		return nil
	}
	if !(o.base > 0) || math.IsInf(float64(o.base), 0) {
		b.fail(ErrModel, "rotation with base %v", o.base)
		return nil
	}
	r := &rope{style: o.style, dim: o.dim, factors: o.factors, long: o.long, still: o.still, scale: o.scale, mag: 1}
	if r.long != nil {
		r.original = b.positiveOr("rope.scaling.original_context_length", b.m.Context)
	}
	r.step = float32(kernels.Pow64(float64(o.base), float64(-2/float32(o.dim))))
	if o.plain {
		r.scale = 1
		return b.sharedRope(r)
	}
	kind := b.textOr("rope.scaling.type", "linear")
	if kind != "none" && kind != "linear" && kind != "yarn" && kind != "longrope" {
		b.fail(ErrUnsupported, "%s is %q (known: none, linear, yarn, longrope)", b.key("rope.scaling.type"), kind)
	}
	if r.scale == 0 {
		r.scale = b.ropeScale(kind)
	}
	if kind == "yarn" {
		b.yarn(r, o.base)
		if o.mag != 0 {
			r.mag = o.mag
		}
	}
	if !o.exact {
		r.mag *= b.floatOr("rope.scaling.attn_factor", 1)
	}
	return b.sharedRope(r)
}

// maxRotated bounds the tables of a rotation, which are made before any tensor
// tells how wide heads are; the widest there are have some hundred numbers.
const maxRotated = 1 << 14

// rotates checks how many numbers of a head turn.
func (b *builder) rotates(dim int) bool {
	if dim < 2 || dim%2 != 0 || dim > maxRotated {
		b.fail(ErrModel, "%d numbers of a head cannot be rotated in pairs, see %s", dim, b.key("rope.dimension_count"))
		return false
	}
	return true
}

// sharedRope registers a rotation, or gives the equal one that there is.
func (b *builder) sharedRope(r *rope) *rope {
	for _, known := range b.m.ropes {
		if r.id = known.id; reflect.DeepEqual(r, known) {
			return known
		}
	}
	r.id = len(b.m.ropes)
	b.m.ropes = append(b.m.ropes, r)
	return r
}

// withFactors adds the divisors of the frequencies that the file has: one list
// (Llama 3), or one for short and one for long contexts (LongRoPE, arXiv:2402.13753).
func (b *builder) withFactors(o ropeParams) ropeParams {
	if o.factors = b.vectorOr("rope_freqs.weight", o.dim/2); o.factors != nil {
		return o
	}
	o.factors = b.vectorOr("rope_factors_short.weight", o.dim/2)
	o.long = b.vectorOr("rope_factors_long.weight", o.dim/2)
	return o
}

// withSections adds the pairs that stand still for text: models that see have
// positions on several axes (M-RoPE, arXiv:2409.12191), a section of the pairs
// for each, either one after the other or interleaved. A text has the same
// position on the first three axes and 0 on the fourth.
func (b *builder) withSections(o ropeParams, interleaved bool) ropeParams {
	const name = "rope.dimension_sections"
	a, err := b.file.Array(b.key(name))
	if err != nil {
		if b.err == nil {
			b.err = err
		}
		return o
	}
	var n [4]int
	for i := range min(len(n), a.Len()) {
		n[i] = b.entry(name, a, i)
	}
	all := n[0] + n[1] + n[2] + n[3]
	if all == 0 || b.err != nil {
		b.fail(ErrModel, "%s are all zero", b.key(name))
		return o
	}
	if !b.rotates(o.dim) {
		return o
	}
	still := make([]bool, o.dim/2)
	any := false
	for i := range still {
		at := i % all
		if interleaved {
			axis := at % 3
			still[i] = at >= 3*n[axis]
		} else {
			still[i] = at >= n[0]+n[1]+n[2]
		}
		any = any || still[i]
	}
	if any {
		o.still = still
	}
	return o
}

// ropeScale is 1/factor of a file's linear or YaRN scaling.
func (b *builder) ropeScale(kind string) float32 {
	factor := b.floatOr("rope.scaling.factor", b.floatOr("rope.scale_linear", 0))
	if factor == 0 || kind == "none" {
		return 1
	}
	return 1 / factor
}

// yarn fills in YaRN's correction range and magnitude.
func (b *builder) yarn(r *rope, base float32) {
	original := b.positiveOr("rope.scaling.original_context_length", b.m.Context)
	if original == 0 {
		b.fail(ErrModel, "YaRN scaling without %s", b.key("rope.scaling.original_context_length"))
		return
	}
	r.yarn = b.floatOr("rope.scaling.yarn_ext_factor", 1)
	if r.yarn < 0 {
		r.yarn = 1
	}
	// The pair whose wave turns beta times within the original context.
	pair := func(beta float32) float32 {
		turns := float64(original) / (float64(beta) * 2 * math.Pi)
		return float32(float64(r.dim) * kernels.Log64(turns) / (2 * kernels.Log64(float64(base))))
	}
	fast, slow := b.floatOr("rope.scaling.yarn_beta_fast", 32), b.floatOr("rope.scaling.yarn_beta_slow", 1)
	first, last := float64(pair(fast)), float64(pair(slow))
	if b.boolOr("rope.scaling.yarn_truncate", true) { // our converter's key: llama.cpp has no other way
		first, last = math.Floor(first), math.Ceil(last)
	}
	r.low, r.high = max(0, float32(first)), min(float32(r.dim-1), float32(last))
	if r.yarn != 0 {
		// Attention is sharpened by 0.1 ln(factor) + 1, or by the ratio of two
		// such terms where the file gives a multiplier (DeepSeek).
		sharp := func(mul float32) float32 {
			factor := 1 / r.scale
			if factor <= 1 {
				return 1
			}
			return float32(float32(0.1*mul)*float32(kernels.Log64(float64(factor)))) + 1
		}
		r.mag = sharp(1)
		if mul := b.floatOr("rope.scaling.yarn_log_multiplier", 0); mul != 0 {
			r.mag = sharp(1) / sharp(mul)
		}
	}
}

// tableIn is table for a context of up to size tokens.
func (r *rope) tableIn(dst []float32, pos, size int) {
	if r.long != nil && size > r.original {
		r.fill(dst, pos, r.long)
		return
	}
	r.table(dst, pos)
}

// table writes the cosines and then the sines for one position, dim/2 of each.
func (r *rope) table(dst []float32, pos int) { r.fill(dst, pos, r.factors) }

func (r *rope) fill(dst []float32, pos int, factors []float32) {
	half := r.dim / 2
	theta := float32(pos)
	for i := range half {
		full := theta
		if factors != nil {
			full /= factors[i]
		}
		angle := float32(full * r.scale)
		if r.yarn != 0 {
			ramp := (float32(i) - r.low) / max(0.001, r.high-r.low)
			mix := float32((1 - min(1, max(0, ramp))) * r.yarn)
			angle = float32(angle*(1-mix)) + float32(full*mix)
		}
		if r.still != nil && r.still[i] {
			angle = 0
		}
		sin, cos := kernels.Sincos64(float64(angle))
		dst[i] = float32(cos) * r.mag
		dst[half+i] = float32(sin) * r.mag
		theta *= r.step
	}
}

// rotate turns one head in place by a table of its position.
func (r *rope) rotate(x, table []float32) {
	cos, sin := table[:r.dim/2], table[r.dim/2:r.dim]
	if r.style == ropeAdjacent {
		kernels.RopeNorm(x, cos, sin)
	} else {
		kernels.RopeNeox(x, cos, sin)
	}
}

// back writes the table that turns back what a table has turned.
func (r *rope) back(dst, table []float32) {
	half := r.dim / 2
	copy(dst, table[:half])
	for i, sin := range table[half:r.dim] {
		dst[half+i] = -sin
	}
}
