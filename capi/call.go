package main

// #include "hp_llm.h"
//
// // Go cannot call a C function pointer, and must not hold the host's pointers as pointers.
// static inline void hp_call_log(uintptr_t f, uintptr_t user, int32_t level, const char *text, int64_t size) {
//   ((hp_llm_log_callback)f)((void *)user, level, text, size);
// }
// static inline int32_t hp_call_progress(uintptr_t f, uintptr_t user, double done) {
//   return ((hp_llm_progress_callback)f)((void *)user, done);
// }
// static inline int32_t hp_call_event(uintptr_t f, uintptr_t user, const hp_llm_event *event) {
//   return ((hp_llm_event_callback)f)((void *)user, event);
// }
import "C"

import "unsafe"

// callback is a function of the host with its user data.
type callback struct{ function, user uintptr }

func (c callback) log(level int32, text string) {
	if text == "" {
		return
	}
	C.hp_call_log(C.uintptr_t(c.function), C.uintptr_t(c.user), C.int32_t(level), (*C.char)(unsafe.Pointer(unsafe.StringData(text))), C.int64_t(len(text)))
}

// progress says whether to go on.
func (c callback) progress(done float64) bool {
	return C.hp_call_progress(C.uintptr_t(c.function), C.uintptr_t(c.user), C.double(done)) == 0
}

// event says whether to go on.
func (c callback) event(event *C.hp_llm_event) bool {
	return C.hp_call_event(C.uintptr_t(c.function), C.uintptr_t(c.user), event) == 0
}
