package checkpoint

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/testkit"
)

// TestTorch: files that torch.save wrote (testdata/save.py), in both forms, with
// transposed tensors, parts of others, shared memory and parameters.
func TestTorch(t *testing.T) { checkTorch(t, "testdata/torch") }

// TestPeerTorch: the same of the torch that is there now.
func TestPeerTorch(t *testing.T) {
	host, inside := testkit.PeerDir(t)
	script, err := filepath.Abs("testdata/save.py")
	if err != nil {
		t.Fatal(err)
	}
	if out, err := testkit.Peer(t, "python3", testkit.Share(t, script), inside).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	checkTorch(t, host)
}

func checkTorch(t *testing.T, dir string) {
	data, err := os.ReadFile(filepath.Join(dir, "want.json"))
	if err != nil {
		t.Fatal(err)
	}
	var want map[string]struct {
		Shape  []int
		Values []float32
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"zip.pt", "legacy.pt", "nested.pt"} {
		t.Run(file, func(t *testing.T) {
			data, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil {
				t.Fatal(err)
			}
			f := opened(t, map[string][]byte{"pytorch_model.bin": data})
			for name, w := range want {
				if file == "legacy.pt" && (name == "float8" || name == "uint16") {
					continue // the old form lacks them
				}
				if diff := cmp.Diff(w.Values, values(t, f, name)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				tensor := f.Tensor(name)
				if diff := cmp.Diff(w.Shape, append([]int{}, tensor.Shape...)); diff != "" {
					t.Errorf("%s: %s", name, diff)
				}
				pieces(t, tensor, w.Values)
			}
		})
	}
}

// pieces reads every range of elements.
func pieces(t *testing.T, tensor *Tensor, want []float32) {
	t.Helper()
	for from := range want {
		for to := from; to <= len(want); to++ {
			got := make([]float32, to-from)
			if err := tensor.Read(got, from); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want[from:to], got); diff != "" && to > from {
				t.Fatalf("%s, elements %d to %d: %s", tensor.Name, from, to, diff)
			}
		}
	}
}

// TestTorchShards: numbered files with an index.
func TestTorchShards(t *testing.T) {
	f := opened(t, map[string][]byte{
		"pytorch_model.bin.index.json":     []byte(`{"weight_map":{"a":"pytorch_model-00001-of-00002.bin","b":"pytorch_model-00002-of-00002.bin"}}`),
		"pytorch_model-00001-of-00002.bin": torchOf(dictOf("a", floats("0", 2)), map[string][]byte{"0": f32Bytes(1, 2)}),
		"pytorch_model-00002-of-00002.bin": torchOf(dictOf("b", floats("0", 2)), map[string][]byte{"0": f32Bytes(3, 4)}),
	})
	if diff := cmp.Diff([]float32{3, 4}, values(t, f, "b")); diff != "" {
		t.Error(diff)
	}
}

// --- pickles made by hand -----------------------------------------------------

// text is the operation that pushes a text.
func text(s string) string {
	return "X" + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
}

// global is the operation that pushes what a module has.
func global(module, item string) string { return "c" + module + "\n" + item + "\n" }

// integer pushes a number of 64 bits.
func integer(v int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(v)))
}

// storageFor pushes the memory with a key.
func storageFor(class, key string, numel int64) string {
	return "(" + text("storage") + global("torch", class) + text(key) + text("cpu") + integer(numel) + "tQ"
}

func integersOf(v ...int64) string {
	out := "("
	for _, n := range v {
		out += integer(n)
	}
	return out + "t"
}

// tensorOf pushes a tensor of a storage.
func tensorOf(storage string, offset int64, shape, strides string) string {
	return global("torch._utils", "_rebuild_tensor_v2") + "(" + storage + integer(offset) + shape + strides + "\x89" + global("collections", "OrderedDict") + ")RtR"
}

// floats pushes a vector of F32 that fills its memory.
func floats(key string, n int64) string {
	return tensorOf(storageFor("FloatStorage", key, n), 0, integersOf(n), integersOf(1))
}

