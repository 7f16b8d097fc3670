package main

// #include "hp_llm.h"
import "C"

import "happyphonellm/internal/infer"

//export hpgo_session_create
func hpgo_session_create(handle uint64, options uintptr, result uintptr, e uintptr) int32 {
	return guard(e, func() error {
		if err := needed("the session's pointer", result); err != nil {
			return err
		}
		*at[uint64](result) = 0
		o, err := sessionOptions(options)
		if err != nil {
			return err
		}
		return withEngine(handle, func(m *model, engine *infer.Engine) error {
			inner, err := engine.NewSession(o)
			if err != nil {
				return err
			}
			s := &session{model: m, engine: engine, stream: infer.NewStream(inner, eventText)}
			h, err := m.add(s)
			if err != nil {
				s.stream.Close()
				return err
			}
			*at[uint64](result) = h
			return nil
		})
	})
}

//export hpgo_session_tokens
func hpgo_session_tokens(handle uint64, buffer uintptr, capacity int64, count uintptr, e uintptr) int32 {
	return guard(e, func() error {
		s, err := findSession(handle)
		if err != nil {
			return err
		}
		if s.taker.Load() == generateTakes {
			return infer.ErrBusy
		}
		tokens, err := s.stream.Tokens()
		if err != nil {
			return err
		}
		return give(tokens, buffer, capacity, count)
	})
}

//export hpgo_session_truncate
func hpgo_session_truncate(handle uint64, length int64, e uintptr) int32 {
	return guard(e, func() error { return truncate(handle, length) })
}

//export hpgo_session_reset
func hpgo_session_reset(handle uint64, e uintptr) int32 {
	return guard(e, func() error { return truncate(handle, 0) })
}

func truncate(handle uint64, length int64) error {
	s, err := findSession(handle)
	if err != nil {
		return err
	}
	if s.taker.Load() == generateTakes {
		return infer.ErrBusy
	}
	return s.stream.Truncate(int(length))
}

//export hpgo_stats_get
func hpgo_stats_get(handle uint64, stats uintptr, e uintptr) int32 {
	return guard(e, func() error {
		s, err := findSession(handle)
		if err != nil {
			return err
		}
		st := s.stream.Stats()
		return out("stats", stats, C.hp_llm_stats{
			prompt_tokens:       C.int32_t(st.PromptTokens),
			cached_tokens:       C.int32_t(st.CachedTokens),
			generated_tokens:    C.int32_t(st.GeneratedTokens),
			context_tokens:      C.int32_t(st.ContextTokens),
			context_capacity:    C.int32_t(s.stream.Context()),
			load_ms:             C.double(st.LoadMS),
			prompt_ms:           C.double(st.PromptMS),
			first_token_ms:      C.double(st.TTFTMS),
			generate_ms:         C.double(st.GenerateMS),
			prompt_tokens_per_s: C.double(st.PrefillTokS),
			tokens_per_s:        C.double(st.DecodeTokS),
			peak_memory_bytes:   C.int64_t(st.PeakAnonBytes),
		})
	})
}
