package gguf

import (
	"encoding/binary"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
)

// Uint returns a value of any integer kind that is not negative.
func (f *File) Uint(key string) (uint64, error) {
	e, raw, err := f.scalar(key)
	if err != nil {
		return 0, err
	}
	if !e.kind.IsInteger() {
		return 0, f.errorf(ErrType, key, int64(e.start), "is %v, not an integer", e.kind)
	}
	if isSigned(e.kind) && int64(raw) < 0 {
		return 0, f.errorf(ErrType, key, int64(e.start), "%d is negative", int64(raw))
	}
	return raw, nil
}

// Float returns a float32, a float64 or an integer value.
func (f *File) Float(key string) (float64, error) {
	e, raw, err := f.scalar(key)
	if err != nil {
		return 0, err
	}
	v, ok := toFloat(e.kind, raw)
	if !ok {
		return 0, f.errorf(ErrType, key, int64(e.start), "is %v, not a number", e.kind)
	}
	return v, nil
}

// Bool returns a bool value; any byte but 0 is true.
func (f *File) Bool(key string) (bool, error) {
	e, raw, err := f.scalar(key)
	if err != nil {
		return false, err
	}
	if e.kind != Bool {
		return false, f.errorf(ErrType, key, int64(e.start), "is %v, not bool", e.kind)
	}
	return raw != 0, nil
}

// Text returns a copy of a string value, which need not be valid UTF-8.
func (f *File) Text(key string) (string, error) {
	e, err := f.entry(key)
	if err != nil {
		return "", err
	}
	if e.kind != Text {
		return "", f.errorf(ErrType, key, int64(e.start), "is %v, not string", e.kind)
	}
	var s string
	err = f.Guard(func() error {
		s = string(f.bytes(e)[8:])
		return nil
	})
	return s, err
}

// bytes returns the value of e in the mapping.
func (f *File) bytes(e *entry) []byte { return f.shards[0].data[e.start:e.end:e.end] }

// scalar reads the raw bits of a number or bool, integers extended to 64 bits. For
// a text or an array it returns 0.
func (f *File) scalar(key string) (e *entry, raw uint64, err error) {
	e, err = f.entry(key)
	if err != nil || e.kind == Text || e.kind == List {
		return e, 0, err
	}
	err = f.Guard(func() error {
		raw = readScalar(e.kind, f.bytes(e))
		return nil
	})
	return e, raw, err
}

// optionalUint is Uint with a value for a missing key.
func (f *File) optionalUint(key string, missing uint64) (uint64, error) {
	v, err := f.Uint(key)
	if errors.Is(err, ErrNotFound) {
		return missing, nil
	}
	return v, err
}

func isSigned(k Kind) bool { return k == Int8 || k == Int16 || k == Int32 || k == Int64 }

// IsInteger reports whether values of the kind are whole numbers.
func (k Kind) IsInteger() bool {
	return isSigned(k) || k == Uint8 || k == Uint16 || k == Uint32 || k == Uint64
}

// readScalar reads a value of kind k: integers extended to 64 bits with their
// sign, floats as their bits.
func readScalar(k Kind, b []byte) uint64 {
	switch k {
	case Int8:
		return uint64(int64(int8(b[0])))
	case Uint16:
		return uint64(binary.LittleEndian.Uint16(b))
	case Int16:
		return uint64(int64(int16(binary.LittleEndian.Uint16(b))))
	case Uint32, Float32:
		return uint64(binary.LittleEndian.Uint32(b))
	case Int32:
		return uint64(int64(int32(binary.LittleEndian.Uint32(b))))
	case Uint64, Int64, Float64:
		return binary.LittleEndian.Uint64(b)
	}
	return uint64(b[0]) // Uint8, Bool
}

// toFloat converts what readScalar returned; false when k is no number.
func toFloat(k Kind, raw uint64) (float64, bool) {
	switch {
	case k == Float32:
		return float64(math.Float32frombits(uint32(raw))), true
	case k == Float64:
		return math.Float64frombits(raw), true
	case isSigned(k):
		return float64(int64(raw)), true
	case k.IsInteger():
		return float64(raw), true
	}
	return 0, false
}

// Value is a metadata value of any kind, for showing and copying. Texts and
// numbers are copies; an array stays in the file.
type Value struct {
	kind Kind
	raw  uint64
	text string
	list Array
}

// Value returns the value of key; false when there is none, or when the file
// was truncated under us.
func (f *File) Value(key string) (Value, bool) {
	e, err := f.entry(key)
	if err != nil {
		return Value{}, false
	}
	v := Value{kind: e.kind}
	switch e.kind {
	case Text:
		v.text, err = f.Text(key)
	case List:
		v.list, err = f.Array(key)
	default:
		_, v.raw, err = f.scalar(key)
	}
	return v, err == nil
}

// Kind returns the kind of the value.
func (v Value) Kind() Kind { return v.kind }

// Array returns the array; false when the value is none.
func (v Value) Array() (Array, bool) { return v.list, v.kind == List }

// String shows the value: numbers in decimal, texts as they are, arrays as JSON.
func (v Value) String() string {
	if v.kind == Text {
		return v.text
	}
	b, err := v.MarshalJSON()
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// MarshalJSON writes the value as JSON. Numbers that JSON has not (infinities,
// NaN) become strings.
func (v Value) MarshalJSON() ([]byte, error) {
	switch v.kind {
	case Text:
		return appendJSONText(nil, v.text), nil
	case List:
		return v.list.MarshalJSON()
	}
	return appendScalar(nil, v.kind, v.raw), nil
}

// appendScalar appends a number or bool as JSON.
func appendScalar(dst []byte, k Kind, raw uint64) []byte {
	switch {
	case k == Bool:
		return strconv.AppendBool(dst, raw != 0)
	case isSigned(k):
		return strconv.AppendInt(dst, int64(raw), 10)
	case k.IsInteger():
		return strconv.AppendUint(dst, raw, 10)
	}
	x, _ := toFloat(k, raw)
	bits := 64
	if k == Float32 {
		bits = 32
	}
	if math.IsInf(x, 0) || math.IsNaN(x) {
		return strconv.AppendQuote(dst, strconv.FormatFloat(x, 'g', -1, bits))
	}
	return strconv.AppendFloat(dst, x, 'g', -1, bits)
}

// appendJSONText appends s as a JSON string. Unlike encoding/json it leaves
// <, > and & as they are: token texts are full of them. Bytes that are not
// UTF-8 become U+FFFD.
func appendJSONText[T string | []byte](dst []byte, s T) []byte {
	dst = append(dst, '"')
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(string(s[i:min(i+utf8.UTFMax, len(s))]))
			dst = utf8.AppendRune(dst, r)
			i += size
			continue
		}
		switch {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c < 0x20 || c == 0x7f:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			dst = append(dst, c)
		}
		i++
	}
	return append(dst, '"')
}

const hexDigits = "0123456789abcdef"