// dictOf is a pickle of a dict with one item.
func dictOf(key, value string) string { return "\x80\x02}" + text(key) + value + "s." }

// torchOf is a file of a pickle and memory.
func torchOf(pickle string, memory map[string][]byte) []byte {
	return archive(zip.Store, "x/data.pkl", []byte(pickle), memory)
}

func archive(method uint16, name string, pickle []byte, memory map[string][]byte) []byte {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	add := func(name string, method uint16, data []byte) {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
		if err == nil {
			_, err = w.Write(data)
		}
		if err != nil {
			panic(err)
		}
	}
	add(name, method, pickle)
	add("x/byteorder", zip.Store, []byte("little"))
	for key, data := range memory {
		add("x/data/"+key, zip.Store, data)
	}
	if err := z.Close(); err != nil {
		panic(err)
	}
	return out.Bytes()
}

// TestBadPickle: programs that want more than tensors, or lie about them.
func TestBadPickle(t *testing.T) {
	call := func(module, item string, args string) string { return global(module, item) + args + "R" }
	two := map[string][]byte{"0": f32Bytes(1, 2)}
	strided := func(offset int64, shape, strides string) string {
		return dictOf("a", tensorOf(storageFor("FloatStorage", "0", 2), offset, shape, strides))
	}
	tests := []struct{ name, pickle, want string }{
		{"os.system", dictOf("a", call("os", "system", "("+text("touch /tmp/x")+"t")), `asks for "os.system"`},
		{"posix.system", dictOf("a", call("posix", "system", "("+text("id")+"t")), `asks for "posix.system"`},
		{"eval", dictOf("a", call("builtins", "eval", "("+text("1")+"t")), `asks for "builtins.eval"`},
		{"getattr", dictOf("a", call("__builtin__", "getattr", "("+text("1")+"t")), `asks for "__builtin__.getattr"`},
		{"a name in a name", dictOf("a", text("torch._utils")+text("_rebuild_tensor_v2.__globals__")+"\x93"), `asks for "torch._utils._rebuild_tensor_v2.__globals__"`},
		{"os.system from the stack", dictOf("a", text("os")+text("system")+"\x93"+"("+text("id")+"tR"), `asks for "os.system"`},
		{"a module's dots", dictOf("a", global("torch", "serialization.os.system")), `asks for "torch.serialization.os.system"`},
		{"numpy", dictOf("a", global("numpy.core.multiarray", "_reconstruct")), "numpy.core.multiarray._reconstruct"},
		{"torch.load", dictOf("a", call("torch", "load", "("+text("x")+"t")), `asks for "torch.load"`},
		{"quantized", dictOf("a", global("torch._utils", "_rebuild_qtensor")), "torch._utils._rebuild_qtensor"},
		{"complex", dictOf("a", global("torch", "ComplexFloatStorage")), "torch.ComplexFloatStorage"},
		{"call of a type", dictOf("a", global("torch", "float32")+")R"), "nothing to be called"},
		{"call of a text", dictOf("a", text("x")+")R"), "calls a text: refused"},
		{"call of a tensor", dictOf("a", floats("0", 2)+")R"), "calls a tensor: refused"},
		{"arguments are no tuple", dictOf("a", global("torch", "Size")+"]R"), "a list in place of arguments"},
		{"INST", dictOf("a", "("+text("id")+"ios\nsystem\n"), `operation 'i'`},
		{"OBJ", dictOf("a", "("+global("torch", "Size")+text("id")+"o"), `operation 'o'`},
		{"NEWOBJ", dictOf("a", global("torch", "Size")+")\x81"), `operation '\u0081'`},
		{"EXT1", dictOf("a", "\x82\x01"), `operation '\u0082'`},
		{"BUILD of a tensor", dictOf("a", floats("0", 2)+"}b"), "sets attributes of a tensor: refused"},
		{"BUILD of a name", dictOf("a", global("torch", "float32")+"}b"), "sets attributes of torch.float32: refused"},
		{"protocol 0", "(dp0\n.", `operation 'p'`},
		{"nothing", ".", "more from the stack than there is"},
		{"cut", "\x80\x02}", "cut short"},
		{"text beyond the end", "X\xff\xff\xff\xff.", "cut short"},
		{"text of 2^63 bytes", "\x8d\x00\x00\x00\x00\x00\x00\x00\x80.", "cut short"},
		{"name without an end", "c" + strings.Repeat("x", 5000), "a name of more than"},
		{"pop below a mark", "N(a.", "more from the stack"},
		{"mark is missing", "t.", "no mark"},
		{"memo is empty", "h\x05.", "nothing is remembered as 5"},
		{"item of a number", "K\x01NNs.", "items for a number"},
		{"odd items", "}(NNNu.", "3 items for a dict"},
		{"append to a dict", "}Na.", "items of a list for a dict"},
		{"too many operations", "\x80\x02" + strings.Repeat("N0", maxSteps/2+1) + ".", "more than 4194304 operations"},
		{"a list", "].", "a list: want a dict of tensors"},
		{"no tensors", "}.", "it holds no tensors"},
		{"name is a number", "}K\x01" + floats("0", 2) + "s.", "its name is a number"},
		{"same name twice", "}" + text("a") + floats("0", 2) + "s" + text("a") + floats("0", 2) + "s.", "there twice"},
		{"persistent id is a text", dictOf("a", text("x")+"Q"), "a text in place of a storage"},
		{"persistent id is another", dictOf("a", "("+text("file")+text("/etc/passwd")+"tQ"), "no storage of torch's"},
		{"storage of no class", dictOf("a", "("+text("storage")+global("torch", "Size")+text("0")+text("cpu")+"K\x02tQ"), "no storage of torch's"},
		{"storage is missing", dictOf("a", floats("7", 2)), `there is no "x/data/7"`},
		{"storage out of the archive", dictOf("a", floats("../../../etc/passwd", 2)), "there is no"},
		{"storage is short", dictOf("a", floats("0", 3)), "has 8 bytes, not 3 numbers of F32"},
		{"storage is negative", dictOf("a", floats("0", -1)), "no storage of torch's"},
		{"storage of 2^62", dictOf("a", floats("0", 1<<62)), "has 8 bytes"},
		{"offset beyond", strided(2, integersOf(1), integersOf(1)), "beyond its 2 elements"},
		{"negative offset", strided(-1, integersOf(1), integersOf(1)), "beyond its 2 elements"},
		{"shape beyond", strided(0, integersOf(3), integersOf(1)), "more than the 8 bytes"},
		{"shape and offset beyond", strided(1, integersOf(2), integersOf(1)), "beyond its 2 elements"},
		{"strides beyond", strided(0, integersOf(2), integersOf(2)), "beyond its 2 elements"},
		{"strides overflow", strided(0, integersOf(2), integersOf(1<<62)), "beyond its 2 elements"},
		{"negative stride", strided(1, integersOf(2), integersOf(-1)), "beyond its 2 elements"},
		{"stride of nothing, for ever", strided(0, integersOf(1<<40), integersOf(0)), "more than the 8 bytes"},
		{"negative dimension", strided(0, integersOf(-2), integersOf(1)), "shape [-2]"},
		{"no elements", strided(0, integersOf(0), integersOf(1)), "has no elements"},
		{"dimensions overflow", strided(0, integersOf(1<<32, 1<<32), integersOf(1, 1)), "more than the 8 bytes"},
		{"too few strides", strided(0, integersOf(2), integersOf()), "beyond its 2 elements"},
		{"shape is a text", strided(0, text("2"), integersOf(1)), "arguments are not"},
		{"shape of texts", strided(0, text("2")+"\x85", integersOf(1)), "arguments are not"},
		{"no arguments", dictOf("a", global("torch._utils", "_rebuild_tensor_v2")+")R"), "0 arguments"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, folder(t, map[string][]byte{"pytorch_model.bin": torchOf(test.pickle, two)}), "pytorch_model.bin", test.want)
		})
	}
}

