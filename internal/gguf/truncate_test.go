//go:build unix

package gguf

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"happyphonellm/internal/quant"
)

// big returns a Writer whose texts and tensor span many pages.
func big() *Writer {
	w := sample()
	words := make([]string, 20000)
	for i := range words {
		words[i] = strings.Repeat("w", i%40)
	}
	w.SetTexts("words", words)
	w.SetText("long", strings.Repeat("t", 1<<17))
	w.SetUint32("late", 7)
	SetNumbers(w, "numbers", make([]int32, 1<<15))
	w.AddTensorBytes("big", quant.F32, []int{1 << 16}, make([]byte, 1<<18))
	return w
}

// What is read after a file was truncated under its mapping. Each must give an
// error that wraps ErrTruncated and names the file; dying is what we test
// against, so every one runs in a process of its own.
var afterTruncation = map[string]func(f *File, words Array) error{
	"uint":  func(f *File, _ Array) error { _, err := f.Uint("late"); return err },
	"text":  func(f *File, _ Array) error { _, err := f.Text("long"); return err },
	"array": func(f *File, _ Array) error { _, err := f.Array("numbers"); return err },
	"value": func(f *File, _ Array) error { return missing(f.Value("long")) },
	"json":  func(_ *File, words Array) error { _, err := words.MarshalJSON(); return err },
	"copy": func(f *File, words Array) error {
		return NewWriter().SetValue("x", Value{kind: List, list: words})
	},
	"guarded tensor": func(f *File, _ Array) error {
		x, _ := f.Tensor("big")
		return f.Guard(func() error {
			dst := make([]float32, x.Cols())
			format, _ := x.Type.Format()
			format.Dequantize(dst, x.Data)
			return errors.New("read what is not there")
		})
	},
	"guarded copy": func(f *File, _ Array) error { // memmove, in assembly
		x, _ := f.Tensor("big")
		return f.Guard(func() error { copy(make([]byte, len(x.Data)), x.Data); return nil })
	},
	"guard in guard": func(f *File, words Array) error {
		return f.Guard(func() error {
			if _, err := f.Text("long"); !errors.Is(err, ErrTruncated) {
				return err
			}
			words.Text(19999) // the outer guard still holds
			return nil
		})
	},
	"goroutines": func(f *File, words Array) error {
		errs := make(chan error, 4)
		for range cap(errs) {
			go func() { errs <- f.Guard(func() error { words.Text(19999); return nil }) }()
		}
		var last error
		for range cap(errs) {
			if last = <-errs; !errors.Is(last, ErrTruncated) {
				break
			}
		}
		return last
	},
	"parse": func(f *File, _ Array) error { // truncated while Open reads it
		h := &header{cursor: cursor{data: f.shards[0].data}, path: f.path}
		return guardBytes(h.path, h.data, h.parse)
	},
	"read ahead": func(f *File, _ Array) error { f.ReadAhead(); <-f.reading.done; _, err := f.Text("long"); return err },
}

func missing(_ Value, ok bool) error {
	if ok {
		return nil
	}
	return truncatedError(os.Getenv("GGUF_TEST_FILE"))
}

func TestTruncatedWhileMapped(t *testing.T) {
	if name := os.Getenv("GGUF_TEST_READ"); name != "" {
		truncatedChild(t, os.Getenv("GGUF_TEST_FILE"), name)
		return
	}
	for name := range afterTruncation {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "big.gguf")
			if err := big().Create(path); err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(os.Args[0], "-test.run=^TestTruncatedWhileMapped$")
			cmd.Env = append(os.Environ(), "GGUF_TEST_READ="+name, "GGUF_TEST_FILE="+path)
			out, err := cmd.CombinedOutput()
			if errors.Is(err, syscall.ENOEXEC) {
				t.Skip("SKIPPED: this is an emulator: a program cannot start itself, and faults have no address")
			}
			if err != nil {
				t.Errorf("%v\n%.3000s", err, out)
			}
		})
	}
}

func truncatedChild(t *testing.T, path, name string) {
	f := opened(t, path)
	words, err := f.Array("words")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, 4096); err != nil {
		t.Fatal(err)
	}
	err = afterTruncation[name](f, words)
	if !errors.Is(err, ErrTruncated) || !strings.Contains(err.Error(), path) {
		t.Errorf("error: %v", err)
	}
}

// Guard lets other panics and errors through and restores what it changed.
func TestGuardPassesThrough(t *testing.T) {
	f := opened(t, stored(t, "a.gguf", encoded(t, sample())))
	if err := f.Guard(func() error { return io.EOF }); err != io.EOF {
		t.Errorf("error %v", err)
	}
	for name, fn := range map[string]func() error{
		"value": func() error { panic("mine") },
		"nil":   func() error { var x *Tensor; return errors.New(x.Name) },
		"index": func() error { var x []int; i := 3; _ = x[i]; return nil },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: Guard swallowed the panic", name)
				}
			}()
			_ = f.Guard(fn)
		}()
	}
	n := 0
	allocs := testing.AllocsPerRun(100, func() { _ = f.Guard(func() error { n++; return nil }) })
	if allocs != 0 {
		t.Errorf("Guard allocates %v times", allocs)
	}
}
