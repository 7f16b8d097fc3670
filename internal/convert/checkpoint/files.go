package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// kind is a way in which tensors are stored.
type kind struct {
	stem, ending string // of the names that Transformers gives: STEM.ENDING, STEM-00001-of-00002.ENDING
	read         func(f *Folder, name string) error
}

var (
	safetensors = kind{"model", ".safetensors", (*Folder).readSafetensors}
	mistral     = kind{"consolidated", ".safetensors", (*Folder).readSafetensors}
	torch       = kind{"pytorch_model", ".bin", (*Folder).readTorch}
)

// readModel finds the files that hold the model's tensors, in the order in which
// Transformers prefers them, and reads their tables. Others that a folder may
// have (another copy of the weights, an optimizer's state) are left alone.
func (f *Folder) readModel() error {
	for _, k := range []kind{safetensors, torch, mistral} {
		if found, err := f.readSet(k); found || err != nil {
			return err
		}
	}
	return f.readOther()
}

// readSet reads a single file, the files of an index, or numbered ones without an
// index. An index beside a single file that it does not name is of another copy.
func (f *Folder) readSet(k kind) (found bool, err error) {
	single, index := k.stem+k.ending, k.stem+k.ending+".index.json"
	hasSingle, err := f.exists(single)
	if err != nil {
		return true, err
	}
	hasIndex, err := f.exists(index)
	if err != nil {
		return true, err
	}
	if hasIndex {
		shards, err := f.shards(index, k)
		if err != nil {
			return true, err
		}
		if !hasSingle || slices.Contains(slices.Collect(maps.Values(shards)), single) {
			return true, f.readIndex(index, k, shards)
		}
	}
	if hasSingle {
		return true, k.read(f, single)
	}
	return f.readNumbered(k)
}

// exists tells a file that is not there from one that cannot be reached, as a
// link out of the folder.
func (f *Folder) exists(name string) (bool, error) {
	_, err := f.root.Lstat(filepath.Join(f.within, name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", f.path(name), cause(err))
	}
	return true, nil
}

var numbered = regexp.MustCompile(`^-(\d{5})-of-(\d{5})$`)

// readNumbered reads STEM-00001-of-0000N to N, all of which must be there.
func (f *Folder) readNumbered(k kind) (found bool, err error) {
	names, err := f.names(k.stem + "-*" + k.ending)
	if err != nil {
		return false, err
	}
	count := 0
	for _, name := range names {
		m := numbered.FindStringSubmatch(strings.TrimSuffix(strings.TrimPrefix(name, k.stem), k.ending))
		if m == nil {
			continue
		}
		n, _ := strconv.Atoi(m[2])
		if count > 0 && n != count {
			return true, fmt.Errorf("%s: parts of %d and of %d files: want those of one model", f.path(name), count, n)
		}
		count = n
	}
	for i := range count {
		if err := k.read(f, fmt.Sprintf("%s-%05d-of-%05d%s", k.stem, i+1, count, k.ending)); err != nil {
			return true, err
		}
	}
	return count > 0, nil
}

// shards reads which file an index says that each tensor is in.
func (f *Folder) shards(index string, k kind) (map[string]string, error) {
	data, err := f.ReadFile(index)
	if err != nil {
		return nil, err
	}
	var content struct {
		Map map[string]string `json:"weight_map"`
	}
	if err := json.Unmarshal(data, &content); err != nil {
		return nil, fmt.Errorf("%s: %w", f.path(index), err)
	}
	if len(content.Map) == 0 {
		return nil, fmt.Errorf(`%s: "weight_map" names no tensors`, f.path(index))
	}
	for _, tensor := range slices.Sorted(maps.Keys(content.Map)) {
		shard := content.Map[tensor]
		if !filepath.IsLocal(filepath.FromSlash(shard)) {
			return nil, fmt.Errorf("%s: tensor %q: %q is out of the folder", f.path(index), tensor, shard)
		}
		if !strings.HasSuffix(shard, k.ending) {
			return nil, fmt.Errorf("%s: tensor %q: %q is no file of tensors: want *%s", f.path(index), tensor, shard, k.ending)
		}
	}
	return content.Map, nil
}

// readIndex reads the files that an index names; each tensor must be where it says.
// A tensor that it does not name is one of the model all the same.
func (f *Folder) readIndex(index string, k kind, shards map[string]string) error {
	for _, shard := range slices.Compact(slices.Sorted(maps.Values(shards))) {
		if err := k.read(f, shard); err != nil {
			if errors.Is(err, fs.ErrNotExist) {
				err = fmt.Errorf("%w, but %s names it", err, index)
			}
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(shards)) {
		t := f.byName[name]
		if t == nil {
			return fmt.Errorf("%s: tensor %q is not there, but %s says so", f.path(shards[name]), name, index)
		}
		if t.File != f.path(shards[name]) {
			return fmt.Errorf("%s: tensor %q is here, but %s says in %s", t.File, name, index, shards[name])
		}
	}
	return nil
}

// notModels are files beside models that hold something else.
var notModels = regexp.MustCompile(`^(adapter_model|adapter|optimizer|scheduler|scaler|training_args|rng_state.*|random_states.*|global_step.*|vae|tokenizer.*)\.[a-z]+$`)

// readOther reads a folder without any of the usual names: the only file that may hold a model.
func (f *Folder) readOther() error {
	var names []string
	for _, ending := range []string{"*.safetensors", "*.bin", "*.pth", "*.pt"} {
		found, err := f.names(ending)
		if err != nil {
			return err
		}
		for _, name := range found {
			if !notModels.MatchString(name) {
				names = append(names, name)
			}
		}
		if len(names) > 0 {
			break // safetensors before pickles
		}
	}
	switch {
	case len(names) == 1 && strings.HasSuffix(names[0], ".safetensors"):
		return f.readSafetensors(names[0])
	case len(names) == 1:
		return f.readTorch(names[0])
	case len(names) > 1 && strings.HasPrefix(names[0], "consolidated."):
		return fmt.Errorf("%s: the parts of Meta's own form (%s, ...) are cut across tensors: want the model in Hugging Face's form", f.dir, names[0])
	case len(names) > 1:
		return fmt.Errorf("%s: which file is the model is not clear: %s", f.dir, strings.Join(names, ", "))
	case f.Has("adapter_config.json"):
		return fmt.Errorf("%s: this is an adapter (adapter_config.json), no model: convert it with --lora", f.dir)
	}
	return fmt.Errorf("%s: %w", f.dir, ErrNoTensors)
}
