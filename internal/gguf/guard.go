package gguf

import (
	"fmt"
	"runtime/debug"
	"unsafe"
)

// Guard runs fn and turns a fault on the mapping (the file was truncated, or
// its disk failed, while we read it) into an error that wraps ErrTruncated and
// names the file. Everything that reads Tensor.Data or an Array runs under it.
//
// It covers the calling goroutine only, allocates nothing of its own and may be
// nested. Other panics pass through.
func (f *File) Guard(fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			s := f.faulted(r)
			if s == nil {
				panic(r)
			}
			err = truncatedError(s.path)
		}
	}()
	return fn()
}

// FaultError turns what a recovered panic carried into the error that Guard
// would return; nil if that was no fault on the mapping. It is for goroutines
// that recover themselves.
func (f *File) FaultError(recovered any) error {
	if s := f.faulted(recovered); s != nil {
		return truncatedError(s.path)
	}
	return nil
}

// faulted returns the part whose mapping the recovered panic r faulted on, nil if none.
func (f *File) faulted(r any) *shard {
	for _, s := range f.shards {
		if faultIn(r, s.data) {
			return s
		}
	}
	return nil
}

// faultIn says whether r is the panic of a fault at an address in data.
func faultIn(r any, data []byte) bool {
	fault, ok := r.(interface{ Addr() uintptr })
	if !ok || len(data) == 0 {
		return false
	}
	start := uintptr(unsafe.Pointer(unsafe.SliceData(data)))
	return fault.Addr() >= start && fault.Addr()-start < uintptr(len(data))
}

func truncatedError(path string) error {
	return &fileError{path, "", -1, ErrTruncated.Error(), fmt.Errorf("%w: %w", ErrFormat, ErrTruncated)}
}

// guardBytes is Guard for one mapping, used before there is a File.
func guardBytes(path string, data []byte, fn func() error) (err error) {
	old := debug.SetPanicOnFault(true)
	defer func() {
		debug.SetPanicOnFault(old)
		if r := recover(); r != nil {
			if !faultIn(r, data) {
				panic(r)
			}
			err = truncatedError(path)
		}
	}()
	return fn()
}
