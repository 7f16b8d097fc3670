package main

// #include "hp_llm.h"
import "C"

import "unsafe"

// The structs of hp_llm.h that hosts fill in, with numbers where those have
// pointers (shim.c says why). The constants below do not compile where a struct
// is not laid out as C's.
type (
	hostText struct {
		data uintptr
		size int64
	}
	initOptions struct {
		structSize uint32
		logLevel   int32
		log, user  uintptr
	}
	loadOptions struct {
		structSize     uint32
		threads        int32
		progress, user uintptr
	}
	hostMessage struct {
		role, content, reasoning, toolCalls, toolCallID, name hostText
	}
	hostChatOptions struct {
		structSize     uint32
		thinking       int32
		tools          hostText
		noAnswerPrefix int32
		reserved       int32
	}
	hostSampling struct {
		numbers   [unsafe.Offsetof(C.hp_llm_sampling{}.samplers)]byte
		samplers  hostText
		biases    uintptr
		biasCount int64
	}
	hostRequest struct {
		structSize   uint32
		flags        uint32
		maxTokens    int32
		reserved     int32
		messages     uintptr
		messageCount int64
		chat         uintptr
		prompt       hostText
		tokens       uintptr
		tokenCount   int64
		stops        uintptr
		stopCount    int64
		sampling     uintptr
	}
)

// Each is 0 where the sizes, or the offsets of the last fields, are equal, and
// otherwise no number that a uint holds.
const (
	_ = -uint(unsafe.Sizeof(hostText{}) ^ unsafe.Sizeof(C.hp_llm_text{}))
	_ = -uint(unsafe.Sizeof(initOptions{}) ^ unsafe.Sizeof(C.hp_llm_init_options{}))
	_ = -uint(unsafe.Offsetof(initOptions{}.user) ^ unsafe.Offsetof(C.hp_llm_init_options{}.log_user))
	_ = -uint(unsafe.Sizeof(loadOptions{}) ^ unsafe.Sizeof(C.hp_llm_load_options{}))
	_ = -uint(unsafe.Offsetof(loadOptions{}.user) ^ unsafe.Offsetof(C.hp_llm_load_options{}.progress_user))
	_ = -uint(unsafe.Sizeof(hostMessage{}) ^ unsafe.Sizeof(C.hp_llm_message{}))
	_ = -uint(unsafe.Offsetof(hostMessage{}.name) ^ unsafe.Offsetof(C.hp_llm_message{}.name))
	_ = -uint(unsafe.Sizeof(hostChatOptions{}) ^ unsafe.Sizeof(C.hp_llm_chat_options{}))
	_ = -uint(unsafe.Offsetof(hostChatOptions{}.reserved) ^ unsafe.Offsetof(C.hp_llm_chat_options{}.reserved))
	_ = -uint(unsafe.Sizeof(hostSampling{}) ^ unsafe.Sizeof(C.hp_llm_sampling{}))
	_ = -uint(unsafe.Offsetof(hostSampling{}.biasCount) ^ unsafe.Offsetof(C.hp_llm_sampling{}.bias_count))
	_ = -uint(unsafe.Sizeof(hostRequest{}) ^ unsafe.Sizeof(C.hp_llm_request{}))
	_ = -uint(unsafe.Offsetof(hostRequest{}.prompt) ^ unsafe.Offsetof(C.hp_llm_request{}.prompt))
	_ = -uint(unsafe.Offsetof(hostRequest{}.sampling) ^ unsafe.Offsetof(C.hp_llm_request{}.sampling))
)
