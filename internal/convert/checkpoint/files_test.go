package checkpoint

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// one is a file with one tensor.
func one(name string) []byte { return safetensorsOf(f32(name, []int{1}, 1)) }

// TestFiles: which files of a folder are the model.
func TestFiles(t *testing.T) {
	index := []byte(`{"metadata":{"total_size":8},"weight_map":{"a":"model-00001-of-00002.safetensors","b":"model-00002-of-00002.safetensors"}}`)
	tests := []struct {
		name  string
		files map[string][]byte
		want  []string
	}{
		{"single", map[string][]byte{"model.safetensors": one("a")}, []string{"a"}},
		{"index", map[string][]byte{"model.safetensors.index.json": index,
			"model-00001-of-00002.safetensors": one("a"), "model-00002-of-00002.safetensors": one("b")}, []string{"a", "b"}},
		{"index in folders", map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"a":"x/1.safetensors"}}`), "x/1.safetensors": one("a")}, []string{"a"}},
		{"a tensor that the index lacks", map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"a":"1.safetensors"}}`),
			"1.safetensors": safetensorsOf(f32("a", nil, 1), f32("b", nil, 1))}, []string{"a", "b"}},
		{"index of the single file", map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"a":"model.safetensors"}}`), "model.safetensors": one("a")}, []string{"a"}},
		{"single before another index", map[string][]byte{"model.safetensors.index.json": index, "model.safetensors": one("s")}, []string{"s"}},
		{"numbered", map[string][]byte{"model-00001-of-00002.safetensors": one("a"), "model-00002-of-00002.safetensors": one("b")}, []string{"a", "b"}},
		{"other copies and states are left alone", map[string][]byte{"model.safetensors": one("a"), "consolidated.safetensors": one("b"), "model.fp16.safetensors": one("a"),
			"adapter_model.safetensors": one("c"), "pytorch_model.bin": {1}, "optimizer.pt": {1}, "training_args.bin": {1}}, []string{"a"}},
		{"Mistral's", map[string][]byte{"consolidated.safetensors": one("a")}, []string{"a"}},
		{"Mistral's parts", map[string][]byte{"consolidated-00001-of-00001.safetensors": one("a")}, []string{"a"}},
		{"another name", map[string][]byte{"weights.safetensors": one("a"), "training_args.bin": {1}, "optimizer.bin": {1}}, []string{"a"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, names(opened(t, test.files))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestBadFiles(t *testing.T) {
	index := func(text string) map[string][]byte {
		return map[string][]byte{"model.safetensors.index.json": []byte(text), "1.safetensors": one("a"), "2.safetensors": one("b")}
	}
	tests := []struct {
		name  string
		files map[string][]byte
		want  string
	}{
		{"nothing", map[string][]byte{"config.json": []byte("{}")}, "no tensors"},
		{"states only", map[string][]byte{"optimizer.pt": {1}, "training_args.bin": {1}, "rng_state.pth": {1}, "rng_state_0.pth": {1}}, "no tensors"},
		{"an adapter", map[string][]byte{"adapter_model.safetensors": one("a"), "adapter_config.json": []byte("{}")}, "this is an adapter"},
		{"two models", map[string][]byte{"a.safetensors": one("a"), "b.safetensors": one("b")}, "which file is the model is not clear: a.safetensors, b.safetensors"},
		{"Meta's parts", map[string][]byte{"consolidated.00.pth": {1}, "consolidated.01.pth": {1}}, "Meta's own form"},
		{"a part is missing", map[string][]byte{"model-00001-of-00002.safetensors": one("a")}, "model-00002-of-00002.safetensors"},
		{"parts of two models", map[string][]byte{"model-00001-of-00002.safetensors": one("a"), "model-00001-of-00003.safetensors": one("a")}, "parts of 2 and of 3 files"},
		{"a tensor twice", map[string][]byte{"model-00001-of-00002.safetensors": one("a"), "model-00002-of-00002.safetensors": one("a")}, `tensor "a" is in`},
		{"missing shard", index(`{"weight_map":{"a":"1.safetensors","b":"3.safetensors"}}`), "3.safetensors: no such file or directory, but model.safetensors.index.json names it"},
		{"missing tensor", index(`{"weight_map":{"a":"1.safetensors","c":"2.safetensors"}}`), `2.safetensors: tensor "c" is not there`},
		{"tensor in another shard", index(`{"weight_map":{"a":"2.safetensors","b":"1.safetensors"}}`), `1.safetensors: tensor "a" is here, but model.safetensors.index.json says in 2.safetensors`},
		{"the index names itself", index(`{"weight_map":{"a":"model.safetensors.index.json"}}`), `"model.safetensors.index.json" is no file of tensors`},
		{"the index's name with an ending", map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"a":"x.safetensors"}}`), "x.safetensors": []byte(`{"weight_map":{"a":"x.safetensors"}}`)}, "no safetensors file"},
		{"out of the folder", index(`{"weight_map":{"a":"../1.safetensors"}}`), "out of the folder"},
		{"out of the folder and back", index(`{"weight_map":{"a":"x/../../1.safetensors"}}`), "out of the folder"},
		{"absolute", index(`{"weight_map":{"a":"/1.safetensors"}}`), "out of the folder"},
		{"no name", index(`{"weight_map":{"a":""}}`), "out of the folder"},
		{"shard is a list", index(`{"weight_map":{"a":["1.safetensors"]}}`), "weight_map"},
		{"map is a list", index(`{"weight_map":["1.safetensors"]}`), "weight_map"},
		{"no map", index(`{}`), `"weight_map" names no tensors`},
		{"empty map", index(`{"weight_map":{}}`), `"weight_map" names no tensors`},
		{"no JSON", index(`weight_map`), "model.safetensors.index.json: invalid character"},
		{"deep", index(strings.Repeat(`{"weight_map":`, 1<<20)), "depth"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) { refused(t, folder(t, test.files), test.want) })
	}
	t.Run("no folder", func(t *testing.T) { refused(t, filepath.Join(t.TempDir(), "x"), "no such file") })
	t.Run("a file", func(t *testing.T) {
		refused(t, filepath.Join(folder(t, map[string][]byte{"x": nil}), "x"), "is no folder")
	})
	t.Run("a folder in place of a file", func(t *testing.T) {
		refused(t, folder(t, map[string][]byte{"model.safetensors/x": nil}), "this is no regular file")
	})
}

