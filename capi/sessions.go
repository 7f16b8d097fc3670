package main

// #include "abi.h"
import "C"

import "happyphonellm/internal/infer"

//export hp_llm_session_create
func hp_llm_session_create(handle C.hp_llm_model, options *C.hp_const_session_options, result *C.hp_llm_session, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		if err := needed("the session's pointer", result); err != nil {
			return err
		}
		*result = 0
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
			*result = C.hp_llm_session(h)
			return nil
		})
	})
}

//export hp_llm_session_tokens
func hp_llm_session_tokens(handle C.hp_llm_session, buffer *C.int32_t, capacity C.int64_t, count *C.int64_t, e *C.hp_llm_error) C.int32_t {
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

//export hp_llm_session_truncate
func hp_llm_session_truncate(handle C.hp_llm_session, length C.int64_t, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error { return truncate(handle, int64(length)) })
}

//export hp_llm_session_reset
func hp_llm_session_reset(handle C.hp_llm_session, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error { return truncate(handle, 0) })
}

func truncate(handle C.hp_llm_session, length int64) error {
	s, err := findSession(handle)
	if err != nil {
		return err
	}
	if s.taker.Load() == generateTakes {
		return infer.ErrBusy
	}
	return s.stream.Truncate(int(length))
}

//export hp_llm_stats_get
func hp_llm_stats_get(handle C.hp_llm_session, stats *C.hp_llm_stats, e *C.hp_llm_error) C.int32_t {
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
