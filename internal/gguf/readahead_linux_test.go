package gguf

import (
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"

	"happyphonellm/internal/quant"
)

// evicted returns the path of a file of two tensors and a stack of experts, of 16
// MiB each, of which memory holds nothing.
func evicted(t *testing.T) string {
	t.Helper()
	const n = 16 << 20
	w := NewWriter()
	w.SetText("general.architecture", "llama")
	w.AddTensorBytes("first", quant.F32, []int{1 << 11, n >> 13}, make([]byte, n))
	w.AddTensorBytes("second", quant.F32, []int{n / 4}, make([]byte, n))
	w.AddTensorBytes("experts", quant.F32, []int{1 << 10, 1 << 10, 4}, make([]byte, n))
	path := filepath.Join(t.TempDir(), "evicted.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if err := file.Sync(); err != nil {
		t.Fatal(err)
	}
	if err := unix.Fadvise(int(file.Fd()), 0, 0, unix.FADV_DONTNEED); err != nil {
		t.Fatal(err)
	}
	return path
}

// missingSteps counts the steps of the tensor that memory does not hold the end of.
func missingSteps(x *Tensor) int {
	n := 0
	for data := x.Data; len(data) > 0; {
		step := min(readAheadStep, len(data))
		if !inMemory(wholePages(data[:step])) {
			n++
		}
		data = data[step:]
	}
	return n
}

func TestReadAhead(t *testing.T) {
	f := opened(t, evicted(t))
	before := map[string]int{}
	for _, x := range f.Tensors() {
		before[x.Name] = missingSteps(x)
	}
	if before["second"] == 0 {
		t.Skip("SKIPPED: the folder for temporary files keeps them in memory: set TMPDIR to one on a disk")
	}
	first := f.Tensors()[0].Data
	probe := wholePages(first[len(first)-1:])
	if err := unix.Madvise(probe, unix.MADV_POPULATE_READ); err != nil || !inMemory(probe) {
		t.Skipf("SKIPPED: this kernel or emulator has no MADV_POPULATE_READ (error: %v)", err)
	}
	f.ReadAhead()
	f.ReadAhead()
	<-f.reading.done
	for _, x := range f.Tensors() {
		n := missingSteps(x)
		if x.Name != "experts" && n != 0 || x.Name == "experts" && n == 0 {
			t.Errorf("%s: of %d steps that memory did not hold it does not hold %d", x.Name, before[x.Name], n)
		}
	}
}

// A file that is closed takes its mapping away from under nobody.
func TestCloseEndsReadAhead(t *testing.T) {
	path := evicted(t)
	for range 50 {
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f.ReadAhead()
		reading := f.reading
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case <-reading.done:
		default:
			t.Fatal("Close came back while the file was read")
		}
	}
}
