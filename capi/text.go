package main

// #include "hp_llm.h"
import "C"

import "happyphonellm/internal/infer"

//export hpgo_tokenize
func hpgo_tokenize(handle uint64, data uintptr, size int64, flags uint32, buffer uintptr, capacity int64, count uintptr, e uintptr) int32 {
	return guard(e, func() error {
		if err := onlyFlags(flags, C.HP_LLM_ADD_SPECIAL|C.HP_LLM_PARSE_SPECIAL); err != nil {
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

//export hpgo_detokenize
func hpgo_detokenize(handle uint64, tokens uintptr, tokenCount int64, flags uint32, buffer uintptr, capacity int64, size uintptr, e uintptr) int32 {
	return guard(e, func() error {
		if err := onlyFlags(flags, C.HP_LLM_SHOW_SPECIAL); err != nil {
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
func conversation(p uintptr, count int64) ([]infer.Message, error) {
	list, err := array[hostMessage]("messages", p, count, maxList)
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
			from hostText
			to   *string
		}{
			{"role", from.role, &to.Role},
			{"content", from.content, &to.Content},
			{"reasoning", from.reasoning, &to.Reasoning},
			{"tool_calls", from.toolCalls, &calls},
			{"tool_call_id", from.toolCallID, &to.ToolCallID},
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

func chatOptions(p uintptr) (infer.ChatOptions, error) {
	o := infer.ChatOptions{AddGenerationPrompt: true}
	if p == 0 {
		return o, nil
	}
	from, err := in[hostChatOptions]("chat options", p)
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
		return o, argument("thinking %d", from.thinking)
	}
	if from.noAnswerPrefix != 0 && from.noAnswerPrefix != 1 || from.reserved != 0 {
		return o, argument("chat options: no_answer_prefix %d, reserved %d", from.noAnswerPrefix, from.reserved)
	}
	o.AddGenerationPrompt = from.noAnswerPrefix == 0
	tools, err := textOf("tools", from.tools)
	if err == nil && tools != "" {
		o.Tools, err = infer.ParseTools(tools)
	}
	return o, err
}

//export hpgo_chat_prompt
func hpgo_chat_prompt(handle uint64, messages uintptr, messageCount int64, options uintptr, buffer uintptr, capacity int64, size uintptr, e uintptr) int32 {
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
