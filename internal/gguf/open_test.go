package gguf

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"runtime"
	"strings"
	"testing"

	"happyphonellm/internal/quant"
)

// Each file is wrong in one way; the error must wrap ErrFormat, begin with the
// package and the path, and end with the reason.
func TestOpenRefuses(t *testing.T) {
	valid := encoded(t, sample())
	nested := newRaw(3, 0, 1).key("x", List).u32(uint32(List)).u64(1).zeros(64)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not a GGUF file: only 0 bytes"},
		{"short", valid[:23], "not a GGUF file: only 23 bytes"},
		{"text", []byte("This is a text file, not a model."), `not a GGUF file: it does not begin with "GGUF"`},
		{"version 1", newRaw(1, 0, 0), "at offset 4: GGUF version 1 is not supported"},
		{"version 0", newRaw(0, 0, 0), "GGUF version 0 is not supported"},
		{"version 4", newRaw(4, 0, 0), "GGUF version 4 is not supported"},
		{"big-endian", newRaw(3<<24, 0, 0), "big-endian"},
		{"too many keys", newRaw(3, 0, math.MaxUint64).zeros(100), "18446744073709551615 keys do not fit"},
		{"too many tensors", newRaw(3, math.MaxUint64, 0).zeros(100), "18446744073709551615 tensors do not fit"},
		{"key missing", newRaw(3, 0, 2).key("a", Uint8).zeros(1 + 14), `key 1 at offset 38: its name is empty`},
		{"key name too long", newRaw(3, 0, 1).u64(1 << 62).zeros(20), "key 0 at offset 24: its name is empty or longer than the file"},
		{"kind unknown", newRaw(3, 0, 1).key("a", 13).zeros(20), `key "a" at offset 33: unknown kind 13 of value`},
		{"value cut", newRaw(3, 0, 1).key("ab", Uint64).zeros(4), `key "ab" at offset 34: the file ends here`},
		{"text too long", newRaw(3, 0, 1).key("a", Text).u64(math.MaxUint64).zeros(9), "the string is longer than the file"},
		{"array in array", nested, "arrays in arrays are not supported"},
		{"array kind", newRaw(3, 0, 1).key("a", List).u32(99).u64(0), "unknown kind 99 of array elements"},
		{"array cut", newRaw(3, 0, 1).key("a", List).u32(0), "the file ends here"},
		{"array too long", newRaw(3, 0, 1).key("a", List).u32(uint32(Uint64)).u64(1<<61 + 1).zeros(16), "an array of 2305843009213693953 elements is longer"},
		{"texts too many", newRaw(3, 0, 1).key("a", List).u32(uint32(Text)).u64(3).zeros(16), "an array of 3 strings is longer"},
		{"texts too long", newRaw(3, 0, 1).key("a", List).u32(uint32(Text)).u64(2).text("x").u64(2).zeros(1), "string 1 of the array is longer"},
		{"key twice", newRaw(3, 0, 3).key("a", Uint8).zeros(1).key("b", Uint8).zeros(1).key("a", Uint8).zeros(1), `key "a" at offset 65: appears twice`},
		{"alignment 12", newRaw(3, 0, 1).key(keyAlignment, Uint32).u32(12), "12 is not a power of two"},
		{"alignment 0", newRaw(3, 0, 1).key(keyAlignment, Uint32).u32(0), "0 is not a power of two"},
		{"alignment kind", newRaw(3, 0, 1).key(keyAlignment, Uint64).u64(32), "is uint64, not uint32"},
		{"tensor cut", newRaw(3, 1, 0).text("x").u32(1).u64(1).zeros(4), "do not fit"},
		{"tensor cut late", newRaw(3, 1, 0).text("name of a tensor").u32(1).u64(1).u32(0).zeros(4), `tensor "name of a tensor" at offset 24: the file ends here`},
		{"dims", newRaw(3, 1, 0).tensor("x", quant.F32, 0, 1, 1, 1, 1, 1).zeros(64), "5 dimensions"},
		{"dims many", newRaw(3, 1, 0).text("x").u32(math.MaxUint32).zeros(64), "4294967295 dimensions"},
		{"zero dim", newRaw(3, 1, 0).tensor("x", quant.F32, 0, 4, 0).zeros(64), "dimension 1 is 0"},
		{"dims overflow", newRaw(3, 1, 0).tensor("x", quant.F32, 0, 1<<32, 1<<32).zeros(64), "dimension 1 is 4294967296: empty or too large"},
		{"dim huge", newRaw(3, 1, 0).tensor("x", quant.F32, 0, math.MaxUint64).zeros(64), "dimension 0 is 18446744073709551615: empty or too large"},
		{"bytes overflow", newRaw(3, 1, 0).tensor("x", quant.F64, 0, 1<<62).zeros(64), "no whole blocks"},
		{"bytes overflow rows", newRaw(3, 1, 0).tensor("x", quant.F64, 0, 1, 1<<62).zeros(64), "larger than the file"},
		{"type", newRaw(3, 1, 0).tensor("x", 77, 0, 4).zeros(64), `tensor "x" at offset 24: unknown type 77`},
		{"block", newRaw(3, 1, 0).tensor("x", quant.Q4_K, 0, 128).zeros(200), "rows of 128 elements are no whole blocks of Q4_K (256 elements each)"},
		{"offset unaligned", newRaw(3, 1, 0).tensor("x", quant.F32, 4, 1).pad().zeros(64), "data offset 4 is outside the file or no multiple of 32"},
		{"offset huge", newRaw(3, 1, 0).tensor("x", quant.F32, 1<<63, 1).pad().zeros(64), "is outside the file"},
		{"outside", newRaw(3, 1, 0).tensor("x", quant.F32, 64, 1).pad().zeros(64), "its 4 bytes of data lie outside the file of 128 bytes"},
		{"cut data", newRaw(3, 1, 0).tensor("x", quant.F32, 0, 8).pad().zeros(31), "its 32 bytes of data lie outside the file of 95 bytes"},
		{"overlap", newRaw(3, 2, 0).tensor("x", quant.F32, 0, 16).tensor("y", quant.F32, 32, 8).pad().zeros(64), `tensor "y" at offset 128: its data overlaps that of "x"`},
		{"tensor twice", newRaw(3, 2, 0).tensor("x", quant.F32, 0, 8).tensor("x", quant.F32, 32, 8).pad().zeros(64), "appears twice"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := stored(t, "bad.gguf", c.data)
			f, err := Open(path)
			if err == nil {
				f.Close()
				t.Fatal("it opened")
			}
			if !errors.Is(err, ErrFormat) || !strings.HasPrefix(err.Error(), "gguf: "+path+": ") || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want %q", err, c.want)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("more than a line: %q", err)
			}
		})
	}
}

