package gguf

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

func TestWriteThenReadValues(t *testing.T) {
	f := opened(t, stored(t, "a.gguf", encoded(t, sample())))
	if f.Version() != 3 || f.Architecture() != "llama" || len(f.Keys()) != 27 {
		t.Errorf("version %d, architecture %q, %d keys", f.Version(), f.Architecture(), len(f.Keys()))
	}
	for key, want := range map[string]uint64{"n.uint8": 200, "n.uint16": 60000, "n.uint32": 4e9, "n.uint64": 1<<63 + 1} {
		if got, err := f.Uint(key); err != nil || got != want {
			t.Errorf("Uint(%q) = %d, %v, want %d", key, got, err, want)
		}
	}
	for key, want := range map[string]float64{
		"n.float32": float64(float32(0.1)), "n.float64": 0.1, "n.int8": -100, "n.int16": -30000, "n.int32": -2e9, "n.int64": -1 << 62, "n.uint8": 200,
	} {
		if got, err := f.Float(key); err != nil || got != want {
			t.Errorf("Float(%q) = %v, %v, want %v", key, got, err, want)
		}
	}
	if got, err := f.Bool("n.bool"); err != nil || !got {
		t.Errorf("Bool = %v, %v", got, err)
	}
	if got, err := f.Text("text"); err != nil || got != "a \"quoted\"\n\t\x01 <b> é \xff end" {
		t.Errorf("Text = %q, %v", got, err)
	}
}

