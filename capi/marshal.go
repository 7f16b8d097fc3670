package main

// #include "hp_llm.h"
import "C"

import (
	"fmt"
	"time"
	"unicode/utf8"
	"unsafe"

	"happyphonellm/internal/infer"
)

const (
	maxText   = 1 << 30 // bytes of one text
	maxList   = 1 << 20 // messages, biases
	maxStops  = 64
	maxTokens = 1 << 28
	maxStruct = 1 << 14 // struct_size of a future header
	firstPage = 4096    // no pointer leads there
)

func argument(format string, a ...any) error {
	return fmt.Errorf("%w: %s", infer.ErrArgument, fmt.Sprintf(format, a...))
}

// at is the T at an address of the host's memory. (Not by a conversion, of which
// go vet cannot know that this memory is none of Go's.)
func at[T any](p uintptr) *T { return *(**T)(unsafe.Pointer(&p)) }

// needed says that an address must be one.
func needed(name string, p uintptr) error {
	switch {
	case p == 0:
		return argument("%s is NULL", name)
	case p < firstPage:
		return argument("%s is no pointer: %#x", name, p)
	}
	return nil
}

// array gives count elements at p, which belong to the host.
func array[T any](name string, p uintptr, count, limit int64) ([]T, error) {
	switch {
	case count < 0:
		return nil, argument("%s: a count of %d", name, count)
	case count == 0:
		return nil, nil
	case count > limit:
		return nil, argument("%s: %d elements, the limit is %d", name, count, limit)
	}
	if err := needed(name, p); err != nil {
		return nil, fmt.Errorf("%w, with a count of %d", err, count)
	}
	return unsafe.Slice(at[T](p), count), nil
}

// text copies a text of the host.
func text(name string, p uintptr, size int64) (string, error) {
	b, err := array[byte](name, p, size, maxText)
	if err != nil {
		return "", err
	}
	s := string(b)
	if !utf8.ValidString(s) {
		return "", fmt.Errorf("%s: %w", name, errUTF8)
	}
	return s, nil
}

func textOf(name string, t hostText) (string, error) { return text(name, t.data, t.size) }

func ids(name string, p uintptr, count int64) ([]int32, error) {
	a, err := array[int32](name, p, count, maxTokens)
	if err != nil {
		return nil, err
	}
	return append([]int32(nil), a...), nil
}

// give stores values in the host's buffer by the protocol of the header.
func give[T any](values []T, buffer uintptr, capacity int64, count uintptr) error {
	if err := needed("the count's pointer", count); err != nil {
		return err
	}
	n := int64(len(values))
	*at[int64](count) = 0
	if _, err := array[T]("the buffer", buffer, capacity, 1<<40); err != nil {
		return err
	}
	*at[int64](count) = n
	switch {
	case capacity == 0:
		return nil
	case n > capacity:
		return fmt.Errorf("%w: it has room for %d, %d are needed", errBuffer, capacity, n)
	case n > 0:
		copy(unsafe.Slice(at[T](buffer), n), values)
	}
	return nil
}

// structSize checks the struct_size that every growing struct begins with.
// first is the size in ABI version 1.0.
func structSize(name string, p, first uintptr) (uintptr, error) {
	if err := needed(name, p); err != nil {
		return 0, err
	}
	size := uintptr(*at[uint32](p))
	if size < first || size > maxStruct {
		return 0, fmt.Errorf("%w: %s: struct_size is %d, want %d", errVersion, name, size, first)
	}
	return size, nil
}

// in copies the host's struct. What a newer header has beyond ours must be 0.
func in[T any](name string, p uintptr) (T, error) {
	var v T
	ours := unsafe.Sizeof(v)
	size, err := structSize(name, p, ours)
	if err != nil {
		return v, err
	}
	for _, b := range unsafe.Slice(at[byte](p), size)[ours:] {
		if b != 0 {
			return v, fmt.Errorf("%w: %s: it uses a field that this library does not know", errVersion, name)
		}
	}
	return *at[T](p), nil
}

// out stores a struct in the host's, whose struct_size stays; what a newer
// header has beyond ours becomes 0.
func out[T any](name string, p uintptr, v T) error {
	ours := unsafe.Sizeof(v)
	size, err := structSize(name, p, ours)
	if err != nil {
		return err
	}
	*(*uint32)(unsafe.Pointer(&v)) = uint32(size)
	*at[T](p) = v
	clear(unsafe.Slice(at[byte](p), size)[ours:])
	return nil
}

// putText stores s in a char array: as many whole code points as fit, and a 0
// byte. It returns the number of bytes without that.
func putText(dst []C.char, s string) int {
	n := wholePrefix(s, len(dst)-1)
	for i := range n {
		dst[i] = C.char(s[i])
	}
	dst[n] = 0
	return n
}

// wholePrefix is the length of the longest prefix of whole code points of at
// most limit bytes.
func wholePrefix(s string, limit int) int {
	if len(s) <= limit {
		return len(s)
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return limit
}

// timeout reads a number of milliseconds.
func timeout(ms int32) (time.Duration, error) {
	if ms < -1 {
		return 0, argument("a timeout of %d ms; -1 waits without a limit", ms)
	}
	if ms == -1 {
		return infer.Forever, nil
	}
	return time.Duration(ms) * time.Millisecond, nil
}

func onlyFlags(flags, known uint32) error {
	if extra := flags &^ known; extra != 0 {
		return fmt.Errorf("%w: unknown flags %#x", errVersion, extra)
	}
	return nil
}

func flag(b bool) C.int32_t {
	if b {
		return 1
	}
	return 0
}