func TestOpenRefusesOtherThings(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir); !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Open(dir + "/none.gguf"); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.gguf") {
		t.Errorf("a missing file: %v", err)
	}
}

// Whatever the place a file is cut at, opening it is an error (or it still holds everything).
func TestOpenCutAnywhere(t *testing.T) {
	whole := encoded(t, sample())
	f := opened(t, stored(t, "a.gguf", whole))
	last := f.Tensors()[len(f.Tensors())-1]
	end := int(last.Offset) + len(last.Data)
	path := stored(t, "cut.gguf", whole)
	for n := len(whole) - 1; n >= 0; n-- {
		if err := os.Truncate(path, int64(n)); err != nil {
			t.Fatal(err)
		}
		g, err := Open(path)
		if (err == nil) != (n >= end) {
			t.Errorf("cut at %d of %d: %v", n, len(whole), err)
		}
		if err == nil {
			g.Close()
		}
	}
}

func TestOpenAccepts(t *testing.T) {
	for name, data := range map[string][]byte{
		"version 2":          newRaw(2, 1, 1).key("a", Uint8).zeros(1).tensor("x", quant.F32, 0, 8).pad().zeros(32),
		"nothing in it":      newRaw(3, 0, 0),
		"unknown arch":       newRaw(3, 0, 1).key("general.architecture", Text).text("none"),
		"tensors backwards":  newRaw(3, 2, 0).tensor("x", quant.F32, 32, 8).tensor("y", quant.F32, 0, 8).pad().zeros(64),
		"gap between":        newRaw(3, 2, 0).tensor("x", quant.F32, 0, 8).tensor("y", quant.F32, 64, 8).pad().zeros(96),
		"alignment 8":        newRaw(3, 1, 1).key(keyAlignment, Uint32).u32(8).tensor("x", quant.F32, 8, 1).zeros(24),
		"no padding":         newRaw(3, 1, 0).tensor("x", quant.F32, 0, 1).pad().zeros(4),
		"withdrawn type":     newRaw(3, 1, 0).tensor("x", quant.Q4_2, 0, 16).pad().zeros(10),
		"type without maths": newRaw(3, 1, 0).tensor("x", quant.IQ1_M, 0, 256).pad().zeros(56),
	} {
		t.Run(name, func(t *testing.T) {
			f := opened(t, stored(t, "good.gguf", data))
			for _, x := range f.Tensors() {
				if len(x.Data) == 0 {
					t.Errorf("%s has no data", x.Name)
				}
			}
		})
	}
}

