package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSafetensors(t *testing.T) {
	f := opened(t, map[string][]byte{"model.safetensors": safetensorsOf(
		f32("b", []int{2, 3}, 1, 2, 3, 4, 5, 6),
		f32("a", nil, 7),
		entry{"c", "BF16", []int{2}, []byte{0x80, 0x3f, 0, 0xc0}},
	)})
	if diff := cmp.Diff([]string{"a", "b", "c"}, names(f)); diff != "" {
		t.Error(diff)
	}
	for name, want := range map[string][]float32{"a": {7}, "b": {1, 2, 3, 4, 5, 6}, "c": {1, -2}} {
		if diff := cmp.Diff(want, values(t, f, name)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	b := f.Tensor("b")
	if b.Rows() != 2 || b.Cols() != 3 || b.Bytes() != 24 || b.Computed() {
		t.Errorf("b: %d rows of %d in %d bytes, computed: %t", b.Rows(), b.Cols(), b.Bytes(), b.Computed())
	}
	part := make([]float32, 3)
	if err := b.Read(part, 2); err != nil || !cmp.Equal(part, []float32{3, 4, 5}) {
		t.Errorf("elements 2 to 5: %v, %v", part, err)
	}
	raw := make([]byte, 4)
	if err := f.Tensor("c").ReadBytes(raw, 0); err != nil || !bytes.Equal(raw, []byte{0x80, 0x3f, 0, 0xc0}) {
		t.Errorf("bytes of c: %x, %v", raw, err)
	}
	for _, at := range []int{-1, 4, math.MaxInt} {
		if err := b.Read(part, at); err == nil {
			t.Errorf("read 3 elements from %d on, of 6", at)
		}
	}
}

// TestTypes: numbers at the ends of each type. The formats of 8 bits are compared
// in full: their values by the formula of the OCP's specification.
func TestTypes(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	u64 := func(v uint64) []byte { return binary.LittleEndian.AppendUint64(nil, v) }
	var all []byte
	for i := range 256 {
		all = append(all, byte(i))
	}
	tests := []struct {
		dtype Type
		data  []byte
		want  []float32
	}{
		{F64, u64(math.Float64bits(1.0 / 3)), []float32{1.0 / 3}},
		{F32, f32Bytes(1, -0.5, inf, 0x1p-149, 3), []float32{1, -0.5, inf, 0x1p-149, 3}},
		{F16, []byte{0, 0x3c, 1, 0, 0xff, 0x7b, 0, 0x7c, 0, 0xfc, 1, 0x7e, 0, 0x80, 0xff, 3}, []float32{1, 0x1p-24, 65504, inf, -inf, nan, float32(math.Copysign(0, -1)), 1023 * 0x1p-24}},
		{BF16, []byte{0x80, 0x3f, 1, 0, 0x80, 0x7f, 0xc0, 0x7f, 0, 0xc0}, []float32{1, 0x1p-133, inf, nan, -2}},
		{F8E4M3, all, ocp8(4, 7, false)},
		{F8E5M2, all, ocp8(5, 15, true)},
		{F8E8M0, []byte{0, 127, 130, 255}, []float32{0x1p-127, 1, 8, nan}},
		{I64, append(u64(1<<63), u64(16777217)...), []float32{-0x1p63, 16777216}},
		{I32, i32Bytes(0x80000000, 5), []float32{-0x1p31, 5}},
		{I16, []byte{0, 0x80, 5, 0}, []float32{-32768, 5}},
		{I8, []byte{0x80, 5}, []float32{-128, 5}},
		{U64, u64(math.MaxUint64), []float32{0x1p64}},
		{U32, i32Bytes(0x80000000, 5), []float32{0x1p31, 5}},
		{U16, []byte{0, 0x80, 5, 0}, []float32{32768, 5}},
		{U8, []byte{0x80, 5}, []float32{128, 5}},
		{Bool, []byte{0, 1}, []float32{0, 1}},
	}
	seen := map[Type]bool{}
	for _, test := range tests {
		t.Run(string(test.dtype), func(t *testing.T) {
			f := opened(t, map[string][]byte{"model.safetensors": safetensorsOf(entry{"x", string(test.dtype), []int{len(test.want)}, test.data})})
			if diff := cmp.Diff(test.want, values(t, f, "x"), cmpopts.EquateNaNs()); diff != "" {
				t.Error(diff)
			}
		})
		seen[test.dtype] = true
	}
	for dtype := range types {
		if !seen[dtype] {
			t.Errorf("%s has no test", dtype)
		}
	}
}

// ocp8 has all values of an 8-bit format with so many bits of exponent.
func ocp8(bits, bias int, infinities bool) []float32 {
	out := make([]float32, 256)
	for i := range out {
		mantissa := 7 - bits
		exp, m := i>>mantissa&(1<<bits-1), i&(1<<mantissa-1)
		v := math.Pow(2, float64(1-bias)) * float64(m) / float64(int(1)<<mantissa)
		if exp > 0 {
			v = math.Pow(2, float64(exp-bias)) * (1 + float64(m)/float64(int(1)<<mantissa))
		}
		switch top := exp == 1<<bits-1; {
		case infinities && top && m == 0:
			v = math.Inf(1)
		case infinities && top, !infinities && top && m == 1<<mantissa-1:
			v = math.NaN()
		}
		if i > 127 {
			v = -v
		}
		out[i] = float32(v)
	}
	return out
}

// TestBadSafetensors: files that lie.
func TestBadSafetensors(t *testing.T) {
	one := `"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}`
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes are no safetensors file"},
		{"short length", []byte{1, 2, 3}, "3 bytes are no safetensors file"},
		{"header of 2^63 bytes", append(binary.LittleEndian.AppendUint64(nil, 1<<63), "{}"...), "a header of 9223372036854775808 bytes"},
		{"header of 2^64-1 bytes", append(binary.LittleEndian.AppendUint64(nil, math.MaxUint64), "{}"...), "a header of 18446744073709551615 bytes"},
		{"header beyond the file", append(binary.LittleEndian.AppendUint64(nil, 100), "{}"...), "a header of 100 bytes, in a file of 10"},
		{"header of nothing", header("", nil), "no JSON object"},
		{"header is a list", header("[]", nil), "no JSON object"},
		{"header is cut", header(`{"a":{"dtype":"F3`, nil), `tensor "a"`},
		{"header is cut after an entry", header(`{`+one, make([]byte, 8)), "header"},
		{"something follows", header(`{`+one+`} x`, make([]byte, 8)), "something follows"},
		{"two objects", header(`{`+one+`}{}`, make([]byte, 8)), "something follows"},
		{"deep nesting", header(`{"a":`+strings.Repeat("[", 1<<20)+`}`, nil), "depth"},
		{"deep metadata", header(`{"__metadata__":`+strings.Repeat(`{"a":`, 1<<20)+`}`, nil), "depth"},
		{"metadata is no text", header(`{"__metadata__":{"a":1}}`, nil), "__metadata__"},
		{"same name twice", header(`{`+one+`,`+one+`}`, make([]byte, 8)), `"a" is there twice`},
		{"truncated data", header(`{`+one+`}`, make([]byte, 7)), "damaged or cut short"},
		{"offset beyond the file", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, make([]byte, 8)), "damaged or cut short"},
		{"offset of 2^64-1", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[18446744073709551612,18446744073709551615]}}`, make([]byte, 8)), "damaged or cut short"},
		{"offset beyond 64 bits", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,18446744073709551616]}}`, make([]byte, 8)), `tensor "a"`},
		{"offsets turned around", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}}`, make([]byte, 4)), "data at 4 to 0"},
		{"negative offset", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, make([]byte, 4)), `tensor "a"`},
		{"one offset", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}}`, make([]byte, 4)), "not two numbers"},
		{"three offsets", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4,4]}}`, make([]byte, 4)), "not two numbers"},
		{"no shape", header(`{"a":{"dtype":"F32","data_offsets":[0,4]}}`, make([]byte, 4)), `"shape" is missing`},
		{"shape is text", header(`{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}`, make([]byte, 4)), `tensor "a"`},
		{"negative dimension", header(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}`, make([]byte, 4)), `tensor "a"`},
		{"fraction of a dimension", header(`{"a":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}}`, make([]byte, 4)), `tensor "a"`},
		{"no elements", header(`{"a":{"dtype":"F32","shape":[0,4],"data_offsets":[0,0]}}`, nil), "shape [0 4] has no elements"},
		{"dimensions overflow", header(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, make([]byte, 4)), "more than the 4 bytes"},
		{"dimensions overflow to what is there", header(`{"a":{"dtype":"F32","shape":[4611686018427387905],"data_offsets":[0,4]}}`, make([]byte, 4)), "more than the 4 bytes"},
		{"dimension of 2^64-1", header(`{"a":{"dtype":"F32","shape":[18446744073709551615],"data_offsets":[0,4]}}`, make([]byte, 4)), "more than the 4 bytes"},
		{"shape is not the data's", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,8]}}`, make([]byte, 8)), "shape [1] of F32 takes 4 bytes"},
		{"no type", header(`{"a":{"shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)), `type "" cannot be read`},
		{"unknown type", header(`{"a":{"dtype":"F4","shape":[8],"data_offsets":[0,4]}}`, make([]byte, 4)), `type "F4" cannot be read`},
		{"type is a number", header(`{"a":{"dtype":4,"shape":[1],"data_offsets":[0,4]}}`, make([]byte, 4)), `tensor "a"`},
		{"overlap", header(`{`+one+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)), `tensors "a" and "b" overlap`},
		{"same place", header(`{`+one+`,"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}`, make([]byte, 8)), "overlap"},
		{"gap", header(`{`+one+`,"b":{"dtype":"F32","shape":[1],"data_offsets":[12,16]}}`, make([]byte, 16)), `4 bytes before tensor "b"`},
		{"gap at the beginning", header(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, make([]byte, 8)), `4 bytes before tensor "a"`},
		{"rest", header(`{`+one+`}`, make([]byte, 9)), "1 bytes at the end"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := folder(t, map[string][]byte{"model.safetensors": test.file})
			refused(t, dir, test.want, filepath.Join(dir, "model.safetensors"))
		})
	}
}

