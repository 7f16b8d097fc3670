package checkpoint

import (
	"archive/zip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// readTorch takes up the tensors of a file that torch.save wrote: since PyTorch
// 1.6 a zip archive, before that pickles and the tensors' memory one after the other.
func (f *Folder) readTorch(name string) error {
	file, size, err := f.keep(name)
	if err != nil {
		return err
	}
	tensors, err := parseTorch(f.path(name), file, size)
	if err != nil {
		return err
	}
	return f.add(tensors)
}

func parseTorch(path string, file io.ReaderAt, size int64) ([]*Tensor, error) {
	var magic [2]byte
	_, err := file.ReadAt(magic[:], 0)
	var top any
	switch {
	case err == nil && magic == [2]byte{'P', 'K'}:
		top, err = readArchive(file, size)
	case err == nil && magic[0] == 0x80:
		top, err = readLegacy(file, size)
	default:
		err = errors.New("this is no file of torch.save")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	d, err := stateOf(top)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var tensors []*Tensor
	seen := make(map[string]bool)
	for i, v := range d.values {
		p, ok := v.(*pickled)
		if !ok {
			continue // numbers and texts beside the tensors
		}
		name, ok := d.keys[i].(string)
		if !ok || seen[name] {
			return nil, fmt.Errorf("%s: tensor %d: its name is %s, or there twice", path, i, describe(d.keys[i]))
		}
		seen[name] = true
		t, err := p.tensor()
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", path, name, err)
		}
		t.Name, t.File, t.source = name, path, file
		tensors = append(tensors, t)
	}
	return tensors, nil
}

// stateOf finds the dict of tensors: what was saved, or a part of it, as trainers have it.
func stateOf(top any) (*dict, error) {
	d, ok := top.(*dict)
	if !ok {
		return nil, fmt.Errorf("it holds %s: want a dict of tensors", describe(top))
	}
	if d.hasTensors() {
		return d, nil
	}
	for _, key := range []string{"state_dict", "model_state_dict", "model", "module"} {
		if inner, ok := d.get(key).(*dict); ok && inner.hasTensors() {
			return inner, nil
		}
	}
	return nil, errors.New("it holds no tensors")
}

func (d *dict) hasTensors() bool {
	for _, v := range d.values {
		if _, ok := v.(*pickled); ok {
			return true
		}
	}
	return false
}

// tensor checks shape, strides and place.
func (p *pickled) tensor() (*Tensor, error) {
	size := int64(p.dtype.Size())
	bytes := p.storage.memory.bytes
	n := bytes / size // elements that there are
	shape := make([]uint64, len(p.shape))
	for i, d := range p.shape {
		if d < 0 {
			return nil, fmt.Errorf("shape %v", p.shape)
		}
		shape[i] = uint64(d)
	}
	t := &Tensor{Type: p.dtype, offset: p.storage.memory.offset}
	var err error
	if t.Shape, err = sized(shape, int(size), bytes); err != nil {
		return nil, err
	}
	outside := fmt.Errorf("shape %v, strides %v and offset %d are beyond its %d elements", p.shape, p.strides, p.first, n)
	if len(p.strides) != len(p.shape) || p.first < 0 || p.first > n || p.storage.first > n-p.first {
		return nil, outside
	}
	first := p.storage.first + p.first
	last, next := first, int64(1)
	ordered := true
	strides := make([]int, len(p.strides))
	for i := len(p.shape) - 1; i >= 0; i-- {
		d, s := p.shape[i], p.strides[i]
		if d == 1 {
			continue // its stride is of no use, and may be anything
		}
		if s < 0 || s > (n-1-last)/(d-1) {
			return nil, outside
		}
		last += (d - 1) * s
		ordered = ordered && s == next
		next *= d
		strides[i] = int(s)
	}
	if last >= n {
		return nil, outside
	}
	t.offset += first * size
	if !ordered {
		t.strides = strides
	}
	return t, nil
}

// readArchive runs the pickle of a zip archive: NAME/data.pkl; the memory of the
// tensors is in NAME/data/KEY. torch.save stores all of them as they are.
func readArchive(file io.ReaderAt, size int64) (any, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, fmt.Errorf("%w: the archive is damaged or cut short", err)
	}
	members := make(map[string]*zip.File, len(z.File))
	var program *zip.File
	for _, m := range z.File {
		if members[m.Name] != nil {
			return nil, fmt.Errorf("%q is there twice", m.Name)
		}
		members[m.Name] = m
		if m.Name == "data.pkl" || strings.HasSuffix(m.Name, "/data.pkl") {
			if program != nil {
				return nil, fmt.Errorf("there are two programs, %q and %q", program.Name, m.Name)
			}
			program = m
		}
	}
	if program == nil {
		return nil, errors.New("there is no data.pkl: this is no file of torch.save")
	}
	prefix := strings.TrimSuffix(program.Name, "data.pkl")
	if m := members[prefix+"byteorder"]; m != nil {
		at, n, err := stored(m, size)
		if err != nil {
			return nil, err
		}
		order := make([]byte, min(n, 16))
		if _, err := file.ReadAt(order, at); err != nil || string(order) != "little" {
			return nil, fmt.Errorf("%q: byte order %q: want little", m.Name, order)
		}
	}
	at, n, err := stored(program, size)
	if err != nil {
		return nil, err
	}
	if n > maxHeader {
		return nil, fmt.Errorf("%q has %d bytes", program.Name, n)
	}
	return newUnpickler(io.NewSectionReader(file, at, n), n, func(id tuple) (any, error) {
		s, err := storageOf(id)
		if err != nil {
			return nil, err
		}
		m := members[prefix+"data/"+s.key]
		if m == nil {
			return nil, fmt.Errorf("there is no %q", prefix+"data/"+s.key)
		}
		at, n, err := stored(m, size)
		if err != nil {
			return nil, err
		}
		if s.numel > n/int64(s.dtype.Size()) {
			return nil, fmt.Errorf("%q has %d bytes, not %d numbers of %s", m.Name, n, s.numel, s.dtype)
		}
		s.memory = &memory{offset: at, bytes: n}
		return s, nil
	}).run()
}

