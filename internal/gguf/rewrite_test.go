package gguf

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"happyphonellm/internal/quant"
)

// named is a file with two tensors, and a name and extra keys before them.
func named(name string, extra ...string) *Writer {
	w := NewWriter()
	w.SetText("general.architecture", "test")
	w.SetText("general.name", name)
	for _, key := range extra {
		w.SetText(key, "x")
	}
	w.AddTensorBytes("a", quant.F32, []int{3}, bytes.Repeat([]byte{1}, 12))
	w.AddTensorBytes("b", quant.F32, []int{2, 2}, bytes.Repeat([]byte{2}, 16))
	return w
}

func TestReplaceHeader(t *testing.T) {
	long := strings.Repeat("a long name ", 20)
	for _, c := range []struct {
		name string
		old  string
		new  *Writer
		want bool
	}{
		{"a shorter name", long, named("short"), true},
		{"one of the same length", "abc", named("def"), true},
		{"one key more, in the room of a longer name", long, named("short", "k"), true},
		{"a longer name", "short", named(long), false},
		{"other tensors", long, func() *Writer {
			w := NewWriter()
			w.AddTensorBytes("a", quant.F32, []int{3}, make([]byte, 12))
			w.AddTensorBytes("b", quant.F32, []int{4}, make([]byte, 16))
			return w
		}(), false},
		{"another alignment", long, func() *Writer {
			w := named("x")
			w.SetUint32("general.alignment", 64)
			return w
		}(), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "m.gguf")
			if err := named(c.old).Create(path); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(path)
			got, err := c.new.ReplaceHeader(path)
			if err != nil || got != c.want {
				t.Fatalf("replaced: %v, %v", got, err)
			}
			after, _ := os.ReadFile(path)
			if len(after) != len(before) || got == bytes.Equal(after, before) {
				t.Errorf("%d bytes became %d; replaced: %v, changed: %v", len(before), len(after), got, !bytes.Equal(after, before))
			}
			if !got {
				return
			}
			f, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if b, _ := f.Tensor("b"); !bytes.Equal(b.Data, bytes.Repeat([]byte{2}, 16)) {
				t.Errorf("tensor b is %x", b.Data)
			}
			if name, _ := f.Text("general.name"); name == c.old {
				t.Errorf("the name is still %q", name)
			}
			if _, err := os.Stat(path + journalSuffix); err == nil {
				t.Error("the journal is left")
			}
		})
	}
}

// The room that one edit leaves is there for the next.
func TestReplaceHeaderAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "m.gguf")
	if err := named(strings.Repeat("a long name ", 20)).Create(path); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"short", strings.Repeat("longer ", 20), "x"} {
		if ok, err := named(name).ReplaceHeader(path); !ok || err != nil {
			t.Fatalf("%q: %v, %v", name, ok, err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if got, _ := f.Text("general.name"); got != name {
			t.Errorf("the name is %q, want %q", got, name)
		}
		f.Close()
	}
}

// Whatever room is left, the result is a file with the new name or no change at all.
func TestReplaceHeaderRoom(t *testing.T) {
	refused := 0
	for n := 1; n < 100; n++ {
		path, want := filepath.Join(t.TempDir(), "m.gguf"), strings.Repeat("y", n)
		if err := named(strings.Repeat("x", 100)).Create(path); err != nil {
			t.Fatal(err)
		}
		ok, err := named(want).ReplaceHeader(path)
		if err != nil {
			t.Fatal(err)
		}
		f, err := Open(path)
		if err != nil {
			t.Fatalf("%d bytes: %v", n, err)
		}
		if name, _ := f.Text("general.name"); ok != (name == want) {
			t.Errorf("%d bytes: replaced %v, the name is %q", n, ok, name)
		}
		f.Close()
		if !ok {
			refused++
		}
	}
	// From a whole alignment, 32, up to the least size of a key that fills it, 35.
	if refused != 3 {
		t.Errorf("%d were refused, want 3", refused)
	}
}

// A crash in the middle of the writing is made good by FinishReplace.
func TestFinishReplace(t *testing.T) {
	dir := t.TempDir()
	path, want := filepath.Join(dir, "m.gguf"), filepath.Join(dir, "want.gguf")
	for _, p := range []string{path, want} {
		if err := named(strings.Repeat("a long name ", 20)).Create(p); err != nil {
			t.Fatal(err)
		}
	}
	if ok, err := named("new").ReplaceHeader(want); !ok || err != nil {
		t.Fatal(ok, err)
	}
	good, _ := os.ReadFile(want)
	old, _ := os.ReadFile(path)
	base, size, _, err := named("x").sameTensors(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := writeJournal(path, good[:base], size); err != nil {
		t.Fatal(err)
	}
	half := append(append([]byte{}, good[:base/2]...), old[base/2:]...)
	if err := os.WriteFile(path, half, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := FinishReplace(path); err != nil {
		t.Fatal(err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, good) {
		t.Error("the file is not what the edit would have made of it")
	}
	if err := FinishReplace(path); err != nil {
		t.Errorf("with nothing to finish: %v", err)
	}

	if err := writeJournal(path, good[:base], size+1); err != nil {
		t.Fatal(err)
	}
	if err := FinishReplace(path); err == nil || !strings.Contains(err.Error(), "another file") {
		t.Errorf("the journal of another file: %v", err)
	}
	if got, _ := os.ReadFile(path); !bytes.Equal(got, good) {
		t.Error("the journal of another file changed this one")
	}

	// What lies beside the file may have come with it.
	journal := path + journalSuffix
	for what, put := range map[string]func() error{
		"no header": func() error { return writeJournal(path, bytes.Repeat([]byte{'x'}, int(base)), size) },
		"more than the file": func() error {
			return writeJournal(path, append(append([]byte{}, good...), make([]byte, 1<<16)...), size)
		},
		"a folder": func() error { return os.Mkdir(journal, 0o755) },
		"nothing":  func() error { return os.WriteFile(journal, nil, 0o644) },
	} {
		if err := os.Remove(journal); err != nil {
			t.Fatal(err)
		}
		if err := put(); err != nil {
			t.Fatal(err)
		}
		if err := FinishReplace(path); err == nil || !strings.Contains(err.Error(), "another file") {
			t.Errorf("a journal that is %s: %v", what, err)
		}
		if got, _ := os.ReadFile(path); !bytes.Equal(got, good) {
			t.Fatalf("a journal that is %s changed the file", what)
		}
	}
}