// TestLinks: links stay in the folder, or in the model's folder of Hugging Face's cache.
func TestLinks(t *testing.T) {
	outside := folder(t, map[string][]byte{"model.safetensors": one("secret")})
	link := func(t *testing.T, to, at string) {
		if err := os.Symlink(to, at); err != nil {
			if runtime.GOOS == "windows" {
				t.Skip(err)
			}
			t.Fatal(err)
		}
	}
	t.Run("out of the folder", func(t *testing.T) {
		dir := t.TempDir()
		link(t, filepath.Join(outside, "model.safetensors"), filepath.Join(dir, "model.safetensors"))
		refused(t, dir, "model.safetensors", "escapes")
	})
	t.Run("out of the folder, by dots", func(t *testing.T) {
		dir := folder(t, map[string][]byte{"a/x": nil, "model.safetensors": one("secret")})
		link(t, "../model.safetensors", filepath.Join(dir, "a", "model.safetensors"))
		refused(t, filepath.Join(dir, "a"), "model.safetensors", "escapes")
	})
	t.Run("a folder that leads out", func(t *testing.T) {
		dir := folder(t, map[string][]byte{"model.safetensors.index.json": []byte(`{"weight_map":{"secret":"x/model.safetensors"}}`)})
		link(t, outside, filepath.Join(dir, "x"))
		refused(t, dir, "x/model.safetensors", "escapes")
	})
	t.Run("in a circle", func(t *testing.T) {
		dir := t.TempDir()
		link(t, "model.safetensors", filepath.Join(dir, "model.safetensors"))
		refused(t, dir, "model.safetensors", "too many")
	})
	t.Run("to nothing", func(t *testing.T) {
		dir := t.TempDir()
		link(t, "x", filepath.Join(dir, "model.safetensors"))
		refused(t, dir, "model.safetensors", "no such file")
	})
	t.Run("within the folder", func(t *testing.T) {
		dir := folder(t, map[string][]byte{"x": one("a")})
		link(t, "x", filepath.Join(dir, "model.safetensors"))
		openDir(t, dir)
	})
	t.Run("of the folder itself", func(t *testing.T) {
		dir := t.TempDir()
		link(t, outside, filepath.Join(dir, "x"))
		openDir(t, filepath.Join(dir, "x"))
	})
	t.Run("cache", func(t *testing.T) {
		dir := folder(t, map[string][]byte{
			"models--org--name/blobs/abc":                 one("a"),
			"models--org--name/snapshots/rev/config.json": []byte("{}"),
			"models--org--other/blobs/abc":                one("secret"),
		})
		at := filepath.Join(dir, "models--org--name", "snapshots", "rev")
		link(t, "../../blobs/abc", filepath.Join(at, "model.safetensors"))
		openDir(t, at)
		if err := os.Remove(filepath.Join(at, "model.safetensors")); err != nil {
			t.Fatal(err)
		}
		link(t, "../../../models--org--other/blobs/abc", filepath.Join(at, "model.safetensors"))
		refused(t, at, "model.safetensors", "escapes")
	})
}