// A long untrusted name is cut short and quoted in errors.
func TestErrorNames(t *testing.T) {
	name := strings.Repeat("x\n", 5000)
	_, err := Open(stored(t, "bad.gguf", newRaw(3, 0, 1).key(name, 13).zeros(20)))
	if err == nil || len(err.Error()) > 500 || strings.Contains(err.Error(), "\n") {
		t.Errorf("error of %d bytes: %.600v", len(fmt.Sprint(err)), err)
	}
}

// Opening allocates at most a few times the file's size, however many things a
// small file packs together.
func TestOpenAllocates(t *testing.T) {
	keys := newRaw(3, 0, 60000)
	for i := range 60000 {
		keys = keys.key(fmt.Sprintf("%x", i), Uint8).zeros(1)
	}
	const n = 20000
	tensors := newRaw(3, n, 1).key(keyAlignment, Uint32).u32(8)
	for i := range n {
		tensors = tensors.tensor(fmt.Sprintf("%x", i), quant.I8, uint64(8*i), 1)
	}
	tensors = tensors.zeros(8 * n)
	for name, data := range map[string][]byte{"keys": keys, "tensors": tensors} {
		path := stored(t, name, data)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		f, err := Open(path)
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		got := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: %d bytes of memory for a file of %d", name, got, len(data))
		if got > 4*uint64(len(data)) {
			t.Errorf("%s: %d bytes of memory for a file of %d", name, got, len(data))
		}
	}
}

func TestVersion2IsReadWhole(t *testing.T) {
	data := bytes.Clone(encoded(t, sample()))
	data[4] = 2
	f := opened(t, stored(t, "v2.gguf", data))
	if s, err := f.Text("text.empty"); err != nil || s != "" || f.Version() != 2 || len(f.Tensors()) != 4 {
		t.Errorf("%q, %v, version %d, %d tensors", s, err, f.Version(), len(f.Tensors()))
	}
}

// Every byte of a valid file, changed: it opens or gives an error, and what opens can be read.
func TestOpenAnyByteChanged(t *testing.T) {
	whole := encoded(t, sample())
	path := stored(t, "changed.gguf", whole)
	file, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	change := func(i int, b byte) {
		if _, err := file.WriteAt([]byte{b}, int64(i)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range whole {
		for _, b := range []byte{0, 0x80, 0xff, whole[i] ^ 0x41} {
			change(i, b)
			f, err := Open(path)
			if err != nil {
				if !errors.Is(err, ErrFormat) && !errors.Is(err, ErrType) {
					t.Errorf("byte %d = %d: %v", i, b, err)
				}
				continue
			}
			for _, key := range f.Keys() {
				v, ok := f.Value(key)
				if _, err := v.MarshalJSON(); !ok || err != nil {
					t.Errorf("byte %d = %d: key %q: %v, %v", i, b, key, ok, err)
				}
			}
			f.Close()
		}
		change(i, whole[i])
	}
}
