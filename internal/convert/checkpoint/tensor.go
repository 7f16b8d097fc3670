package checkpoint

import (
	"errors"
	"fmt"
	"io"
	"math"
	"sync"
)

// Tensor is a tensor of a checkpoint: one that lies in a file, or one that is
// computed from others when it is read, where the checkpoint is quantized.
type Tensor struct {
	Name  string
	Type  Type   // of a computed one: the type that it stands for
	Shape []int  // PyTorch's order: the length of a row last; none for a single number
	File  string // the file's path, for messages

	source  io.ReaderAt
	offset  int64                                // of the first element in source
	strides []int                                // in elements; nil when they lie one after the other
	rows    func(dst []float32, r0, n int) error // computes rows r0 to r0+n; nil unless computed
	parts   int64                                // bytes of the tensors that it is computed from
}

// Len is the number of elements, which is at least 1.
func (t *Tensor) Len() int {
	n := 1
	for _, d := range t.Shape {
		n *= d
	}
	return n
}

// Cols is the length of a row.
func (t *Tensor) Cols() int {
	if len(t.Shape) == 0 {
		return 1
	}
	return t.Shape[len(t.Shape)-1]
}

// Rows is the number of rows over all outer dimensions.
func (t *Tensor) Rows() int { return t.Len() / t.Cols() }

// Bytes is the size of the tensor in its file; of a computed one, of what it is
// computed from.
func (t *Tensor) Bytes() int64 {
	if t.rows != nil {
		return t.parts
	}
	return int64(t.Len()) * int64(t.Type.Size())
}

// Computed reports whether the tensor is made of others, so that ReadBytes has nothing to give.
func (t *Tensor) Computed() bool { return t.rows != nil }

// Read fills dst with elements at, at+1, ... in the tensor's order, as float32.
// Several goroutines may read at once. Many rows in one call are cheaper than
// each by itself where a tensor is computed or lies transposed.
func (t *Tensor) Read(dst []float32, at int) error {
	if err := t.within(len(dst), at); err != nil {
		return err
	}
	if t.rows != nil {
		return t.compute(dst, at)
	}
	decode, size := types[t.Type].decode, t.Type.Size()
	buf := buffers.Get().(*[]byte)
	defer buffers.Put(buf)
	for len(dst) > 0 {
		n := min(len(dst), len(*buf)/size)
		if err := t.fill((*buf)[:n*size], at); err != nil {
			return err
		}
		decode(dst[:n], (*buf)[:n*size])
		dst, at = dst[n:], at+n
	}
	return nil
}

// ReadBytes fills dst with the bytes of elements at, at+1, ... as little-endian
// numbers of the tensor's type. It must hold whole elements.
func (t *Tensor) ReadBytes(dst []byte, at int) error {
	size := t.Type.Size()
	if t.rows != nil {
		return fmt.Errorf("%s: tensor %q is computed: it has no bytes in a file", t.File, t.Name)
	}
	if len(dst)%size != 0 {
		return fmt.Errorf("%s: tensor %q: %d bytes are no elements of %s", t.File, t.Name, len(dst), t.Type)
	}
	if err := t.within(len(dst)/size, at); err != nil {
		return err
	}
	return t.fill(dst, at)
}

func (t *Tensor) within(n, at int) error {
	if len := t.Len(); at < 0 || at > len || n > len-at {
		return fmt.Errorf("%s: tensor %q: %d elements from %d on, of %d", t.File, t.Name, n, at, len)
	}
	return nil
}

// bufferBytes is what is read from a file at once: it stays in a core's cache.
const bufferBytes = 128 << 10

var buffers = sync.Pool{New: func() any { b := make([]byte, bufferBytes); return &b }}

// fill reads the elements from at on that dst has room for.
func (t *Tensor) fill(dst []byte, at int) error {
	if t.strides != nil {
		return t.gather(dst, at)
	}
	return t.load(dst, at)
}

// load reads bytes from the element at of the storage on.
func (t *Tensor) load(dst []byte, at int) error {
	if _, err := t.source.ReadAt(dst, t.offset+int64(at)*int64(t.Type.Size())); err != nil {
		if errors.Is(err, io.EOF) {
			err = errors.New("the file is cut short")
		}
		return fmt.Errorf("%s: tensor %q: %w", t.File, t.Name, err)
	}
	return nil
}

// compute calls rows for those that cover dst.
func (t *Tensor) compute(dst []float32, at int) error {
	cols := t.Cols()
	part := func(from, n int) error { // of one row
		row := make([]float32, cols)
		if err := t.rows(row, at/cols, 1); err != nil {
			return err
		}
		copy(dst[:n], row[from:])
		dst, at = dst[n:], at+n
		return nil
	}
	if from := at % cols; from > 0 && len(dst) > 0 {
		if err := part(from, min(len(dst), cols-from)); err != nil {
			return err
		}
	}
	if n := len(dst) / cols; n > 0 {
		if err := t.rows(dst[:n*cols], at/cols, n); err != nil {
			return err
		}
		dst, at = dst[n*cols:], at+n*cols
	}
	if len(dst) > 0 {
		return part(0, len(dst))
	}
	return nil
}

// sized checks a shape that a file gives, and makes it one of ints: no dimension
// may be 0, and the elements must not take more than most bytes.
func sized(shape []uint64, size int, most int64) ([]int, error) {
	out := make([]int, len(shape))
	n := uint64(size)
	for i, d := range shape {
		if d == 0 {
			return nil, fmt.Errorf("shape %v has no elements", shape)
		}
		// most is below 2^63, so the product cannot overflow.
		if d > uint64(most)/n || d > math.MaxInt/n {
			return nil, fmt.Errorf("shape %v takes more than the %d bytes that are there", shape, most)
		}
		out[i], n = int(d), n*d
	}
	if n > uint64(most) {
		return nil, fmt.Errorf("shape %v takes more than the %d bytes that are there", shape, most)
	}
	return out, nil
}