// TestCutWhileRead: a file that loses its end after it was opened is an error that says so.
func TestCutWhileRead(t *testing.T) {
	dir := folder(t, map[string][]byte{"model.safetensors": safetensorsOf(f32("a", []int{2}, 1, 2))})
	f := openDir(t, dir)
	path := filepath.Join(dir, "model.safetensors")
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, info.Size()-4); err != nil {
		t.Fatal(err)
	}
	err = f.Tensor("a").Read(make([]float32, 2), 0)
	if want := path + `: tensor "a": the file is cut short`; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	if err := f.Tensor("a").Read(make([]float32, 1), 0); err != nil {
		t.Errorf("what is left: %v", err)
	}
}

func BenchmarkRead(b *testing.B) {
	const n = 1 << 20
	for _, dtype := range []Type{F32, F16, BF16, F8E4M3} {
		b.Run(fmt.Sprint(dtype), func(b *testing.B) {
			data := make([]byte, n*dtype.Size())
			for i := range data {
				data[i] = byte(i * 7)
			}
			f := opened(b, map[string][]byte{"model.safetensors": safetensorsOf(entry{"x", string(dtype), []int{n}, data})})
			x := make([]float32, n)
			b.SetBytes(int64(len(data)))
			for b.Loop() {
				if err := f.Tensor("x").Read(x, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
