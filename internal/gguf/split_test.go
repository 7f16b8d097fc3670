package gguf

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/quant"
)

// part returns the Writer of one part of a split model, with two tensors t<2no> and t<2no+1>.
func part(no, count, tensors int) *Writer {
	w := NewWriter()
	if no == 0 {
		w.SetText("general.architecture", "llama")
	}
	SetNumber(w, keySplitNo, uint16(no))
	SetNumber(w, keySplitCount, uint16(count))
	w.SetInt32(keySplitTensors, int32(tensors))
	for i := 2 * no; i < 2*no+2; i++ {
		w.AddTensorBytes(fmt.Sprintf("t%d", i), quant.I8, []int{10 + i}, pattern(10+i))
	}
	return w
}

// parts writes the parts of a model of three and returns their paths.
func parts(t *testing.T) []string {
	t.Helper()
	dir := t.TempDir()
	var paths []string
	for i := range 3 {
		path := filepath.Join(dir, fmt.Sprintf("m-%05d-of-00003.gguf", i+1))
		if err := part(i, 3, 6).Create(path); err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	return paths
}

func TestSplitOpensAsOne(t *testing.T) {
	paths := parts(t)
	f := opened(t, paths[0])
	if diff := cmp.Diff(paths, f.Parts()); diff != "" {
		t.Error(diff)
	}
	var size int64
	for _, p := range paths {
		info, err := os.Stat(p)
		if err != nil {
			t.Fatal(err)
		}
		size += info.Size()
	}
	if f.Size() != size || f.Architecture() != "llama" || len(f.Tensors()) != 6 {
		t.Errorf("size %d of %d, architecture %q, %d tensors", f.Size(), size, f.Architecture(), len(f.Tensors()))
	}
	for i := range 6 {
		x, ok := f.Tensor(fmt.Sprintf("t%d", i))
		if !ok || x.Part != i/2 {
			t.Fatalf("t%d: %v, %+v", i, ok, x)
		}
		if diff := cmp.Diff(pattern(10+i), x.Data); diff != "" {
			t.Error(diff)
		}
		if f.Tensors()[i] != x {
			t.Errorf("t%d is not in file order", i)
		}
	}
}

func TestSplitRefuses(t *testing.T) {
	rename := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	create := func(t *testing.T, path string, w *Writer) {
		t.Helper()
		if err := w.Create(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		change func(t *testing.T, paths []string)
		open   int
		is     error
		want   []string
	}{
		"second part":  {func(*testing.T, []string) {}, 1, ErrFormat, []string{"this is part 2 of 3; open the first part", "m-00001-of-00003.gguf"}},
		"part missing": {func(t *testing.T, p []string) { rename(t, p[2], p[2]+".part") }, 0, os.ErrNotExist, []string{"m-00003-of-00003.gguf"}},
		"parts swapped": {func(t *testing.T, p []string) { rename(t, p[1], p[2]); create(t, p[1], part(2, 3, 6)) }, 0, ErrFormat,
			[]string{"m-00002-of-00003.gguf", "says part 3 of 3, not part 2 of 3"}},
		"other split": {func(t *testing.T, p []string) { create(t, p[1], part(1, 4, 6)) }, 0, ErrFormat, []string{"says part 2 of 4, not part 2 of 3"}},
		"no part":     {func(t *testing.T, p []string) { create(t, p[1], sample()) }, 0, ErrNotFound, []string{"m-00002-of-00003.gguf", keySplitNo}},
		"bad part":    {func(t *testing.T, p []string) { os.WriteFile(p[1], make([]byte, 100), 0o600) }, 0, ErrFormat, []string{"m-00002-of-00003.gguf", "not a GGUF file"}},
		"tensor twice": {func(t *testing.T, p []string) {
			w := part(1, 3, 7)
			w.AddTensor("t0", quant.I8, []int{1}, func(o io.Writer) error { _, err := o.Write([]byte{1}); return err })
			create(t, p[1], w)
			create(t, p[0], part(0, 3, 7))
		}, 0, ErrFormat, []string{`tensor "t0"`, "is in two parts"}},
		"tensors missing": {func(t *testing.T, p []string) { create(t, p[0], part(0, 3, 8)) }, 0, ErrFormat, []string{"says 8 tensors, the parts have 6"}},
		"not named so":    {func(t *testing.T, p []string) { create(t, p[0], part(0, 4, 8)) }, 0, ErrFormat, []string{"must be named", "m-00001-of-00004.gguf"}},
		"huge count": {func(t *testing.T, p []string) {
			w := part(0, 3, 6)
			w.SetUint64(keySplitCount, 1<<63)
			create(t, p[0], w)
		}, 0, ErrFormat, []string{"must be named"}},
		"count is text": {func(t *testing.T, p []string) {
			w := part(0, 3, 6)
			w.SetText(keySplitCount, "3")
			create(t, p[0], w)
		}, 0, ErrType, []string{keySplitCount, "is string, not an integer"}},
	} {
		t.Run(name, func(t *testing.T) {
			paths := parts(t)
			c.change(t, paths)
			f, err := Open(paths[c.open])
			if err == nil {
				f.Close()
				t.Fatal("it opened")
			}
			if !errors.Is(err, c.is) {
				t.Errorf("error %v is not %v", err, c.is)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("error %q does not say %q", err, want)
				}
			}
		})
	}
}

func TestSplitByOtherName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "renamed.gguf")
	if err := part(0, 3, 6).Create(path); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	if !errors.Is(err, ErrFormat) || !strings.Contains(err.Error(), "NAME-00001-of-00003.gguf") {
		t.Errorf("error: %v", err)
	}
	// A lone part is a model.
	whole := filepath.Join(t.TempDir(), "whole.gguf")
	if err := part(0, 1, 2).Create(whole); err != nil {
		t.Fatal(err)
	}
	opened(t, whole)
}

func TestPartOf(t *testing.T) {
	for _, c := range []struct {
		path, stem  string
		part, count uint64
		ok          bool
	}{
		{"a/m-00001-of-00003.gguf", "a/m", 1, 3, true},
		{"-00012-of-99999.gguf", "", 12, 99999, true},
		{"m-00001-of-00003.ggu", "", 0, 0, false},
		{"m-0001-of-00003.gguf", "", 0, 0, false},
		{"m-+0001-of-00003.gguf", "", 0, 0, false},
		{"m_00001-of-00003.gguf", "", 0, 0, false},
		{"m-00001-of-00003.GGUF", "", 0, 0, false},
		{"m.gguf", "", 0, 0, false},
		{"", "", 0, 0, false},
	} {
		stem, part, count, ok := partOf(c.path)
		if stem != c.stem || part != c.part || count != c.count || ok != c.ok {
			if ok || c.ok {
				t.Errorf("partOf(%q) = %q, %d, %d, %v", c.path, stem, part, count, ok)
			}
		}
	}
}
