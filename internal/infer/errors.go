package infer

import (
	"runtime/debug"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/model"
	"happyphonellm/internal/parallel"
)

// Errors of the packages below that hosts tell apart.
var (
	// ErrFormat, ErrMissing and ErrType are wrapped by the errors about a damaged file.
	ErrFormat  = gguf.ErrFormat
	ErrMissing = gguf.ErrNotFound
	ErrType    = gguf.ErrType
	// ErrModel is wrapped where a file's numbers and tensors do not fit together.
	ErrModel = model.ErrModel
	// ErrUnsupported is wrapped for a good file that this engine cannot run.
	ErrUnsupported = model.ErrUnsupported
	// ErrTruncated is wrapped where a file was cut while in use.
	ErrTruncated = gguf.ErrTruncated
)

// PanicError is a bug of this module, caught.
type PanicError = parallel.PanicError

// panicError makes an error of what recover has given.
func panicError(value any) error {
	return &PanicError{Value: value, Stack: debug.Stack()}
}
