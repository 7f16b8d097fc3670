package checkpoint

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
)

// Object is a JSON object of a checkpoint, as config.json is.
type Object struct {
	file   string // for messages
	fields map[string]any
}

// ReadObject reads a JSON file of the folder.
func (f *Folder) ReadObject(name string) (*Object, error) {
	data, err := f.ReadFile(name)
	if err != nil {
		return nil, err
	}
	o := &Object{file: f.path(name)}
	if o.fields, err = parseObject(data); err != nil {
		return nil, fmt.Errorf("%s: %w", o.file, err)
	}
	return o, nil
}

// parseObject is for JSON as Python's json module writes it: with NaN and Infinity.
func parseObject(data []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(plainNumbers(data)))
	d.UseNumber()
	var fields map[string]any
	if err := d.Decode(&fields); err != nil {
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			err = errors.New("the file is empty or cut short")
		}
		return nil, err
	}
	if fields == nil {
		return nil, errors.New("this is no JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("something follows the JSON object")
	}
	return fields, nil
}

// plainNumbers replaces Infinity by a number that is too large, and NaN, which
// says nothing, by null. Strings are left alone.
func plainNumbers(data []byte) []byte {
	if !bytes.Contains(data, []byte("Infinity")) && !bytes.Contains(data, []byte("NaN")) {
		return data
	}
	out := make([]byte, 0, len(data))
	quoted := false
	for i := 0; i < len(data); {
		rest := data[i:]
		switch {
		case quoted && rest[0] == '\\' && len(rest) > 1:
			out = append(out, rest[:2]...)
			i += 2
			continue
		case rest[0] == '"':
			quoted = !quoted
		case !quoted && bytes.HasPrefix(rest, []byte("Infinity")):
			out = append(out, "1e999"...)
			i += len("Infinity")
			continue
		case !quoted && bytes.HasPrefix(rest, []byte("NaN")):
			out = append(out, "null"...)
			i += len("NaN")
			continue
		}
		out = append(out, rest[0])
		i++
	}
	return out
}

// File is the path of the file that the object is of.
func (o *Object) File() string { return o.file }

// Names are the fields' names, sorted.
func (o *Object) Names() []string {
	if o == nil {
		return nil
	}
	return slices.Sorted(maps.Keys(o.fields))
}

// Has reports whether a field is there and is not null.
func (o *Object) Has(name string) bool { return o != nil && o.fields[name] != nil }

// IsNull reports whether a field is there and null.
func (o *Object) IsNull(name string) bool {
	if o == nil {
		return false
	}
	v, there := o.fields[name]
	return there && v == nil
}

// Object is the object in a field; nil if there is none.
func (o *Object) Object(name string) *Object {
	if o == nil {
		return nil
	}
	if fields, ok := o.fields[name].(map[string]any); ok {
		return &Object{o.file, fields}
	}
	return nil
}

// Text is the string in a field.
func (o *Object) Text(name string) (string, bool) {
	if o == nil {
		return "", false
	}
	s, ok := o.fields[name].(string)
	return s, ok
}

// Bool is the boolean in a field.
func (o *Object) Bool(name string) (value, ok bool) {
	if o == nil {
		return false, false
	}
	value, ok = o.fields[name].(bool)
	return value, ok
}

// Float is the number in a field; it may be infinite.
func (o *Object) Float(name string) (float64, bool) {
	if o == nil {
		return 0, false
	}
	return number(o.fields[name])
}

// Int is the number in a field, if it is a whole one of at most 2^53.
func (o *Object) Int(name string) (int, bool) {
	v, ok := o.Float(name)
	if !ok || v != math.Trunc(v) || math.Abs(v) > 1<<53 {
		return 0, false
	}
	return int(v), true
}

// List is the array in a field.
func (o *Object) List(name string) ([]any, bool) {
	if o == nil {
		return nil, false
	}
	list, ok := o.fields[name].([]any)
	return list, ok
}

// Floats are the numbers of the array in a field.
func (o *Object) Floats(name string) ([]float64, bool) {
	list, ok := o.List(name)
	if !ok {
		return nil, false
	}
	out := make([]float64, len(list))
	for i, v := range list {
		if out[i], ok = number(v); !ok {
			return nil, false
		}
	}
	return out, true
}

// Texts are the strings of the array in a field.
func (o *Object) Texts(name string) ([]string, bool) {
	list, ok := o.List(name)
	if !ok {
		return nil, false
	}
	out := make([]string, len(list))
	for i, v := range list {
		if out[i], ok = v.(string); !ok {
			return nil, false
		}
	}
	return out, true
}

// Merged is o with the fields of inner over its own: configurations of models
// for text and pictures keep those of the text in an object of their own.
func (o *Object) Merged(inner *Object) *Object {
	if inner == nil {
		return o
	}
	m := &Object{o.file, make(map[string]any, len(o.fields)+len(inner.fields))}
	for k, v := range o.fields {
		m.fields[k] = v
	}
	for k, v := range inner.fields {
		m.fields[k] = v
	}
	return m
}

// WithDefaults is o with those fields of a JSON object, which is written by hand,
// that o has not (or has as null): what a model's class takes where its
// configuration says nothing.
func (o *Object) WithDefaults(literal string) *Object {
	fields, err := parseObject([]byte(literal))
	if err != nil {
		panic("checkpoint: defaults " + literal + ": " + err.Error())
	}
	for k, v := range o.fields {
		if v != nil || fields[k] == nil {
			fields[k] = v
		}
	}
	return &Object{o.file, fields}
}

// Without is o without some fields.
func (o *Object) Without(names ...string) *Object {
	m := o.Merged(&Object{})
	for _, name := range names {
		delete(m.fields, name)
	}
	return m
}

// number is a JSON number, or what Transformers 5 writes for those that JSON
// lacks: {"__float__": "Infinity"}.
func number(v any) (float64, bool) {
	if tagged, ok := v.(map[string]any); ok && len(tagged) == 1 {
		switch tagged["__float__"] {
		case "Infinity":
			return math.Inf(1), true
		case "-Infinity":
			return math.Inf(-1), true
		}
	}
	n, ok := v.(json.Number)
	if !ok {
		return 0, false
	}
	f, err := n.Float64()
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}
