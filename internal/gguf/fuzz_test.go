package gguf

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"happyphonellm/internal/quant"
)

// seeds returns valid files of each shape, and small wrong ones.
func seeds(t testing.TB) [][]byte {
	small := NewWriter()
	small.SetUint32(keyAlignment, 8)
	small.SetTexts("tokenizer.ggml.tokens", []string{"a", "", "bc"})
	SetNumbers(small, "x", []float32{1, 2})
	small.AddTensorBytes("w", quant.I8, []int{3, 2}, pattern(6))
	small.AddTensorBytes("v", quant.Q8_0, []int{32}, pattern(34))
	v2 := encoded(t, small)
	v2[4] = 2
	return [][]byte{
		encoded(t, sample()), encoded(t, small), v2, encoded(t, part(0, 2, 4)), encoded(t, NewWriter()),
		newRaw(3, 1<<60, 1<<60),
		newRaw(3, 0, 2).key("a", List).u32(uint32(Text)).u64(1 << 40).zeros(30),
		newRaw(3, 2, 0).tensor("x", quant.F32, 0, 1<<40, 1<<40).tensor("x", quant.IQ4_XS, 32, 256).pad().zeros(64),
		[]byte("GGUF"),
	}
}

// FuzzOpen opens arbitrary bytes as a file and reads all of it. Nothing may
// panic, take over a second, or allocate more than a few times the file; what
// opens can be written again and then reads the same.
func FuzzOpen(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, data []byte) {
		// A new file each time: to overwrite one may wait for the disk.
		path := filepath.Join(dir, fmt.Sprintf("%d.gguf", os.Getpid()))
		defer os.Remove(path)
		defer os.Remove(path + ".copy")
		if err := os.WriteFile(path, data, 0o600); err != nil {
			t.Fatal(err)
		}
		started := time.Now()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		file, err := Open(path)
		if err == nil {
			for _, key := range file.Keys() {
				_, _ = file.Array(key) // builds the tables
			}
		}
		runtime.ReadMemStats(&after)
		if got, most := after.TotalAlloc-before.TotalAlloc, uint64(4*len(data)+16<<10); got > most {
			t.Errorf("%d bytes of memory for a file of %d", got, len(data))
		}
		if err == nil {
			readAll(t, file, path)
			if err := file.Close(); err != nil {
				t.Error(err)
			}
		}
		if d := time.Since(started); d > time.Second {
			t.Errorf("took %v", d)
		}
	})
}

// readAll reads everything in file, writes it to path.copy and compares.
func readAll(t *testing.T, file *File, path string) {
	// Not by Create, which waits for the disk.
	if err := os.WriteFile(path+".copy", encoded(t, copied(t, file)), 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := Open(path + ".copy")
	if err != nil {
		t.Fatalf("the copy: %v", err)
	}
	defer again.Close()
	keys := again.Keys()
	for i, key := range file.Keys() {
		v, _ := file.Value(key)
		u, ok := again.Value(key)
		if !ok || keys[i] != key || v.Kind() != u.Kind() || v.String() != u.String() {
			t.Errorf("key %q: %v became %v", key, v, u)
		}
	}
	for i, x := range file.Tensors() {
		y := again.Tensors()[i]
		if z, ok := file.Tensor(x.Name); !ok || z != x {
			t.Errorf("tensor %q is not found by name", x.Name)
		}
		if x.Name != y.Name || x.Type != y.Type || x.Rows() != y.Rows() || x.Cols() != y.Cols() || string(x.Data) != string(y.Data) {
			t.Errorf("tensor %q differs", x.Name)
		}
	}
}
