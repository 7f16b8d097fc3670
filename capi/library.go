package main

// #include "abi.h"
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"
	"unsafe"

	"happyphonellm/capi/handles"
	"happyphonellm/internal/infer"
)

// maxLogs is how many messages wait for the host.
const maxLogs = 256

type logMessage struct {
	level int32
	text  string
}

// logs are the messages that the host has not seen. They are made on the
// library's own threads, where hosts cannot be called.
var logs struct {
	mu         sync.Mutex
	level      int32
	callback   C.hp_llm_log_callback
	user       unsafe.Pointer // the host's
	waiting    []logMessage
	delivering atomic.Bool
	some       atomic.Bool // messages wait and there is a callback
}

func init() { logs.level = C.HP_LLM_LOG_WARN }

// logLine is the Log function of every engine.
func logLine(level infer.Level, text string) {
	l := int32(C.HP_LLM_LOG_INFO)
	if level == infer.Warn {
		l = C.HP_LLM_LOG_WARN
	}
	logs.mu.Lock()
	defer logs.mu.Unlock()
	if l > logs.level {
		return
	}
	if len(logs.waiting) == maxLogs {
		logs.waiting = append(logs.waiting[:0], logs.waiting[1:]...)
	}
	logs.waiting = append(logs.waiting, logMessage{l, text})
	logs.some.Store(logs.callback != nil)
}

// deliverLog calls the host back with the messages that wait. It runs at the
// end of every call, on the caller's thread.
func deliverLog() error {
	if !logs.some.Load() || !logs.delivering.CompareAndSwap(false, true) {
		return nil
	}
	defer logs.delivering.Store(false)
	for {
		logs.mu.Lock()
		f, user := logs.callback, logs.user
		if f == nil || len(logs.waiting) == 0 {
			logs.some.Store(false)
			logs.mu.Unlock()
			return nil
		}
		m := logs.waiting[0]
		logs.waiting = logs.waiting[1:]
		logs.mu.Unlock()
		callLog(f, user, m.level, m.text)
	}
}

//export hp_llm_init
func hp_llm_init(abi C.uint32_t, options *C.hp_const_init_options, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		if ours := uint32(C.HP_LLM_ABI_VERSION); uint32(abi)>>16 != ours>>16 || uint32(abi) > ours {
			return fmt.Errorf("%w: the program was compiled for ABI version %d.%d, this library has %d.%d", errVersion,
				uint32(abi)>>16, uint32(abi)&0xffff, ours>>16, ours&0xffff)
		}
		o := C.hp_llm_init_options{log_level: C.HP_LLM_LOG_WARN}
		if options != nil {
			var err error
			if o, err = in("init options", (*C.hp_llm_init_options)(options)); err != nil {
				return err
			}
		}
		if o.log_level < C.HP_LLM_LOG_NONE || o.log_level > C.HP_LLM_LOG_INFO {
			return argument("log_level %d", int32(o.log_level))
		}
		logs.mu.Lock()
		defer logs.mu.Unlock()
		logs.level, logs.callback, logs.user = int32(o.log_level), o.log, o.log_user
		logs.some.Store(o.log != nil && len(logs.waiting) > 0)
		return nil
	})
}

//export hp_llm_log_next
func hp_llm_log_next(level *C.int32_t, buffer *C.char, capacity C.int64_t, size *C.int64_t, e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		logs.mu.Lock()
		defer logs.mu.Unlock()
		if len(logs.waiting) == 0 {
			if err := give([]byte(nil), buffer, capacity, size); err != nil {
				return err
			}
			return infer.ErrPending
		}
		m := logs.waiting[0]
		if err := give([]byte(m.text), buffer, capacity, size); err != nil {
			return err
		}
		if level != nil {
			*level = C.int32_t(m.level)
		}
		if capacity > 0 {
			logs.waiting = logs.waiting[1:]
		}
		return nil
	})
}

//export hp_llm_shutdown
func hp_llm_shutdown(e *C.hp_llm_error) C.int32_t {
	return guard(e, func() error {
		for _, kind := range []handles.Kind{kindSession, kindModel} {
			freeAll(kind)
		}
		logs.mu.Lock()
		defer logs.mu.Unlock()
		logs.callback, logs.user, logs.waiting = nil, nil, nil
		logs.level = C.HP_LLM_LOG_WARN
		logs.some.Store(false)
		return nil
	})
}
