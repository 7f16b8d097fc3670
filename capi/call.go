package main

// #include "abi.h"
//
// // Go cannot call a C function pointer.
// static inline void hp_call_log(hp_llm_log_callback f, void *user, int32_t level, const char *text, int64_t size) {
//   f(user, level, text, size);
// }
// static inline int32_t hp_call_progress(hp_llm_progress_callback f, void *user, double done) { return f(user, done); }
// static inline int32_t hp_call_event(hp_llm_event_callback f, void *user, const hp_llm_event *event) {
//   return f(user, event);
// }
import "C"

import "unsafe"

func callLog(f C.hp_llm_log_callback, user unsafe.Pointer, level int32, text string) {
	if text == "" {
		text = " "
	}
	C.hp_call_log(f, user, C.int32_t(level), (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.int64_t(len(text)))
}

// callProgress says whether to go on.
func callProgress(f C.hp_llm_progress_callback, user unsafe.Pointer, done float64) bool {
	return C.hp_call_progress(f, user, C.double(done)) == 0
}

// callEvent says whether to go on.
func callEvent(f C.hp_llm_event_callback, user unsafe.Pointer, event *C.hp_llm_event) bool {
	return C.hp_call_event(f, user, event) == 0
}
