package main

// #cgo CFLAGS: -I${SRCDIR}/../include
// #include "hp_llm.h"
import "C"

import (
	"errors"
	"fmt"
	"io/fs"
	"runtime"
	"runtime/debug"
	"syscall"
	"unsafe"

	"happyphonellm/capi/handles"
	"happyphonellm/internal/infer"
)

// Errors of the border itself.
var (
	errVersion = errors.New("header and library do not fit")
	errUTF8    = errors.New("not valid UTF-8")
	errBuffer  = errors.New("the buffer is too small")
	errState   = errors.New("not now")
	errFile    = errors.New("not a usable model file") // of no more special kind
)

// guard runs the body of an exported function: whatever happens in it becomes a
// status, and the hp_llm_error at
// out, which may be 0, receives the text.
func guard(out uintptr, f func() error) int32 {
	err := caught(f)
	status := statusOf(err)
	// A bad out is the caller's loss, but not ours.
	_ = caught(func() error {
		report(out, status, err)
		return nil
	})
	_ = caught(deliverLog)
	return status
}

// caught runs f and turns a panic, memory faults included, into an error.
func caught(f func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		r := recover()
		debug.SetPanicOnFault(old)
		if r != nil {
			err = fromPanic(r)
		}
	}()
	return f()
}

func fromPanic(r any) error {
	// Go's own code faults at nil only; the mapped file is guarded below.
	if fault, ok := r.(interface {
		runtime.Error
		Addr() uintptr
	}); ok {
		return fmt.Errorf("%w: a pointer leads to memory that cannot be used, at %#x", infer.ErrArgument, fault.Addr())
	}
	return &infer.PanicError{Value: r, Stack: debug.Stack()}
}

// statuses are looked through in this order: an error may wrap several.
var statuses = []struct {
	err    error
	status int32
}{
	{infer.ErrPending, C.HP_LLM_PENDING},
	{infer.ErrTruncated, C.HP_LLM_ERROR_FILE_CHANGED},
	{infer.ErrStopped, C.HP_LLM_ERROR_STOPPED},
	{infer.ErrBusy, C.HP_LLM_ERROR_BUSY},
	{infer.ErrClosed, C.HP_LLM_ERROR_HANDLE},
	{handles.ErrUnknown, C.HP_LLM_ERROR_HANDLE},
	{handles.ErrKind, C.HP_LLM_ERROR_HANDLE},
	{handles.ErrLimit, C.HP_LLM_ERROR_LIMIT},
	{infer.ErrNoAnswer, C.HP_LLM_ERROR_STATE},
	{errState, C.HP_LLM_ERROR_STATE},
	{errBuffer, C.HP_LLM_ERROR_BUFFER},
	{errVersion, C.HP_LLM_ERROR_VERSION},
	{errUTF8, C.HP_LLM_ERROR_UTF8},
	{infer.ErrTemplate, C.HP_LLM_ERROR_TEMPLATE},
	{infer.ErrContextFull, C.HP_LLM_ERROR_CONTEXT},
	{infer.ErrMemory, C.HP_LLM_ERROR_MEMORY},
	{infer.ErrNoTokenizer, C.HP_LLM_ERROR_NO_VOCABULARY},
	{infer.ErrUnsupported, C.HP_LLM_ERROR_UNSUPPORTED},
	{infer.ErrArgument, C.HP_LLM_ERROR_ARGUMENT},
	{infer.ErrFormat, C.HP_LLM_ERROR_FORMAT},
	{infer.ErrMissing, C.HP_LLM_ERROR_FORMAT},
	{infer.ErrType, C.HP_LLM_ERROR_FORMAT},
	{infer.ErrModel, C.HP_LLM_ERROR_FORMAT},
}

func statusOf(err error) int32 {
	var bug *infer.PanicError
	switch {
	case err == nil:
		return C.HP_LLM_OK
	case errors.As(err, &bug):
		return C.HP_LLM_ERROR_INTERNAL
	}
	for _, s := range statuses {
		if errors.Is(err, s.err) {
			return s.status
		}
	}
	var path *fs.PathError
	var number syscall.Errno
	switch {
	case errors.As(err, &path), errors.As(err, &number):
		return C.HP_LLM_ERROR_IO
	case errors.Is(err, errFile):
		return C.HP_LLM_ERROR_FORMAT
	}
	return C.HP_LLM_ERROR_INTERNAL
}

// fileError marks the error of a load or an inspection as one about the file.
func fileError(err error) error {
	var bug *infer.PanicError
	if err == nil || errors.As(err, &bug) {
		return err
	}
	return &marked{err}
}

// marked is an error that is an errFile too, with the same text.
type marked struct{ error }

func (m *marked) Unwrap() []error { return []error{m.error, errFile} }

// report fills in the caller's error.
func report(out uintptr, status int32, err error) {
	if out < firstPage {
		return
	}
	e := at[C.hp_llm_error](out)
	if uintptr(e.struct_size) != unsafe.Sizeof(*e) {
		return
	}
	e.code = C.int32_t(status)
	message := ""
	if status < 0 {
		message = err.Error()
	}
	putText(e.message[:], message)
}
