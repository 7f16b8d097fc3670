package sample

import "slices"

// stage is one kind of sampler. build reads its settings and returns what it
// does to a set, or nil where they switch it off.
type stage struct {
	name   string
	letter byte // in llama-cli's --sampler-seq
	kind   kind
	build  func(c *Chain, p *Params) func(s *set)
}

// stages is the table of samplers, in llama-cli's order.
var stages = []stage{
	{"penalties", 'e', reweights, func(c *Chain, p *Params) func(*set) {
		if p.RepeatLastN == 0 || p.RepeatPenalty == 1 && p.PresencePenalty == 0 && p.FrequencyPenalty == 0 {
			return nil
		}
		c.penalties = newPenalties(p, c.vocab)
		return c.penalties.apply
	}},
	{"dry", 'd', reweights, func(c *Chain, p *Params) func(*set) {
		if p.DryMultiplier == 0 || p.DryBase < 1 || p.DryPenaltyLastN == 0 {
			return nil
		}
		c.dry = newDry(p, tokenBreakers(c.tokenizer, p.DryBreakers), c.vocab)
		return c.dry.apply
	}},
	{"top_n_sigma", 's', truncates, func(_ *Chain, p *Params) func(*set) {
		if p.TopNSigma <= 0 {
			return nil
		}
		n := p.TopNSigma
		return func(s *set) { topNSigma(s, n) }
	}},
	{"top_k", 'k', truncates, func(_ *Chain, p *Params) func(*set) {
		if p.TopK <= 0 {
			return nil
		}
		k := p.TopK
		return func(s *set) { topK(s, k) }
	}},
	{"typ_p", 'y', dethrones, func(_ *Chain, p *Params) func(*set) {
		if p.TypicalP >= 1 {
			return nil
		}
		t, keep := p.TypicalP, p.MinKeep
		return func(s *set) { typical(s, t, keep) }
	}},
	{"top_p", 'p', truncates, func(_ *Chain, p *Params) func(*set) {
		if p.TopP >= 1 {
			return nil
		}
		t, keep := p.TopP, p.MinKeep
		return func(s *set) { topP(s, t, keep) }
	}},
	{"min_p", 'm', truncates, func(_ *Chain, p *Params) func(*set) {
		if p.MinP <= 0 {
			return nil
		}
		m, keep := p.MinP, p.MinKeep
		return func(s *set) { minP(s, m, keep) }
	}},
	{"xtc", 'x', dethrones, func(c *Chain, p *Params) func(*set) {
		if p.XTCProbability <= 0 || p.XTCThreshold > 0.5 {
			return nil
		}
		chance, threshold, keep := p.XTCProbability, p.XTCThreshold, p.MinKeep
		c.xtc = &rng{}
		return func(s *set) { xtc(s, chance, threshold, keep, c.xtc) }
	}},
	{"temperature", 't', truncates, func(_ *Chain, p *Params) func(*set) {
		t, span, exponent := p.Temperature, p.DynatempRange, p.DynatempExp
		if span > 0 {
			return func(s *set) { dynamicTemperature(s, t, span, exponent) }
		}
		return func(s *set) { temperature(s, t) }
	}},
	{"adaptive_p", 'a', dethrones, func(c *Chain, p *Params) func(*set) {
		c.adaptive = newAdaptive(p) // picks at the end of the chain, wherever it is named
		return nil
	}},
}

// kind says what a stage does to the most probable token.
type kind int

const (
	truncates kind = iota // it stays, and stays first
	reweights             // another may become first
	dethrones             // it may be dropped
)

// stageByName finds a line of the table; Validate has refused unknown names.
func stageByName(name string) stage {
	return stages[slices.IndexFunc(stages, func(s stage) bool { return s.name == name })]
}

// Samplers lists the names that [Params].Samplers may hold.
func Samplers() []string {
	names := make([]string, len(stages))
	for i := range stages {
		names[i] = stages[i].name
	}
	return names
}

// DefaultSamplers is llama-cli's order: all but adaptive_p.
func DefaultSamplers() []string {
	return slices.DeleteFunc(Samplers(), func(name string) bool { return name == "adaptive_p" })
}

// SamplersByLetters reads llama-cli's short form, one letter a sampler
// ("edskypmxt" is the default order). It reports false at an unknown letter.
func SamplersByLetters(seq string) ([]string, bool) {
	names := []string{}
	for _, letter := range []byte(seq) {
		at := slices.IndexFunc(stages, func(s stage) bool { return s.letter == letter })
		if at < 0 {
			return nil, false
		}
		names = append(names, stages[at].name)
	}
	return names, true
}
