package main

// #include "hp_llm.h"
import "C"

import (
	"fmt"
	"sync"
	"sync/atomic"

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
	callback   callback // its function is 0: none
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
	logs.some.Store(logs.callback.function != 0)
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
		c := logs.callback
		if c.function == 0 || len(logs.waiting) == 0 {
			logs.some.Store(false)
			logs.mu.Unlock()
			return nil
		}
		m := logs.waiting[0]
		logs.waiting = logs.waiting[1:]
		logs.mu.Unlock()
		c.log(m.level, m.text)
	}
}

//export hpgo_init
func hpgo_init(abi uint32, options uintptr, e uintptr) int32 {
	return guard(e, func() error {
		if ours := uint32(C.HP_LLM_ABI_VERSION); abi>>16 != ours>>16 || abi > ours {
			return fmt.Errorf("%w: the program was compiled for ABI version %d.%d, this library has %d.%d", errVersion,
				abi>>16, abi&0xffff, ours>>16, ours&0xffff)
		}
		o := initOptions{logLevel: C.HP_LLM_LOG_WARN}
		if options != 0 {
			var err error
			if o, err = in[initOptions]("init options", options); err != nil {
				return err
			}
		}
		if o.logLevel < C.HP_LLM_LOG_NONE || o.logLevel > C.HP_LLM_LOG_INFO {
			return argument("log_level %d", o.logLevel)
		}
		logs.mu.Lock()
		defer logs.mu.Unlock()
		logs.level, logs.callback = o.logLevel, callback{o.log, o.user}
		logs.some.Store(o.log != 0 && len(logs.waiting) > 0)
		return nil
	})
}

//export hpgo_log_next
func hpgo_log_next(level uintptr, buffer uintptr, capacity int64, size uintptr, e uintptr) int32 {
	return guard(e, func() error {
		logs.mu.Lock()
		defer logs.mu.Unlock()
		if len(logs.waiting) == 0 {
			if err := give[byte](nil, buffer, capacity, size); err != nil {
				return err
			}
			return infer.ErrPending
		}
		m := logs.waiting[0]
		if err := give([]byte(m.text), buffer, capacity, size); err != nil {
			return err
		}
		if level >= firstPage {
			*at[int32](level) = m.level
		}
		if capacity > 0 {
			logs.waiting = logs.waiting[1:]
		}
		return nil
	})
}

//export hpgo_shutdown
func hpgo_shutdown(e uintptr) int32 {
	return guard(e, func() error {
		for _, kind := range []handles.Kind{kindSession, kindModel} {
			freeAll(kind)
		}
		logs.mu.Lock()
		defer logs.mu.Unlock()
		logs.callback, logs.waiting = callback{}, nil
		logs.level = C.HP_LLM_LOG_WARN
		logs.some.Store(false)
		return nil
	})
}
