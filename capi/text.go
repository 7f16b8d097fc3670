package main

// #include "abi.h"
import "C"

import (
	"unsafe"

	"happyphonellm/internal/infer"
)

//export hp_llm_tokenize
func hp_llm_tokenize(handle C.hp_llm_model, data *C.hp_const_char, size C.int64_t, flags C.uint32_t, buffer *C.int32_t, capacity C.int64_t, count *C.int64_t, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		if err := onlyFlags(uint32(flags), C.HP_LLM_ADD_SPECIAL|C.HP_LLM_PARSE_SPECIAL); err != nil {
			return err
		}
		s, err := text("text", data, size)
		if err != nil {
			return err
		}
		return withEngine(handle, func(_ *model, engine *infer.Engine) error {
			tokens, err := engine.Tokenize(s, infer.TokenizeOptions{
				AddSpecial: flags&C.HP_LLM_ADD_SPECIAL != 0, ParseSpecial: flags&C.HP_LLM_PARSE_SPECIAL != 0,
			})
			if err != nil {
				return err
			}
			return give(tokens, buffer, capacity, count)
		})
	})
}

//export hp_llm_detokenize
func hp_llm_detokenize(handle C.hp_llm_model, tokens *C.hp_const_int32, tokenCount C.int64_t, flags C.uint32_t, buffer *C.char, capacity C.int64_t, size *C.int64_t, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		if err := onlyFlags(uint32(flags), C.HP_LLM_SHOW_SPECIAL); err != nil {
			return err
		}
		list, err := ids("ids", tokens, tokenCount)
		if err != nil {
			return err
		}
		return withEngine(handle, func(_ *model, engine *infer.Engine) error {
			s, err := engine.Detokenize(list, flags&C.HP_LLM_SHOW_SPECIAL != 0)
			if err != nil {
				return err
			}
			return give([]byte(s), buffer, capacity, size)
		})
	})
}

// conversation copies messages of the caller.
func conversation(p *C.hp_const_message, count C.int64_t) ([]infer.Message, error) {
	list, err := array("messages", (*C.hp_llm_message)(unsafe.Pointer(p)), int64(count), maxList)
	if err != nil {
		return nil, err
	}
	if len(list) == 0 {
		return nil, argument("there are no messages")
	}
	messages := make([]infer.Message, len(list))
	for i := range list {
		from, to := &list[i], &messages[i]
		var calls string
		for _, field := range []struct {
			name string
			from C.hp_llm_text
			to   *string
		}{
			{"role", from.role, &to.Role},
			{"content", from.content, &to.Content},
			{"reasoning", from.reasoning, &to.Reasoning},
			{"tool_calls", from.tool_calls, &calls},
			{"tool_call_id", from.tool_call_id, &to.ToolCallID},
			{"name", from.name, &to.Name},
		} {
			if *field.to, err = textOf("message "+field.name, field.from); err != nil {
				return nil, err
			}
		}
		if to.Role == "" {
			return nil, argument("message %d has no role", i)
		}
		if calls != "" {
			if to.ToolCalls, err = infer.ParseToolCalls(calls); err != nil {
				return nil, err
			}
		}
	}
	return messages, nil
}

func chatOptions(p *C.hp_const_chat_options) (infer.ChatOptions, error) {
	o := infer.ChatOptions{AddGenerationPrompt: true}
	if p == nil {
		return o, nil
	}
	from, err := in("chat options", (*C.hp_llm_chat_options)(p))
	if err != nil {
		return o, err
	}
	switch from.thinking {
	case C.HP_LLM_THINKING_DEFAULT:
	case C.HP_LLM_THINKING_ON:
		o.Thinking = infer.ThinkingOn
	case C.HP_LLM_THINKING_OFF:
		o.Thinking = infer.ThinkingOff
	default:
		return o, argument("thinking %d", int32(from.thinking))
	}
	if from.no_answer_prefix != 0 && from.no_answer_prefix != 1 || from.reserved != 0 {
		return o, argument("chat options: no_answer_prefix %d, reserved %d", int32(from.no_answer_prefix), int32(from.reserved))
	}
	o.AddGenerationPrompt = from.no_answer_prefix == 0
	tools, err := textOf("tools", from.tools)
	if err == nil && tools != "" {
		o.Tools, err = infer.ParseTools(tools)
	}
	return o, err
}

//export hp_llm_chat_prompt
func hp_llm_chat_prompt(handle C.hp_llm_model, messages *C.hp_const_message, messageCount C.int64_t, options *C.hp_const_chat_options, buffer *C.char, capacity C.int64_t, size *C.int64_t, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		list, err := conversation(messages, messageCount)
		if err != nil {
			return err
		}
		o, err := chatOptions(options)
		if err != nil {
			return err
		}
		return withEngine(handle, func(_ *model, engine *infer.Engine) error {
			prompt, err := engine.RenderChat(list, o)
			if err != nil {
				return err
			}
			return give([]byte(prompt), buffer, capacity, size)
		})
	})
}