func TestWriteThenReadArrays(t *testing.T) {
	f := opened(t, stored(t, "a.gguf", encoded(t, sample())))
	got := map[string]string{}
	for _, key := range f.Keys() {
		if v, ok := f.Value(key); ok && v.Kind() == List {
			got[key] = v.String()
		}
	}
	want := map[string]string{
		"list.text": `["","<s>","é","longer than the others"]`, "list.text.empty": `[]`, "list.bool": `[true,false,true]`,
		"list.uint8": `[0,255]`, "list.int8": `[-128,127]`, "list.uint16": `[1,65535]`, "list.int16": `[-1,32767]`,
		"list.uint32": `[1,2147483648]`, "list.int32": `[-5,5]`, "list.uint64": `[1,9223372036854775808]`,
		"list.int64": `[-9223372036854775808,1]`, "list.float32": `[0.5,-0.1]`, "list.float64": `[0.25,0.1,3]`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	a, err := f.Array("list.text")
	if err != nil || a.Kind() != Text || a.Len() != 4 || a.Text(1) != "<s>" || string(a.Bytes(3)) != "longer than the others" {
		t.Errorf("list.text: %v, %v, %d", err, a.Kind(), a.Len())
	}
	a, err = f.Array("list.int32")
	if err != nil || a.Int(0) != -5 || a.Float(0) != -5 || a.Uint(1) != 5 || !a.Bool(0) {
		t.Errorf("list.int32: %v", err)
	}
	a, err = f.Array("list.bool")
	if err != nil || !a.Bool(0) || a.Bool(1) {
		t.Errorf("list.bool: %v", err)
	}
	a, err = f.Array("list.float64")
	if err != nil || a.Float(1) != 0.1 {
		t.Errorf("list.float64: %v", err)
	}
}

func TestJSON(t *testing.T) {
	w := sample()
	w.SetFloat32("inf", float32(math.Inf(-1)))
	SetNumbers(w, "list.nan", []float64{math.NaN(), 1e300})
	f := opened(t, stored(t, "a.gguf", encoded(t, w)))
	for _, key := range f.Keys() {
		v, ok := f.Value(key)
		if !ok {
			t.Fatalf("no %s", key)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		var back any
		if err := json.Unmarshal(b, &back); err != nil {
			t.Errorf("%s: %s: %v", key, b, err)
		}
	}
	v, _ := f.Value("text")
	b, _ := v.MarshalJSON()
	var back string
	if err := json.Unmarshal(b, &back); err != nil || back != "a \"quoted\"\n\t\x01 <b> é \uFFFD end" {
		t.Errorf("%s became %q, %v", b, back, err)
	}
	if v, _ := f.Value("inf"); v.String() != `"-Inf"` {
		t.Errorf("-infinity is shown as %s", v)
	}
}

func TestTensors(t *testing.T) {
	path := stored(t, "a.gguf", encoded(t, sample()))
	f := opened(t, path)
	type row struct {
		Name       string
		Type       quant.Type
		Shape      []int
		Rows, Cols int
		Data       []byte
	}
	var got []row
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, x := range f.Tensors() {
		got = append(got, row{x.Name, x.Type, x.Shape, x.Rows(), x.Cols(), x.Data})
		if !bytes.Equal(file[x.Offset:x.Offset+int64(len(x.Data))], x.Data) {
			t.Errorf("%s: Offset does not point to Data", x.Name)
		}
		if y, ok := f.Tensor(x.Name); !ok || y != x {
			t.Errorf("%s is not found by name", x.Name)
		}
	}
	f.ReadAhead()
	want := []row{
		{"token_embd.weight", quant.Q4_0, []int{64, 3}, 3, 64, pattern(108)},
		{"norm", quant.F32, []int{5}, 1, 5, pattern(20)},
		{"one", quant.F32, []int{}, 1, 1, pattern(4)},
		{"four", quant.F16, []int{2, 3, 1, 5}, 15, 2, pattern(60)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, ok := f.Tensor("nor"); ok {
		t.Error("found a tensor that is not there")
	}
	if f.Size() != int64(len(file)) || f.Path() != path {
		t.Errorf("size %d of %d, path %s", f.Size(), len(file), f.Path())
	}
}

func TestGetterErrors(t *testing.T) {
	path := stored(t, "a.gguf", encoded(t, sample()))
	f := opened(t, path)
	get := map[string]func(string) error{
		"Uint":  func(k string) error { _, err := f.Uint(k); return err },
		"Float": func(k string) error { _, err := f.Float(k); return err },
		"Bool":  func(k string) error { _, err := f.Bool(k); return err },
		"Text":  func(k string) error { _, err := f.Text(k); return err },
		"Array": func(k string) error { _, err := f.Array(k); return err },
	}
	for _, c := range []struct {
		getter, key, reason string
		is                  error
	}{
		{"Uint", "nothing", "not found", ErrNotFound},
		{"Float", "", "not found", ErrNotFound},
		{"Bool", "n.boo", "not found", ErrNotFound},
		{"Text", "nothing", "not found", ErrNotFound},
		{"Array", "nothing", "not found", ErrNotFound},
		{"Uint", "n.int8", "-100 is negative", ErrType},
		{"Uint", "n.int64", "-4611686018427387904 is negative", ErrType},
		{"Uint", "n.float32", "is float32, not an integer", ErrType},
		{"Uint", "n.bool", "is bool, not an integer", ErrType},
		{"Uint", "text", "is string, not an integer", ErrType},
		{"Float", "list.int8", "is array, not a number", ErrType},
		{"Float", "n.bool", "is bool, not a number", ErrType},
		{"Bool", "n.uint8", "is uint8, not bool", ErrType},
		{"Text", "n.uint8", "is uint8, not string", ErrType},
		{"Array", "text", "is string, not an array", ErrType},
	} {
		err := get[c.getter](c.key)
		if !errors.Is(err, c.is) || !strings.Contains(err.Error(), path) ||
			!strings.Contains(err.Error(), `key "`+c.key+`"`) || !strings.HasSuffix(err.Error(), c.reason) {
			t.Errorf("%s(%q): %v", c.getter, c.key, err)
		}
	}
}

func TestClose(t *testing.T) {
	f := opened(t, stored(t, "a.gguf", encoded(t, sample())))
	for range 2 {
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Text("text"); !errors.Is(err, ErrNotFound) {
		t.Errorf("after Close: %v", err)
	}
	if len(f.Tensors()) != 0 || f.Architecture() != "" || f.Size() != 0 {
		t.Error("after Close something is left")
	}
}

func TestCopyIsExact(t *testing.T) {
	w := sample()
	w.SetUint32(keyAlignment, 64)
	want := encoded(t, w)
	f := opened(t, stored(t, "a.gguf", want))
	if got := encoded(t, copied(t, f)); !bytes.Equal(got, want) {
		t.Errorf("the copy differs: %d and %d bytes", len(got), len(want))
	}
}

// copied returns a Writer with everything that f holds.
func copied(t testing.TB, f *File) *Writer {
	t.Helper()
	w := NewWriter()
	for _, key := range f.Keys() {
		v, ok := f.Value(key)
		if !ok {
			t.Fatalf("no value for %q", key)
		}
		if err := w.SetValue(key, v); err != nil {
			t.Fatal(err)
		}
	}
	for _, x := range f.Tensors() {
		w.AddTensorBytes(x.Name, x.Type, x.Shape, x.Data)
	}
	return w
}

func TestSetAgainKeepsPlace(t *testing.T) {
	w := NewWriter()
	w.SetText("a", "1")
	w.SetText("b", "2")
	w.SetUint32("a", 3)
	f := opened(t, stored(t, "a.gguf", encoded(t, w)))
	if diff := cmp.Diff([]string{"a", "b"}, f.Keys()); diff != "" {
		t.Error(diff)
	}
	if v, err := f.Uint("a"); err != nil || v != 3 {
		t.Errorf("a = %d, %v", v, err)
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "m.gguf")
	if err := sample().Create(path); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, encoded(t, sample())) {
		t.Errorf("Create wrote something else than WriteTo: %v", err)
	}
	// A writer that fails leaves the old file and no other.
	w := sample()
	broken := errors.New("broken pipe")
	w.AddTensor("bad", quant.F32, []int{1}, func(io.Writer) error { return broken })
	if err := w.Create(path); !errors.Is(err, broken) || !strings.Contains(err.Error(), `"bad"`) {
		t.Errorf("error: %v", err)
	}
	if again, err := os.ReadFile(path); err != nil || !bytes.Equal(again, got) {
		t.Errorf("the old file is gone or changed: %v", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
	if err := sample().Create(filepath.Join(dir, "none", "m.gguf")); err == nil {
		t.Error("a missing folder is no error")
	}
}

func TestWriterRefuses(t *testing.T) {
	data := make([]byte, 1<<10)
	for name, c := range map[string]struct {
		build func(w *Writer)
		want  string
	}{
		"empty key":      {func(w *Writer) { w.SetBool("", true) }, "empty key"},
		"empty name":     {func(w *Writer) { w.AddTensorBytes("", quant.F32, []int{1}, data[:4]) }, "empty or repeated"},
		"repeated":       {func(w *Writer) { w.AddTensorBytes("norm", quant.F32, []int{1}, data[:4]) }, `"norm": empty or repeated`},
		"unknown type":   {func(w *Writer) { w.AddTensorBytes("x", 999, []int{1}, data[:4]) }, `"x": type 999`},
		"five dims":      {func(w *Writer) { w.AddTensorBytes("x", quant.F32, []int{1, 1, 1, 1, 1}, data[:4]) }, "5 dimensions"},
		"zero dim":       {func(w *Writer) { w.AddTensorBytes("x", quant.F32, []int{4, 0}, nil) }, "dimension 1 is 0"},
		"part of block":  {func(w *Writer) { w.AddTensorBytes("x", quant.Q4_0, []int{16}, data[:9]) }, "no whole blocks"},
		"too few bytes":  {func(w *Writer) { w.AddTensorBytes("x", quant.F32, []int{2}, data[:4]) }, "4 bytes of data instead of 8"},
		"too many bytes": {func(w *Writer) { w.AddTensorBytes("x", quant.F32, []int{2}, data[:12]) }, "12 bytes of data instead of 8"},
		"too large":      {func(w *Writer) { w.AddTensorBytes("x", quant.I8, []int{1 << 30, 1 << 30, 1 << 30}, nil) }, "too large"},
		"alignment":      {func(w *Writer) { w.SetUint32(keyAlignment, 48) }, "48 is not a power of two"},
		"alignment kind": {func(w *Writer) { w.SetUint64(keyAlignment, 32) }, "is uint64, not uint32"},
	} {
		t.Run(name, func(t *testing.T) {
			w := sample()
			c.build(w)
			if _, err := w.WriteTo(io.Discard); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want %q", err, c.want)
			}
		})
	}
}
