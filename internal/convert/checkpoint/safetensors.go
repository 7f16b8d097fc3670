package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
)

// maxHeader bounds a header of safetensors or a pickle: the reference reader's
// bound, a hundred times what the largest models have.
const maxHeader = 100 << 20

// readSafetensors takes up the tensors of a file.
func (f *Folder) readSafetensors(name string) error {
	file, size, err := f.keep(name)
	if err != nil {
		return err
	}
	tensors, err := parseSafetensors(f.path(name), file, size)
	if err != nil {
		return err
	}
	return f.add(tensors)
}

// parseSafetensors reads the table of a file of size bytes: 8 bytes with the
// length of a JSON header, the header with each tensor's type, shape and place,
// the data, of which every byte belongs to one tensor.
// Source: https://github.com/huggingface/safetensors#format
func parseSafetensors(path string, file io.ReaderAt, size int64) ([]*Tensor, error) {
	var length [8]byte
	if _, err := file.ReadAt(length[:], 0); err != nil {
		return nil, fmt.Errorf("%s: %d bytes are no safetensors file", path, size)
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > size-8 {
		return nil, fmt.Errorf("%s: a header of %d bytes, in a file of %d: this is no safetensors file, or it is cut short", path, n, size)
	}
	header := json.NewDecoder(io.NewSectionReader(file, 8, int64(n)))
	if t, err := header.Token(); err != nil || t != json.Delim('{') {
		return nil, fmt.Errorf("%s: the header is no JSON object", path)
	}
	var tensors []*Tensor
	seen := make(map[string]bool)
	begin := 8 + int64(n)
	for header.More() {
		token, err := header.Token()
		if err != nil {
			return nil, fmt.Errorf("%s: header: %w", path, err)
		}
		name, _ := token.(string) // a key is nothing else
		if seen[name] {
			return nil, fmt.Errorf("%s: header: %q is there twice", path, name)
		}
		seen[name] = true
		if name == "__metadata__" {
			var texts map[string]string
			if err := header.Decode(&texts); err != nil {
				return nil, fmt.Errorf("%s: header: __metadata__: %w", path, err)
			}
			continue
		}
		t, err := parseEntry(header, size-begin)
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", path, name, err)
		}
		t.Name, t.File, t.source = name, path, file
		t.offset += begin
		tensors = append(tensors, t)
	}
	if _, err := header.Token(); err != nil {
		return nil, fmt.Errorf("%s: header: %w", path, err)
	}
	if _, err := header.Token(); err != io.EOF {
		return nil, fmt.Errorf("%s: header: something follows the JSON object", path)
	}
	return tensors, tiled(path, tensors, begin, size)
}

// parseEntry reads a tensor's entry; its offset counts from the data's beginning.
func parseEntry(header *json.Decoder, data int64) (*Tensor, error) {
	var entry struct {
		Type  Type     `json:"dtype"`
		Shape []uint64 `json:"shape"`
		Range []uint64 `json:"data_offsets"`
	}
	if err := header.Decode(&entry); err != nil {
		return nil, err
	}
	size := entry.Type.Size()
	switch {
	case size == 0:
		return nil, fmt.Errorf("type %q cannot be read", entry.Type)
	case entry.Shape == nil:
		return nil, errors.New(`"shape" is missing`)
	case len(entry.Range) != 2:
		return nil, errors.New(`"data_offsets" are not two numbers`)
	}
	from, to := entry.Range[0], entry.Range[1]
	if from > to || to > uint64(data) {
		return nil, fmt.Errorf("data at %d to %d of the file's %d: the file is damaged or cut short", from, to, data)
	}
	shape, err := sized(entry.Shape, size, data)
	if err != nil {
		return nil, err
	}
	t := &Tensor{Type: entry.Type, Shape: shape}
	if to-from != uint64(t.Bytes()) {
		return nil, fmt.Errorf("data at %d to %d, but shape %v of %s takes %d bytes", from, to, entry.Shape, entry.Type, t.Bytes())
	}
	t.offset = int64(from)
	return t, nil
}

// tiled checks that the tensors fill the file from begin on, with no overlap and no gap.
func tiled(path string, tensors []*Tensor, begin, size int64) error {
	order := slices.Clone(tensors)
	slices.SortFunc(order, func(a, b *Tensor) int {
		switch {
		case a.offset < b.offset:
			return -1
		case a.offset > b.offset:
			return 1
		}
		return 0
	})
	for i, t := range order {
		if t.offset < begin {
			return fmt.Errorf("%s: tensors %q and %q overlap", path, order[i-1].Name, t.Name)
		}
		if t.offset > begin {
			return fmt.Errorf("%s: %d bytes before tensor %q belong to none", path, t.offset-begin, t.Name)
		}
		begin += t.Bytes()
	}
	if begin != size {
		return fmt.Errorf("%s: %d bytes at the end belong to no tensor", path, size-begin)
	}
	return nil
}
