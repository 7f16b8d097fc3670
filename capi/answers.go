package main

// #include "hp_llm.h"
import "C"

import (
	"errors"
	"unsafe"

	"happyphonellm/internal/infer"
)

//export hpgo_request_defaults
func hpgo_request_defaults(request uintptr, e uintptr) int32 {
	return guard(e, func() error {
		return out("request", request, C.hp_llm_request{max_tokens: -1})
	})
}

// prepare copies a request and gives the function that makes the engine's from
// it, which takes time and runs on the library's own goroutine.
func prepare(engine *infer.Engine, p uintptr) (func() (infer.Request, error), error) {
	from, err := in[hostRequest]("request", p)
	if err != nil {
		return nil, err
	}
	if err := onlyFlags(from.flags, C.HP_LLM_IGNORE_EOS|C.HP_LLM_PROMPT_SPECIAL); err != nil {
		return nil, err
	}
	if from.reserved != 0 {
		return nil, argument("request: reserved is %d", from.reserved)
	}
	r := infer.Request{MaxTokens: max(int(from.maxTokens), -1), IgnoreEOS: from.flags&C.HP_LLM_IGNORE_EOS != 0}
	if r.Sampling, err = sampling(from.sampling); err != nil {
		return nil, err
	}
	stops, err := array[hostText]("stops", from.stops, from.stopCount, maxStops)
	if err != nil {
		return nil, err
	}
	for _, t := range stops {
		stop, err := textOf("a stop text", t)
		if err != nil {
			return nil, err
		}
		if stop == "" {
			return nil, argument("an empty stop text")
		}
		r.Stop = append(r.Stop, stop)
	}
	given := 0
	for _, n := range []int64{from.messageCount, from.prompt.size, from.tokenCount} {
		if n != 0 {
			given++
		}
	}
	if given != 1 {
		return nil, argument("a request has exactly one of messages, prompt and tokens; here are %d", given)
	}
	prompt, err := promptOf(engine, &from)
	if err != nil {
		return nil, err
	}
	return func() (infer.Request, error) {
		r := r
		r.Prompt, err = prompt()
		return r, err
	}, nil
}

// promptOf copies the prompt, and gives the function that makes tokens of it.
func promptOf(engine *infer.Engine, from *hostRequest) (func() ([]int32, error), error) {
	switch {
	case from.tokenCount != 0:
		list, err := ids("tokens", from.tokens, from.tokenCount)
		return func() ([]int32, error) { return list, nil }, err
	case from.prompt.size != 0:
		s, err := textOf("prompt", from.prompt)
		return func() ([]int32, error) {
			if from.flags&C.HP_LLM_PROMPT_SPECIAL != 0 {
				return engine.TokenizePrompt(s)
			}
			return engine.Tokenize(s, infer.TokenizeOptions{AddSpecial: true})
		}, err
	}
	messages, err := conversation(from.messages, from.messageCount)
	if err != nil {
		return nil, err
	}
	o, err := chatOptions(from.chat)
	if err != nil {
		return nil, err
	}
	return func() ([]int32, error) {
		s, err := engine.RenderChat(messages, o)
		if err != nil {
			return nil, err
		}
		return engine.TokenizePrompt(s)
	}, nil
}

// begin starts or goes on with an answer.
func (s *session) begin(request uintptr) error {
	if request == 0 {
		return s.stream.Resume()
	}
	r, err := prepare(s.engine, request)
	if err != nil {
		return err
	}
	return s.stream.Begin(r)
}

// beginAndUnlock is begin with s.beginning held, which it lets go even if it panics.
func (s *session) beginAndUnlock(request uintptr) error {
	defer s.beginning.Unlock()
	return s.begin(request)
}

var finishes = map[infer.Finish]C.int32_t{
	infer.Running: C.HP_LLM_FINISH_NONE, infer.FinishStop: C.HP_LLM_FINISH_STOP,
	infer.FinishLength: C.HP_LLM_FINISH_LENGTH, infer.FinishContext: C.HP_LLM_FINISH_CONTEXT,
	infer.FinishStopped: C.HP_LLM_FINISH_STOPPED, infer.FinishFailed: C.HP_LLM_FINISH_ERROR,
}

// eventText is how many bytes of text go into a C event.
const eventText = len((C.hp_llm_event{}).text) - 1

func cEvent(ev infer.StreamEvent) C.hp_llm_event {
	e := C.hp_llm_event{
		finish: finishes[ev.Finish], token: C.int32_t(ev.ID),
		prompt_tokens: C.int32_t(ev.PromptTokens), cached_tokens: C.int32_t(ev.CachedTokens),
		generated_tokens: C.int32_t(ev.GeneratedTokens),
	}
	e.text_size = C.int32_t(putText(e.text[:], ev.Text))
	return e
}

//export hpgo_generate
func hpgo_generate(handle uint64, request, function, user, e uintptr) int32 {
	return guard(e, func() error {
		s, err := findSession(handle)
		if err != nil {
			return err
		}
		if function == 0 {
			return argument("callback is NULL")
		}
		s.beginning.Lock()
		if !s.taker.CompareAndSwap(nobody, generateTakes) {
			s.beginning.Unlock()
			return infer.ErrBusy
		}
		defer s.taker.Store(nobody)
		if err := s.beginAndUnlock(request); err != nil {
			return err
		}
		for {
			ev, failure := s.stream.Next(infer.Forever)
			if failure != nil && ev.Finish != infer.FinishFailed {
				return failure
			}
			event := cEvent(ev)
			event.struct_size = C.uint32_t(unsafe.Sizeof(event))
			goOn := callback{function, user}.event(&event)
			if failure != nil || ev.Finish != infer.Running {
				return failure
			}
			if !goOn {
				s.stream.Stop()
				return infer.ErrStopped
			}
		}
	})
}

//export hpgo_start
func hpgo_start(handle uint64, request uintptr, e uintptr) int32 {
	return guard(e, func() error {
		s, err := findSession(handle)
		if err != nil {
			return err
		}
		s.beginning.Lock()
		if s.taker.Load() == generateTakes {
			s.beginning.Unlock()
			return infer.ErrBusy
		}
		return s.beginAndUnlock(request)
	})
}

//export hpgo_next
func hpgo_next(handle uint64, timeoutMS int32, event uintptr, e uintptr) int32 {
	return guard(e, func() error {
		s, err := findSession(handle)
		if err != nil {
			return err
		}
		wait, err := timeout(timeoutMS)
		if err != nil {
			return err
		}
		none := C.hp_llm_event{token: -1}
		if err := out("event", event, none); err != nil {
			return err
		}
		if !s.taker.CompareAndSwap(nobody, nextTakes) {
			return infer.ErrBusy
		}
		defer s.taker.Store(nobody)
		ev, failure := s.stream.Next(wait)
		if failure != nil && ev.Finish != infer.FinishFailed {
			return failure
		}
		return errors.Join(failure, out("event", event, cEvent(ev)))
	})
}
