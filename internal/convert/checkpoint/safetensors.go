package checkpoint

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
)

// maxHeader bounds a safetensors header, as the reference reader does.
const maxHeader = 100 << 20

// readSafetensors takes up the tensors of a file: 8 bytes with the length of a
// JSON header, the header with each tensor's type, shape and place, the data.
// Source: https://github.com/huggingface/safetensors#format
func (f *Folder) readSafetensors(name string) error {
	file, err := f.open(name)
	if err != nil {
		return err
	}
	f.files = append(f.files, file)
	path := f.path(name)
	info, err := file.Stat()
	if err != nil {
		return err
	}
	var length [8]byte
	if _, err := file.ReadAt(length[:], 0); err != nil {
		return fmt.Errorf("%s: %d bytes are no safetensors file", path, info.Size())
	}
	n := binary.LittleEndian.Uint64(length[:])
	if n > maxHeader || int64(n) > info.Size()-8 {
		return fmt.Errorf("%s: a header of %d bytes in a file of %d", path, n, info.Size())
	}
	var header map[string]json.RawMessage
	if err := json.NewDecoder(io.NewSectionReader(file, 8, int64(n))).Decode(&header); err != nil {
		return fmt.Errorf("%s: header: %w", path, err)
	}
	for key, raw := range header {
		if key == "__metadata__" {
			continue
		}
		var entry struct {
			Type  Type      `json:"dtype"`
			Shape []uint64  `json:"shape"`
			Range [2]uint64 `json:"data_offsets"`
		}
		if err := json.Unmarshal(raw, &entry); err != nil {
			return fmt.Errorf("%s: tensor %q: %w", path, key, err)
		}
		size := uint64(entry.Type.Size())
		if size == 0 {
			return fmt.Errorf("%s: tensor %q: type %q is not known", path, key, entry.Type)
		}
		t := &Tensor{Name: key, Type: entry.Type, File: path, source: file, Shape: make([]int, len(entry.Shape))}
		for i, d := range entry.Shape {
			hi, lo := bits.Mul64(size, d)
			if hi != 0 || lo > uint64(info.Size()) {
				return fmt.Errorf("%s: tensor %q: shape %v is more than the file", path, key, entry.Shape)
			}
			t.Shape[i], size = int(d), lo
		}
		data := uint64(info.Size()) - 8 - n
		if entry.Range[0] > entry.Range[1] || entry.Range[1] > data || entry.Range[1]-entry.Range[0] != size {
			return fmt.Errorf("%s: tensor %q: data at %d to %d of %d, but its shape takes %d bytes",
				path, key, entry.Range[0], entry.Range[1], data, size)
		}
		t.offset = 8 + int64(n) + int64(entry.Range[0])
		if err := f.add(t); err != nil {
			return err
		}
	}
	return nil
}