// TestBadArchive: archives that torch.save does not write.
func TestBadArchive(t *testing.T) {
	good := torchOf(dictOf("a", floats("0", 2)), map[string][]byte{"0": f32Bytes(1, 2)})
	opened(t, map[string][]byte{"pytorch_model.bin": good})
	bomb := func() []byte { // 4 GB of operations in 4 MB
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 1) })
		w, err := z.CreateRaw(&zip.FileHeader{Name: "x/data.pkl", Method: zip.Deflate, UncompressedSize64: 4 << 30, CompressedSize64: 4 << 20})
		if err == nil {
			_, err = w.Write(make([]byte, 4<<20))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	giant := func() []byte { // a stored member that says it is larger than the file
		var out bytes.Buffer
		z := zip.NewWriter(&out)
		w, err := z.CreateRaw(&zip.FileHeader{Name: "x/data.pkl", Method: zip.Store, UncompressedSize64: 1 << 62, CompressedSize64: 1 << 62})
		if err == nil {
			_, err = w.Write([]byte("}."))
		}
		if err == nil {
			err = z.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
	tests := []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "no file of torch.save"},
		{"text", []byte("version https://git-lfs.github.com/spec/v1\n"), "no file of torch.save"},
		{"cut", good[:len(good)/2], "damaged or cut short"},
		{"cut at the end", good[:len(good)-1], "damaged or cut short"},
		{"only magic", []byte("PK"), "damaged or cut short"},
		{"compressed", archive(zip.Deflate, "x/data.pkl", []byte(dictOf("a", floats("0", 2))), map[string][]byte{"0": f32Bytes(1, 2)}), "is compressed"},
		{"bomb", bomb(), "is compressed"},
		{"larger than the file", giant(), "damaged or cut short"},
		{"no pickle", archive(zip.Store, "x/data.txt", nil, nil), "there is no data.pkl"},
		{"two pickles", archive(zip.Store, "y/data.pkl", nil, map[string][]byte{"data.pkl": nil}), "two programs"},
		{"member twice", archive(zip.Store, "x/byteorder", nil, nil), "there twice"},
		{"big-endian", bytes.Replace(good, []byte("little"), []byte("bigger"), 1), `byte order "bigger"`},
		{"pickle of another program", []byte("\x80\x02}."), "not of torch.save"},
		{"endless pickle", append([]byte("\x80\x02"), bytes.Repeat([]byte("N0"), maxSteps)...), "more than 4194304 operations"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			refused(t, folder(t, map[string][]byte{"pytorch_model.bin": test.file}), "pytorch_model.bin", test.want)
		})
	}
}

