package main

import (
	"crypto/rand"
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"happyphonellm/internal/infer"
)

// samplingFlags are llama-cli's, with its defaults.
type samplingFlags struct {
	infer.Sampling
	samplers string // names joined by ";"
	letters  string
	biases   []string
	breakers []string
	seed     int64
}

func (s *samplingFlags) add(cmd *cobra.Command) {
	s.Sampling = infer.DefaultSampling()
	f := cmd.Flags()
	number := func(p *float32, name, help string) { f.Float32Var(p, name, *p, help) }
	count := func(p *int, name, help string) { f.IntVar(p, name, *p, help) }

	f.SetNormalizeFunc(otherNames)
	f.Int64VarP(&s.seed, "seed", "s", -1, "seed of the random draws (-1: a fresh one)")
	number(&s.Temperature, "temp", "temperature; 0 takes the most probable token always")
	count(&s.TopK, "top-k", "keep the K most probable tokens (0: off)")
	number(&s.TopP, "top-p", "keep the most probable tokens that hold P together (1: off)")
	number(&s.MinP, "min-p", "drop tokens below P times the most probable one (0: off)")
	number(&s.RepeatPenalty, "repeat-penalty", "divide the logits of recent tokens by this (1: off)")
	count(&s.RepeatLastN, "repeat-last-n", "how many tokens are recent (0: none)")
	number(&s.PresencePenalty, "presence-penalty", "lower the logits of recent tokens by this (0: off)")
	number(&s.FrequencyPenalty, "frequency-penalty", "the same, for each time they occur (0: off)")
	number(&s.TypicalP, "typical", "locally typical sampling (1: off)")
	number(&s.TopNSigma, "top-nsigma", "drop logits N standard deviations below the largest (-1: off)")
	number(&s.XTCProbability, "xtc-probability", "chance to exclude the top choices (0: off)")
	number(&s.XTCThreshold, "xtc-threshold", "probability of a top choice (above 0.5: off)")
	number(&s.DynatempRange, "dynatemp-range", "move the temperature by up to this with the entropy (0: off)")
	number(&s.DynatempExp, "dynatemp-exp", "how the entropy moves it")
	number(&s.DryMultiplier, "dry-multiplier", "strength of the penalty for repeated sequences, DRY (0: off)")
	number(&s.DryBase, "dry-base", "its growth with each repeated token")
	count(&s.DryAllowedLength, "dry-allowed-length", "repeated tokens that are free")
	count(&s.DryPenaltyLastN, "dry-penalty-last-n", "how many tokens DRY looks back (0: none)")
	f.StringArrayVar(&s.breakers, "dry-sequence-breaker", nil, "text that repetitions are not followed across, may be repeated; replaces '\\n' ':' '\"' '*' (none: no text)")
	count(&s.Mirostat, "mirostat", "Mirostat 1 or 2 instead of the samplers (0: off)")
	number(&s.MirostatEta, "mirostat-lr", "its learning rate")
	number(&s.MirostatTau, "mirostat-ent", "its target surprise, bits")
	number(&s.AdaptiveTarget, "adaptive-target", "wanted probability for the sampler adaptive_p (negative: off)")
	number(&s.AdaptiveDecay, "adaptive-decay", "its memory, 0 to 0.99")
	f.StringArrayVarP(&s.biases, "logit-bias", "l", nil, "ID+BIAS or ID-BIAS, added to a token's logit; may be repeated")
	f.StringVar(&s.samplers, "samplers", "", "the samplers in order, joined by ';' (default: penalties;dry;top_n_sigma;top_k;typ_p;top_p;min_p;xtc;temperature)")
	f.StringVar(&s.letters, "sampler-seq", "", "the same, one letter each (default: edskypmxt)")
}

// otherNames are those that llama-cli has beside a flag's first one.
func otherNames(_ *pflag.FlagSet, name string) pflag.NormalizedName {
	switch name {
	case "temperature":
		name = "temp"
	case "typical-p":
		name = "typical"
	case "top-n-sigma":
		name = "top-nsigma"
	case "sampling-seq":
		name = "sampler-seq"
	}
	return pflag.NormalizedName(name)
}

// samplerName is a sampler's name, which llama-cli also takes as top-k or topk for
// top_k, and a few short ones.
func samplerName(name string) string {
	plain := func(s string) string { return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s)) }
	switch p := plain(name); p {
	case "nucleus":
		return "top_p"
	case "temp":
		return "temperature"
	case "typ":
		return "typ_p"
	default:
		for _, known := range infer.Samplers() {
			if p == plain(known) {
				return known
			}
		}
	}
	return name
}

// endBans are biases against all tokens that end an answer, which is what llama-cli
// takes ignoring them for.
func endBans(e *infer.Engine) (bans []infer.LogitBias) {
	t := e.Tokenizer()
	if t == nil {
		return nil
	}
	for id := range int32(t.Size()) {
		if t.IsEOG(id) {
			bans = append(bans, infer.LogitBias{ID: id, Bias: float32(math.Inf(-1))})
		}
	}
	return bans
}

// params checks the flags and gives the settings, with the seed drawn.
func (s *samplingFlags) params(f *pflag.FlagSet) (infer.Sampling, error) {
	p := s.Sampling
	switch {
	case s.seed < -1 || s.seed > math.MaxUint32:
		return p, usage("--seed %d: want 0 to %d, or -1 for a fresh one", s.seed, uint32(math.MaxUint32))
	case s.seed >= 0 && s.seed < math.MaxUint32:
		p.Seed = uint32(s.seed)
	default:
		p.Seed = drawSeed()
	}
	if f.Changed("samplers") {
		p.Samplers = nil
		for _, name := range strings.FieldsFunc(s.samplers, func(r rune) bool { return r == ';' }) {
			p.Samplers = append(p.Samplers, samplerName(name))
		}
	}
	if f.Changed("sampler-seq") {
		names, ok := infer.SamplersByLetters(s.letters)
		if !ok {
			return p, usage("--sampler-seq %s: unknown letter (the default is edskypmxt)", s.letters)
		}
		p.Samplers = names
	}
	if p.Samplers == nil && (f.Changed("samplers") || f.Changed("sampler-seq")) {
		p.Samplers = []string{} // none at all, which is not the default
	}
	if len(s.breakers) > 0 {
		p.DryBreakers = s.breakers
		if len(s.breakers) == 1 && s.breakers[0] == "none" {
			p.DryBreakers = nil
		}
	}
	for _, text := range s.biases {
		b, ok := parseBias(text)
		if !ok {
			return p, usage("--logit-bias %s: want ID+BIAS or ID-BIAS, as 15043-1 or 2-inf", text)
		}
		p.LogitBias = append(p.LogitBias, b)
	}
	if err := p.Validate(); err != nil {
		return p, usage("%s", strings.TrimPrefix(err.Error(), "sample: "))
	}
	return p, nil
}

func parseBias(text string) (infer.LogitBias, bool) {
	at := strings.IndexAny(text, "+-")
	if at < 1 {
		return infer.LogitBias{}, false
	}
	id, err := strconv.ParseInt(text[:at], 10, 32)
	if err != nil {
		return infer.LogitBias{}, false
	}
	v, err := strconv.ParseFloat(text[at:], 32)
	return infer.LogitBias{ID: int32(id), Bias: float32(v)}, err == nil
}

// drawSeed draws a seed here rather than in the sampler, so that the
// statistics can name it.
func drawSeed() uint32 {
	for {
		var b [4]byte
		rand.Read(b[:])
		if s := binary.LittleEndian.Uint32(b[:]); s != infer.RandomSeed {
			return s
		}
	}
}
