package model

import "happyphonellm/internal/kernels"

func init() {
	register("deepseek2", deepseek2)
	register("mistral4", deepseek2)
	register("deepseek32", deepseek2)
	register("glm-dsa", deepseek2)
}

// deepseek2 is DeepSeek V2 and V3 with all that has their form (Kimi K2, GLM 4.7
// Flash, Kanana, ...), Mistral Small 4, DeepSeek V3.2 and GLM 5: latent
// attention, and experts of which some are shared.
//
// In the last two an indexer picks the positions that a token sees.
func deepseek2(b *builder) {
	arch := b.m.Arch
	sparse := arch == "deepseek32" || arch == "glm-dsa"
	rope, scale := b.latentRope(ropeAdjacent)
	indexRope, indexEps, indexed := rope, float32(0), b.indexedGLM()
	if arch == "deepseek32" {
		indexRope, _ = b.latentRope(ropeHalves)
		indexEps, indexed = 1e-6, nil
	}
	temper := b.temper(0, b.uintOr("attention.temperature_length", 0))
	lead := b.denseLead()
	b.embedding(1)
	for b.nextLayer() {
		h := b.latentHeads()
		a := b.latentAttention(h, rope)
		a.core.params.Scale = scale / sqrt(h.keyDim)
		a.core.temper = temper
		switch {
		case sparse && indexed != nil && !indexed[b.layer]:
			a.index = b.sharedIndexer()
		case sparse:
			a.index = b.latentIndexer(a, indexRope, indexEps)
		}
		b.add(a)
		if b.layer < lead {
			f := b.feedForward(kernels.SwiGLU)
			if !sparse {
				f.unscaled()
			}
			b.add(f)
			continue
		}
		m := b.sharedMoE()
		m.gating = b.gatingOr(b.latentGating())
		if !sparse {
			m.unscaled()
		}
		b.add(m)
	}
	b.head()
}

// indexedGLM tells which layers of GLM 5 have an indexer of their own. GLM 5.2
// has them in the first two and then in every fourth; those before in all.
func (b *builder) indexedGLM() []bool {
	list := b.indexed(1)
	const long = 1 << 20
	if _, ok := b.file.Value(b.key("attention.indexer.types")); !ok && b.m.Context >= long {
		for i := range list {
			list[i] = i < 2 || (i-2)%4 == 0
		}
	}
	return list
}

// latentGating is the gating of files that name none.
func (b *builder) latentGating() gating {
	glmFlash := (b.m.Layers == 47 || b.m.Layers == 48) && b.m.Vocab == 154880
	if b.m.Arch == "glm-dsa" || glmFlash {
		return gateSigmoid
	}
	return gateSoftmax
}

// latentRope is the rotation of the shared part of keys, and the factor of the
// scores that YaRN's sharpening becomes here, since most of a key does not turn.
func (b *builder) latentRope(style ropeStyle) (*rope, float32) {
	dim := b.uint("rope.dimension_count")
	o := ropeParams{style: style, dim: dim, base: b.floatOr("rope.freq_base", 10000)}
	multiplier := float32(0)
	if b.m.Arch != "glm-dsa" {
		// Files have a tenth of it.
		multiplier = b.floatOr("rope.scaling.yarn_log_multiplier", 0) / 0.1
	}
	kind := b.textOr("rope.scaling.type", "linear")
	grow := float32(kernels.Log64(float64(1 / b.ropeScale(kind))))
	sharp := func(mul float32) float32 { return 1 + max(0, float32(0.1*mul*grow)) }
	o.mag = sharp(1)
	if multiplier != 0 {
		o.mag = sharp(1) / sharp(multiplier)
		if b.m.Arch == "deepseek2" {
			o.mag = 1
		}
	}
	scale := (1 + float32(0.1*grow)) * b.floatOr("rope.scaling.attn_factor", 1)
	if kind == "yarn" {
		scale = o.mag * b.floatOr("rope.scaling.attn_factor", 1)
	}
	scale *= 1 + float32(0.1*multiplier*grow)
	return b.rope(o), scale * scale
}