// TestBadLegacy damages a file of the old form: every length of it, and what it says of its memory.
func TestBadLegacy(t *testing.T) {
	good, err := os.ReadFile("testdata/torch/legacy.pt")
	if err != nil {
		t.Fatal(err)
	}
	for n := range len(good) {
		if _, err := parseTorch("x", bytes.NewReader(good[:n]), int64(n)); err == nil {
			t.Fatalf("%d of %d bytes are a file", n, len(good))
		}
	}
	for _, test := range []struct{ from, to, want string }{
		{"little_endianq\x02\x88", "little_endianq\x02\x89", "not little-endian"},
		{"M\xe9\x03.", "M\xea\x03.", "not 1001"},
	} {
		bad := bytes.Replace(good, []byte(test.from), []byte(test.to), 1)
		if bytes.Equal(bad, good) {
			t.Fatalf("%q is not there", test.from)
		}
		if _, err := parseTorch("x", bytes.NewReader(bad), int64(len(bad))); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("error %v, want %q", err, test.want)
		}
	}
}

// TestTorchMemory: a pickle takes a bounded multiple of its size.
func TestTorchMemory(t *testing.T) {
	for _, op := range []string{"]", "}", "N", ")", "(", "]q\x01", "\x8c\x00", "]\x94"} {
		file := torchOf(strings.Repeat(op, 1<<20/len(op)), nil)
		allocated(t, fmt.Sprintf("%q", op), uint64(200*len(file)), func() {
			if _, err := parseTorch("x", bytes.NewReader(file), int64(len(file))); err == nil {
				t.Errorf("%q: opened", op)
			}
		})
	}
}