// stored finds the bytes of a member, which must not be compressed: then memory
// is bounded by the file, and tensors can be read where they lie.
func stored(m *zip.File, size int64) (at, n int64, err error) {
	if m.Method != zip.Store {
		return 0, 0, fmt.Errorf("%q is compressed: torch.save does not do that", m.Name)
	}
	if at, err = m.DataOffset(); err != nil {
		return 0, 0, fmt.Errorf("%q: %w", m.Name, err)
	}
	if n := m.UncompressedSize64; at > size || n > uint64(size-at) {
		return 0, 0, fmt.Errorf("%q: %d bytes at %d of %d: the archive is damaged or cut short", m.Name, n, at, size)
	}
	return at, int64(m.UncompressedSize64), nil
}

// legacyMagic is the number with which old files begin.
const legacyMagic = long("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19")

// readLegacy reads a file from before PyTorch 1.6: pickles of a magic number, the
// protocol, the system, what was saved, and the keys of all storages; then for
// each key the count of elements and the elements.
func readLegacy(file io.ReaderAt, size int64) (any, error) {
	parts := make(map[string]*memory)
	u := newUnpickler(io.NewSectionReader(file, 0, size), min(size, maxHeader), func(id tuple) (any, error) {
		s, err := storageOf(id)
		if err != nil {
			return nil, err
		}
		if parts[s.key] == nil {
			parts[s.key] = &memory{numel: s.numel, dtype: s.dtype}
		}
		s.memory = parts[s.key]
		if s.memory.numel != s.numel || s.memory.dtype != s.dtype {
			return nil, fmt.Errorf("pickle: storage %q is described in two ways", s.key)
		}
		return s, nil
	})
	var saved [5]any // magic number, protocol, system, what was saved, keys
	for i := range saved {
		var err error
		if saved[i], err = u.run(); err != nil {
			return nil, err
		}
		if i == 0 && saved[0] != legacyMagic {
			return nil, errors.New("a pickle, but not of torch.save")
		}
	}
	if saved[1] != int64(1001) {
		return nil, errors.New("protocol of torch.save is not 1001")
	}
	if d, ok := saved[2].(*dict); !ok || d.get("little_endian") != true {
		return nil, errors.New("the system that wrote it is not little-endian")
	}
	keys, ok := saved[4].(*list)
	if !ok {
		return nil, fmt.Errorf("%s in place of the list of storages", describe(saved[4]))
	}
	at := u.at
	for _, k := range keys.items {
		key, _ := k.(string)
		s := parts[key]
		if s == nil || s.located {
			return nil, fmt.Errorf("storage %.100q is not used, or there twice", key)
		}
		var count [8]byte
		if _, err := file.ReadAt(count[:], at); err != nil {
			return nil, fmt.Errorf("storage %q: the file is cut short", key)
		}
		elements := binary.LittleEndian.Uint64(count[:])
		s.offset, s.located = at+8, true
		if elements != uint64(s.numel) || s.numel > (size-s.offset)/int64(s.dtype.Size()) {
			return nil, fmt.Errorf("storage %q: %d numbers of %s at %d of %d: the file is damaged or cut short", key, elements, s.dtype, s.offset, size)
		}
		s.bytes = s.numel * int64(s.dtype.Size())
		at = s.offset + s.bytes
	}
	return saved[3], nil
}
