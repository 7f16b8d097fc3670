package main

// #include "hp_llm.h"
import "C"

import "happyphonellm/internal/infer"

//export hpgo_sampling_defaults
func hpgo_sampling_defaults(sampling uintptr, e uintptr) int32 {
	return guard(e, func() error {
		d := infer.DefaultSampling()
		return out("sampling", sampling, C.hp_llm_sampling{
			seed:               C.uint32_t(d.Seed),
			temperature:        C.float(d.Temperature),
			top_k:              C.int32_t(d.TopK),
			top_p:              C.float(d.TopP),
			min_p:              C.float(d.MinP),
			typical_p:          C.float(d.TypicalP),
			top_n_sigma:        C.float(d.TopNSigma),
			dynatemp_range:     C.float(d.DynatempRange),
			dynatemp_exponent:  C.float(d.DynatempExp),
			xtc_probability:    C.float(d.XTCProbability),
			xtc_threshold:      C.float(d.XTCThreshold),
			adaptive_target:    C.float(d.AdaptiveTarget),
			adaptive_decay:     C.float(d.AdaptiveDecay),
			mirostat:           C.int32_t(d.Mirostat),
			mirostat_tau:       C.float(d.MirostatTau),
			mirostat_eta:       C.float(d.MirostatEta),
			repeat_last_n:      C.int32_t(d.RepeatLastN),
			repeat_penalty:     C.float(d.RepeatPenalty),
			presence_penalty:   C.float(d.PresencePenalty),
			frequency_penalty:  C.float(d.FrequencyPenalty),
			dry_multiplier:     C.float(d.DryMultiplier),
			dry_base:           C.float(d.DryBase),
			dry_allowed_length: C.int32_t(d.DryAllowedLength),
			dry_penalty_last_n: C.int32_t(d.DryPenaltyLastN),
			min_keep:           C.int32_t(d.MinKeep),
		})
	})
}

func sampling(p uintptr) (infer.Sampling, error) {
	d := infer.DefaultSampling()
	if p == 0 {
		return d, nil
	}
	from, err := in[hostSampling]("sampling", p)
	if err != nil {
		return d, err
	}
	// Of this view only the numbers are read.
	s := at[C.hp_llm_sampling](p)
	d.Seed = uint32(s.seed)
	d.Temperature = float32(s.temperature)
	d.TopK = int(s.top_k)
	d.TopP = float32(s.top_p)
	d.MinP = float32(s.min_p)
	d.TypicalP = float32(s.typical_p)
	d.TopNSigma = float32(s.top_n_sigma)
	d.DynatempRange = float32(s.dynatemp_range)
	d.DynatempExp = float32(s.dynatemp_exponent)
	d.XTCProbability = float32(s.xtc_probability)
	d.XTCThreshold = float32(s.xtc_threshold)
	d.AdaptiveTarget = float32(s.adaptive_target)
	d.AdaptiveDecay = float32(s.adaptive_decay)
	d.Mirostat = int(s.mirostat)
	d.MirostatTau = float32(s.mirostat_tau)
	d.MirostatEta = float32(s.mirostat_eta)
	d.RepeatLastN = int(s.repeat_last_n)
	d.RepeatPenalty = float32(s.repeat_penalty)
	d.PresencePenalty = float32(s.presence_penalty)
	d.FrequencyPenalty = float32(s.frequency_penalty)
	d.DryMultiplier = float32(s.dry_multiplier)
	d.DryBase = float32(s.dry_base)
	d.DryAllowedLength = int(s.dry_allowed_length)
	d.DryPenaltyLastN = int(s.dry_penalty_last_n)
	d.MinKeep = int(s.min_keep)
	letters, err := textOf("samplers", from.samplers)
	if err != nil {
		return d, err
	}
	if letters != "" {
		names, ok := infer.SamplersByLetters(letters)
		if !ok {
			return d, argument("samplers %q: an unknown letter", letters)
		}
		d.Samplers = names
	}
	biases, err := array[C.hp_llm_logit_bias]("biases", from.biases, from.biasCount, maxList)
	if err != nil {
		return d, err
	}
	for _, b := range biases {
		d.LogitBias = append(d.LogitBias, infer.LogitBias{ID: int32(b.token), Bias: float32(b.bias)})
	}
	if err := d.Validate(); err != nil {
		return d, argument("%s", err)
	}
	return d, nil
}
