package gguf

import (
	"encoding/binary"
	"fmt"
)

// Array is a metadata array. Its elements stay in the mapping and are decoded
// one by one, without allocation except in Text. An index out of range, or an
// element asked for as what it is not, is a programmer error and panics: check
// Kind and Len first. Reading elements may fault, see File.Guard.
type Array struct {
	file  *File
	kind  Kind
	n     int
	data  []byte   // of numbers: the elements; of texts: the whole value, kind and count first
	table []uint32 // of texts: where each one's length stands in data, and the end of the last
}

// Array returns the array at key. Of texts the file keeps a table of 4 bytes each, which
// all calls share.
func (f *File) Array(key string) (Array, error) {
	e, err := f.entry(key)
	if err != nil {
		return Array{}, err
	}
	if e.kind != List {
		return Array{}, f.errorf(ErrType, key, int64(e.start), "is %v, not an array", e.kind)
	}
	a := Array{file: f}
	err = f.Guard(func() error {
		a.data = f.bytes(e)
		c := cursor{data: a.data}
		kind, _ := c.u32()
		n, _ := c.u64()
		a.kind, a.n = Kind(kind), int(n)
		table, texts := f.tables[e.start]
		if texts != (a.kind == Text) {
			return truncatedError(f.path) // the file was written to since Open
		}
		if texts {
			// What the table holds was checked against the extent of the value, so reads
			// stay inside it whatever happens to the file.
			a.table, a.n = table, len(table)-1
			return nil
		}
		// Open checked this; the file may have been written to since.
		if a.kind == List || !a.kind.known() || n != c.left()/a.kind.size() {
			return truncatedError(f.path)
		}
		a.data = a.data[c.off:]
		return nil
	})
	if err != nil {
		return Array{}, err
	}
	return a, nil
}

// Len returns the count of elements.
func (a *Array) Len() int { return a.n }

// Kind returns the kind of the elements.
func (a Array) Kind() Kind { return a.kind }

// Bytes returns text i in the mapping: it must not be written to, nor used after File.Close.
func (a *Array) Bytes(i int) []byte {
	if a.kind != Text {
		panic(fmt.Sprintf("gguf: array of %v read as string", a.kind))
	}
	return a.data[a.table[i]+8 : a.table[i+1] : a.table[i+1]]
}

// Text returns a copy of text i.
func (a Array) Text(i int) string { return string(a.Bytes(i)) }

// Raw returns the elements of an array of numbers as they are in the mapping, little
// endian and Kind's size each: they must not be written to, nor used after File.Close.
func (a *Array) Raw() []byte {
	if a.kind == Text {
		panic("gguf: array of string read as numbers")
	}
	return a.data
}

// raw reads element i of an array of numbers.
func (a Array) raw(i int) uint64 {
	size := int(a.kind.size())
	if size == 0 {
		panic(fmt.Sprintf("gguf: array of %v read as number", a.kind))
	}
	return readScalar(a.kind, a.data[i*size:(i+1)*size])
}

// Uint returns element i, of any integer kind; a negative one wraps, as in a conversion.
func (a Array) Uint(i int) uint64 { return uint64(a.Int(i)) }

// Int returns element i, of any integer kind; a uint64 above the range wraps.
func (a Array) Int(i int) int64 {
	if !a.kind.IsInteger() {
		panic(fmt.Sprintf("gguf: array of %v read as integer", a.kind))
	}
	return int64(a.raw(i))
}

// Float returns element i, of any kind of number.
func (a Array) Float(i int) float64 {
	v, ok := toFloat(a.kind, a.raw(i))
	if !ok {
		panic(fmt.Sprintf("gguf: array of %v read as number", a.kind))
	}
	return v
}

// Bool returns element i of an array of bools or integers: whether it is not zero.
func (a Array) Bool(i int) bool {
	if a.kind != Bool && !a.kind.IsInteger() {
		panic(fmt.Sprintf("gguf: array of %v read as bool", a.kind))
	}
	return a.raw(i) != 0
}

// MarshalJSON writes the elements as a JSON array. It guards its reads itself.
func (a Array) MarshalJSON() ([]byte, error) {
	if a.file == nil {
		return []byte("[]"), nil
	}
	out := []byte{'['}
	err := a.file.Guard(func() error {
		for i := range a.n {
			if i > 0 {
				out = append(out, ',')
			}
			if a.kind != Text {
				out = appendScalar(out, a.kind, a.raw(i))
				continue
			}
			out = appendJSONText(out, a.Bytes(i))
		}
		return nil
	})
	return append(out, ']'), err
}

// wire returns the array as it stands in a file: kind, count, elements.
func (a Array) wire() []byte {
	if a.kind == Text {
		return a.data
	}
	head := binary.LittleEndian.AppendUint32(nil, uint32(a.kind))
	head = binary.LittleEndian.AppendUint64(head, uint64(a.n))
	return append(head, a.data...)
}
