package gguf

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"happyphonellm/internal/quant"
)

// sample returns a Writer with every kind of value and a few tensors.
func sample() *Writer {
	w := NewWriter()
	w.SetText("general.architecture", "llama")
	SetNumber(w, "n.uint8", uint8(200))
	SetNumber(w, "n.int8", int8(-100))
	SetNumber(w, "n.uint16", uint16(60000))
	SetNumber(w, "n.int16", int16(-30000))
	w.SetUint32("n.uint32", 4e9)
	w.SetInt32("n.int32", -2e9)
	w.SetUint64("n.uint64", 1<<63+1)
	SetNumber(w, "n.int64", int64(-1<<62))
	w.SetFloat32("n.float32", 0.1)
	SetNumber(w, "n.float64", 0.1)
	w.SetBool("n.bool", true)
	w.SetText("text", "a \"quoted\"\n\t\x01 <b> é \xff end")
	w.SetText("text.empty", "")
	w.SetTexts("list.text", []string{"", "<s>", "é", "longer than the others"})
	w.SetTexts("list.text.empty", nil)
	w.SetBools("list.bool", []bool{true, false, true})
	SetNumbers(w, "list.uint8", []uint8{0, 255})
	SetNumbers(w, "list.int8", []int8{-128, 127})
	SetNumbers(w, "list.uint16", []uint16{1, 65535})
	SetNumbers(w, "list.int16", []int16{-1, 32767})
	SetNumbers(w, "list.uint32", []uint32{1, 1 << 31})
	SetNumbers(w, "list.int32", []int32{-5, 5})
	SetNumbers(w, "list.uint64", []uint64{1, 1 << 63})
	SetNumbers(w, "list.int64", []int64{-1 << 63, 1})
	SetNumbers(w, "list.float32", []float32{0.5, -0.1})
	SetNumbers(w, "list.float64", []float64{0.25, 0.1, 3})
	w.AddTensorBytes("token_embd.weight", quant.Q4_0, []int{64, 3}, pattern(3*36))
	w.AddTensorBytes("norm", quant.F32, []int{5}, pattern(20))
	w.AddTensorBytes("one", quant.F32, nil, pattern(4))
	w.AddTensorBytes("four", quant.F16, []int{2, 3, 1, 5}, pattern(60))
	return w
}

// pattern returns n bytes that differ from their neighbours.
func pattern(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i*7 + n)
	}
	return b
}

// encoded returns the bytes that w writes.
func encoded(t testing.TB, w *Writer) []byte {
	t.Helper()
	var b bytes.Buffer
	if _, err := w.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// stored writes data to a new file and returns its path.
func stored(t testing.TB, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// opened opens a file until the end of the test.
func opened(t testing.TB, path string) *File {
	t.Helper()
	f, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// raw builds files by hand, right or wrong.
type raw []byte

func newRaw(version uint32, tensors, keys uint64) raw {
	return raw(magic).u32(version).u64(tensors).u64(keys)
}

func (r raw) u32(v uint32) raw         { return binary.LittleEndian.AppendUint32(r, v) }
func (r raw) u64(v uint64) raw         { return binary.LittleEndian.AppendUint64(r, v) }
func (r raw) text(s string) raw        { return append(r.u64(uint64(len(s))), s...) }
func (r raw) key(s string, k Kind) raw { return r.text(s).u32(uint32(k)) }
func (r raw) zeros(n int) raw          { return append(r, make([]byte, n)...) }

func (r raw) tensor(name string, typ quant.Type, offset uint64, dims ...uint64) raw {
	r = r.text(name).u32(uint32(len(dims)))
	for _, d := range dims {
		r = r.u64(d)
	}
	return r.u32(uint32(typ)).u64(offset)
}

// pad appends zeros up to a multiple of the default alignment.
func (r raw) pad() raw { return r.zeros(-len(r) & (defaultAlignment - 1)) }
