package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// entry is a tensor of a safetensors file to be made.
type entry struct {
	name  string
	dtype string
	shape []int
	data  []byte
}

// header is a safetensors file with this header, and data after it.
func header(text string, data []byte) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(text)))
	return append(append(out, text...), data...)
}

// safetensorsOf is a well-formed file.
func safetensorsOf(entries ...entry) []byte {
	var data []byte
	parts := []string{`"__metadata__":{"format":"pt"}`}
	for _, e := range entries {
		shape, _ := json.Marshal(append([]int{}, e.shape...))
		parts = append(parts, fmt.Sprintf(`%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, e.name, e.dtype, shape, len(data), len(data)+len(e.data)))
		data = append(data, e.data...)
	}
	return header("{"+strings.Join(parts, ",")+"}   ", data)
}

// f32 is a tensor of F32.
func f32(name string, shape []int, values ...float32) entry {
	return entry{name, "F32", shape, f32Bytes(values...)}
}

func f32Bytes(values ...float32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

func i32Bytes(values ...uint32) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, v)
	}
	return data
}

// folder writes files, by name, into a folder of its own.
func folder(t testing.TB, files map[string][]byte) string {
	t.Helper()
	dir := t.TempDir()
	for name, data := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// opened opens a folder of files.
func opened(t testing.TB, files map[string][]byte) *Folder {
	t.Helper()
	return openDir(t, folder(t, files))
}

func openDir(t testing.TB, dir string) *Folder {
	t.Helper()
	f, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// refused opens a folder that must be refused with all of the words.
func refused(t *testing.T, dir string, words ...string) {
	t.Helper()
	f, err := Open(dir)
	if err == nil {
		f.Close()
		t.Fatalf("opened; want an error with %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q lacks %q", err, w)
		}
	}
}

// values reads all of a tensor.
func values(t testing.TB, f *Folder, name string) []float32 {
	t.Helper()
	tensor := f.Tensor(name)
	if tensor == nil {
		t.Fatalf("tensor %q is not there: %v", name, names(f))
	}
	x := make([]float32, tensor.Len())
	if err := tensor.Read(x, 0); err != nil {
		t.Fatal(err)
	}
	return x
}

func names(f *Folder) []string {
	var out []string
	for _, t := range f.Tensors() {
		out = append(out, t.Name)
	}
	return out
}

// allocated checks that f takes no more memory than most bytes in all.
func allocated(t testing.TB, what string, most uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if got := after.TotalAlloc - before.TotalAlloc; got > most {
		t.Errorf("%s: %d bytes of memory, more than %d", what, got, most)
	}
}
