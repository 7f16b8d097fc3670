package convert

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
	"happyphonellm/internal/testkit"
)

// fiveTensors is a file with tensors of 32, 64, ..., 160 bytes.
func fiveTensors(t *testing.T) *gguf.File {
	t.Helper()
	w := gguf.NewWriter()
	w.SetText("general.architecture", "test")
	w.SetUint32("general.alignment", 64)
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		w.AddTensorBytes(name, quant.F32, []int{8 * (i + 1)}, bytes.Repeat([]byte{byte(i)}, 32*(i+1)))
	}
	path := filepath.Join(t.TempDir(), "in.gguf")
	if err := w.Create(path); err != nil {
		t.Fatal(err)
	}
	return opened(t, path)
}

func opened(t *testing.T, path string) *gguf.File {
	t.Helper()
	f, err := gguf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestParts(t *testing.T) {
	f := fiveTensors(t)
	for _, c := range []struct {
		limits Limits
		want   []int // tensors in each part
	}{
		{Limits{Tensors: 2}, []int{2, 2, 1}},
		{Limits{Tensors: 9}, []int{5}},
		{Limits{Bytes: 100}, []int{2, 1, 1, 1}},
		{Limits{Bytes: 1}, []int{1, 1, 1, 1, 1}},
		{Limits{Bytes: 224, Tensors: 2}, []int{2, 2, 1}},
	} {
		parts, err := Parts(f, c.limits)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, p := range parts {
			got = append(got, len(p))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: parts of %v tensors, want %v", c.limits, got, c.want)
		}
	}
	if _, err := Parts(f, Limits{}); err == nil {
		t.Error("no limit is no error")
	}
}

func TestSplitThenMerge(t *testing.T) {
	f := fiveTensors(t)
	stem := filepath.Join(t.TempDir(), "part")
	var last, total int64
	paths, err := Split(context.Background(), f, stem, Limits{Tensors: 2}, func(d, n int64) { last, total = d, n })
	if err != nil || len(paths) != 3 {
		t.Fatal(paths, err)
	}
	if last != total || total != 32*15 {
		t.Errorf("progress ends at %d of %d", last, total)
	}
	parts := opened(t, paths[0])
	if n := len(parts.Tensors()); n != 5 {
		t.Errorf("the parts have %d tensors", n)
	}
	whole := filepath.Join(t.TempDir(), "whole.gguf")
	if err := Merge(context.Background(), parts, whole, nil); err != nil {
		t.Fatal(err)
	}
	want, _ := os.ReadFile(f.Path())
	if got, _ := os.ReadFile(whole); !bytes.Equal(got, want) {
		t.Error("what was split and merged is another file")
	}
}

// A split that ends early leaves no parts, and an edit no file.
func TestCancelled(t *testing.T) {
	f, dir := fiveTensors(t), t.TempDir()
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Split(ctx, f, filepath.Join(dir, "part"), Limits{Tensors: 1}, func(done, _ int64) {
		if done > 100 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("split: %v", err)
	}
	if err := Edit(ctx, f, filepath.Join(dir, "out.gguf"), Changes{}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("edit: %v", err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
}

// TestPeerSplit: llama.cpp reads our parts as the model they are of, and we its.
func TestPeerSplit(t *testing.T) {
	path := testkit.Model(t, "smollm2-q4_0")
	dir, inside := testkit.PeerDir(t)
	paths, err := Split(context.Background(), opened(t, path), filepath.Join(dir, "ours"), Limits{Bytes: 40e6}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) != 3 {
		t.Errorf("%d parts", len(paths))
	}
	if out, err := testkit.Peer(t, "llama-gguf-split", "--merge", inside+"/"+filepath.Base(paths[0]), inside+"/whole.gguf").CombinedOutput(); err != nil {
		t.Fatalf("llama-gguf-split --merge: %v\n%s", err, out)
	}
	equalTensors(t, filepath.Join(dir, "whole.gguf"), path)
	if out, err := testkit.Peer(t, "llama-gguf-split", "--split", "--split-max-size", "40M", testkit.Share(t, path), inside+"/theirs").CombinedOutput(); err != nil {
		t.Fatalf("llama-gguf-split: %v\n%s", err, out)
	}
	first := gguf.PartPath(filepath.Join(dir, "theirs"), 1, len(paths))
	if err := Merge(context.Background(), opened(t, first), filepath.Join(dir, "merged.gguf"), nil); err != nil {
		t.Fatal(err)
	}
	equalTensors(t, filepath.Join(dir, "merged.gguf"), path)
}

// equalTensors compares all tensors and the number of keys of two files.
func equalTensors(t *testing.T, gotPath, wantPath string) {
	t.Helper()
	got, want := opened(t, gotPath), opened(t, wantPath)
	if a, b := len(got.Tensors()), len(want.Tensors()); a != b {
		t.Fatalf("%s has %d tensors, %s %d", gotPath, a, wantPath, b)
	}
	for _, w := range want.Tensors() {
		if g, ok := got.Tensor(w.Name); !ok || !bytes.Equal(g.Data, w.Data) || g.Type != w.Type || !slices.Equal(g.Shape, w.Shape) {
			t.Errorf("%s: tensor %q differs", gotPath, w.Name)
		}
	}
	for _, key := range want.Keys() {
		v, _ := want.Value(key)
		if g, ok := got.Value(key); !ok || g.String() != v.String() {
			t.Errorf("%s: key %q differs", gotPath, key)
		}
	}
}
