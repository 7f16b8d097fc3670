// Package gguf reads and writes GGUF files: metadata and tensors as bytes. It
// owns no arithmetic on tensors (package quant) and gives no meaning to keys.
//
// A file is mapped read-only and its weights are never copied. Metadata is
// decoded when asked for; opening only finds where each value lies. Files are
// untrusted: every count, length, dimension and offset is checked before use,
// in 64 bits, and the memory asked for is bounded by the size of the file.
//
// The layout is that of ggml's docs/gguf.md, versions 2 and 3, little-endian.
package gguf

import (
	"errors"
	"fmt"
	"strconv"
)

// Sentinels. The errors of this package wrap one of them and name the file,
// the key or tensor, the offset and the reason.
var (
	ErrFormat    = errors.New("not a valid GGUF file")
	ErrNotFound  = errors.New("not found")
	ErrType      = errors.New("wrong type")
	ErrTruncated = errors.New("file changed or truncated while in use")
)

// Kind is the type of a metadata value, by its number in the file.
type Kind uint32

// The kinds of GGUF.
const (
	Uint8   Kind = 0
	Int8    Kind = 1
	Uint16  Kind = 2
	Int16   Kind = 3
	Uint32  Kind = 4
	Int32   Kind = 5
	Float32 Kind = 6
	Bool    Kind = 7
	Text    Kind = 8
	List    Kind = 9 // an array
	Uint64  Kind = 10
	Int64   Kind = 11
	Float64 Kind = 12
)

// kinds has a row per Kind: its name, and its bytes in a file (0: varies).
var kinds = [...]struct {
	name string
	size uint64
}{
	{"uint8", 1}, {"int8", 1}, {"uint16", 2}, {"int16", 2}, {"uint32", 4}, {"int32", 4}, {"float32", 4},
	{"bool", 1}, {"string", 0}, {"array", 0}, {"uint64", 8}, {"int64", 8}, {"float64", 8},
}

// String returns the name of k, such as "uint32".
func (k Kind) String() string {
	if k.known() {
		return kinds[k].name
	}
	return "kind " + strconv.FormatUint(uint64(k), 10)
}

func (k Kind) known() bool { return uint64(k) < uint64(len(kinds)) }

// size returns the bytes of a value of kind k, 0 for texts and arrays.
func (k Kind) size() uint64 { return kinds[k].size }

const (
	magic            = "GGUF"
	defaultAlignment = 32
	maxDims          = 4
	keyAlignment     = "general.alignment"
)

// fileError is the one error type of this package.
type fileError struct {
	file   string
	what   string // `key "x"`, `tensor "x"`, or "" for the file itself
	offset int64  // in the file; < 0: none
	reason string
	err    error
}

func (e *fileError) Error() string {
	s := "gguf: " + e.file + ": "
	if e.what != "" {
		s += e.what
		if e.offset >= 0 {
			s += fmt.Sprintf(" at offset %d", e.offset)
		}
		s += ": "
	} else if e.offset >= 0 {
		s += fmt.Sprintf("at offset %d: ", e.offset)
	}
	return s + e.reason
}

func (e *fileError) Unwrap() error { return e.err }

// quoted makes an untrusted name fit for an error message.
func quoted(name string) string {
	const most = 100
	if len(name) > most {
		return strconv.Quote(name[:most]) + "..."
	}
	return strconv.Quote(name)
}
