// Package sample picks the next token from a row of logits.
//
// Each family of samplers is one file of plain functions on a set of
// candidates, and one line in the table of stages (stages.go). Order, defaults
// and formulas are those of llama.cpp 0.7.0, whose distributions the tests
// compare; random draws are the same too, so that a seed means the same here
// and there.
//
// Everything is plain arithmetic with fixed rounding: exp, log and pow are the
// package's own (math.go) and no product is fused into a sum, so the same
// logits and the same seed give the same token on every platform.
//
// It does not own grammars, stop strings or the end-of-turn rule, and it never
// sees the model.
package sample

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// RandomSeed asks for a seed from the operating system; [Chain.Seed] tells
// which one it was.
const RandomSeed uint32 = math.MaxUint32

// Bias adds a constant to the logit of one token; math.Inf(-1) bans it.
type Bias struct {
	ID   int32
	Bias float32
}

// Params are the settings of a chain. [DefaultParams] gives llama-cli's
// defaults; the zero value is not valid (a repeat penalty of 0 divides by 0).
type Params struct {
	Seed uint32 // RandomSeed: a fresh one

	// Samplers names the stages in order; nil is [DefaultSamplers].
	Samplers []string
	MinKeep  int // typ_p, top_p, min_p and xtc leave at least so many candidates

	Temperature      float32 // 0: always the most probable token
	DynatempRange    float32 // 0: off; else the temperature moves by +- this with the entropy
	DynatempExp      float32
	TopK             int     // <= 0: off
	TopP             float32 // 1: off
	MinP             float32 // 0: off
	TypicalP         float32 // 1: off
	TopNSigma        float32 // <= 0: off
	XTCProbability   float32 // 0: off
	XTCThreshold     float32 // > 0.5: off
	AdaptiveTarget   float32 // adaptive_p: wanted probability; negative: off
	AdaptiveDecay    float32 // adaptive_p: memory, 0 to 0.99
	Mirostat         int     // 0: off, 1, 2: replaces every stage but bias and temperature
	MirostatTau      float32 // wanted surprise, bits
	MirostatEta      float32 // learning rate
	RepeatLastN      int     // the window of the three penalties, tokens; 0: off
	RepeatPenalty    float32 // 1: off
	PresencePenalty  float32
	FrequencyPenalty float32

	DryMultiplier    float32 // 0: off
	DryBase          float32 // below 1: off
	DryAllowedLength int
	DryPenaltyLastN  int // the window, tokens; 0: off
	DryBreakers      []string

	LogitBias []Bias
}

// DefaultParams returns llama-cli's defaults.
func DefaultParams() Params {
	return Params{
		Seed:             RandomSeed,
		Temperature:      0.8,
		DynatempExp:      1,
		TopK:             40,
		TopP:             0.95,
		MinP:             0.05,
		TypicalP:         1,
		TopNSigma:        -1,
		XTCThreshold:     0.1,
		AdaptiveTarget:   -1,
		AdaptiveDecay:    0.9,
		MirostatTau:      5,
		MirostatEta:      0.1,
		RepeatLastN:      64,
		RepeatPenalty:    1,
		DryBase:          1.75,
		DryAllowedLength: 2,
		DryPenaltyLastN:  64,
		DryBreakers:      []string{"\n", ":", "\"", "*"},
	}
}

// Greedy returns the defaults with temperature 0.
func Greedy() Params {
	p := DefaultParams()
	p.Temperature = 0
	return p
}

// maxWindow bounds the memory that a penalty window can ask for.
const maxWindow = 1 << 20

// Validate reports the first setting that makes no sense, by name.
func (p *Params) Validate() error {
	inf := float32(math.Inf(1))
	below1 := float32(math.Nextafter32(1, 0))
	for _, c := range []struct {
		name     string
		v        float32
		min, max float32
		want     string
	}{
		{"temperature", p.Temperature, 0, math.MaxFloat32, "0 or more"},
		{"dynamic temperature range", p.DynatempRange, 0, math.MaxFloat32, "0 or more"},
		{"dynamic temperature exponent", p.DynatempExp, -math.MaxFloat32, math.MaxFloat32, "finite"},
		{"top-p", p.TopP, 0, 1, "from 0 to 1"},
		{"min-p", p.MinP, 0, 1, "from 0 to 1"},
		{"typical-p", p.TypicalP, 0, 1, "from 0 to 1"},
		{"top-n-sigma", p.TopNSigma, -math.MaxFloat32, math.MaxFloat32, "finite"},
		{"xtc probability", p.XTCProbability, 0, 1, "from 0 to 1"},
		{"xtc threshold", p.XTCThreshold, 0, math.MaxFloat32, "0 or more"},
		{"adaptive target", p.AdaptiveTarget, -math.MaxFloat32, 1, "at most 1"},
		{"adaptive decay", p.AdaptiveDecay, 0, below1, "from 0 to below 1"},
		{"mirostat tau", p.MirostatTau, 0, math.MaxFloat32, "0 or more"},
		{"mirostat eta", p.MirostatEta, 0, math.MaxFloat32, "0 or more"},
		{"repeat penalty", p.RepeatPenalty, 1e-38, math.MaxFloat32, "more than 0"},
		{"presence penalty", p.PresencePenalty, -math.MaxFloat32, math.MaxFloat32, "finite"},
		{"frequency penalty", p.FrequencyPenalty, -math.MaxFloat32, math.MaxFloat32, "finite"},
		{"dry multiplier", p.DryMultiplier, -math.MaxFloat32, math.MaxFloat32, "finite"},
		{"dry base", p.DryBase, -math.MaxFloat32, math.MaxFloat32, "finite"},
	} {
		// Negated, so that NaN fails too.
		if !(c.v >= c.min && c.v <= c.max) {
			return fmt.Errorf("sample: %s must be %s, not %v", c.name, c.want, c.v)
		}
	}
	for _, c := range []struct {
		name     string
		v        int
		min, max int
	}{
		{"mirostat", p.Mirostat, 0, 2},
		{"repeat window (repeat-last-n)", p.RepeatLastN, 0, maxWindow},
		{"dry window (dry-penalty-last-n)", p.DryPenaltyLastN, 0, maxWindow},
		{"dry allowed length", p.DryAllowedLength, 0, maxWindow},
		{"min-keep", p.MinKeep, 0, math.MaxInt32},
	} {
		if c.v < c.min || c.v > c.max {
			return fmt.Errorf("sample: %s must be from %d to %d, not %d", c.name, c.min, c.max, c.v)
		}
	}
	for _, b := range p.LogitBias {
		if b.ID < 0 {
			return fmt.Errorf("sample: logit bias for token %d: ids start at 0", b.ID)
		}
		if b.Bias != b.Bias || b.Bias == inf {
			return fmt.Errorf("sample: logit bias for token %d must be a number or -inf, not %v", b.ID, b.Bias)
		}
	}
	for i, name := range p.Samplers {
		if !slices.Contains(Samplers(), name) {
			return fmt.Errorf("sample: unknown sampler %q (known: %s)", name, strings.Join(Samplers(), ", "))
		}
		if slices.Contains(p.Samplers[:i], name) {
			return fmt.Errorf("sample: sampler %q is named twice", name)
		}
	}
	return nil
}
