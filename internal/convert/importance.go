package convert

import (
	"encoding/binary"
	"fmt"
	"math"
	"path/filepath"
	"sort"
	"strings"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// Importance holds how much each column of each matrix matters: the mean square
// of the activations that it was multiplied with, on some text.
type Importance struct {
	Path     string
	Datasets []string
	Chunks   int // of text that were read
	columns  map[string][]float32
}

// Keys and suffixes of an importance matrix in a GGUF file, as llama-imatrix has them.
const (
	keyDatasets   = "imatrix.datasets"
	keyChunkCount = "imatrix.chunk_count"
	keyChunkSize  = "imatrix.chunk_size"
	suffixSums    = ".in_sum2"
	suffixCounts  = ".counts"
)

// ReadImportance reads a file of llama-imatrix (its GGUF form) or of Sums.
func ReadImportance(path string) (*Importance, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	im := &Importance{Path: path, columns: map[string][]float32{}}
	chunks, err := f.Uint(keyChunkCount)
	if err != nil {
		return nil, fmt.Errorf("%w (is this an importance matrix?)", err)
	}
	im.Chunks = int(min(chunks, math.MaxInt32))
	err = f.Guard(func() error {
		if list, err := f.Array(keyDatasets); err == nil && list.Kind() == gguf.Text {
			for i := range min(list.Len(), 64) {
				im.Datasets = append(im.Datasets, list.Text(i))
			}
		}
		for _, t := range f.Tensors() {
			name, ok := strings.CutSuffix(t.Name, suffixSums)
			if !ok {
				continue
			}
			counts, ok := f.Tensor(name + suffixCounts)
			if !ok {
				return fmt.Errorf("%s: tensor %q has no %q beside it", path, t.Name, name+suffixCounts)
			}
			v, err := meanColumns(t, counts)
			if err != nil {
				return fmt.Errorf("%s: tensor %q: %w", path, t.Name, err)
			}
			im.columns[name] = v
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if len(im.columns) == 0 {
		return nil, fmt.Errorf("%s: holds no importances (no tensor ends with %s)", path, suffixSums)
	}
	return im, nil
}

// meanColumns divides sums by their counts, one per expert. An expert that was
// never used has importances of 1.
func meanColumns(sums, counts *gguf.Tensor) ([]float32, error) {
	n := counts.Cols() * counts.Rows()
	total := sums.Cols() * sums.Rows()
	if sums.Type != quant.F32 || counts.Type != quant.F32 || n == 0 || total%n != 0 {
		return nil, fmt.Errorf("%d %s sums and %d %s counts", total, sums.Type, n, counts.Type)
	}
	at := func(b []byte, i int) float32 { return math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:])) }
	out := make([]float32, total)
	for i := range out {
		count, sum := at(counts.Data, i/(total/n)), at(sums.Data, i)
		switch {
		case count > 0:
			out[i] = sum / count
		default:
			out[i] = 1
		}
		if !(out[i] >= 0 && out[i] <= math.MaxFloat32) {
			return nil, fmt.Errorf("the importance of column %d is %g", i%(total/n), out[i])
		}
	}
	return out, nil
}

// Len is the number of matrices that have importances.
func (im *Importance) Len() int { return len(im.columns) }

// of returns the importances of a matrix of cols columns and experts parts, nil
// where there are none.
func (im *Importance) of(name string, cols, experts int) ([]float32, error) {
	if im == nil {
		return nil, nil
	}
	v, ok := im.columns[name]
	if !ok {
		return nil, nil
	}
	if len(v) != cols*experts {
		if kindOf(name) == embedding { // an embedding's input is no activation
			return nil, nil
		}
		return nil, fmt.Errorf("%s has importances of %d columns, the tensor has %d", im.Path, len(v), cols*experts)
	}
	return v, nil
}

// annotate says in the new file where its importances came from.
func (im *Importance) annotate(w *gguf.Writer) {
	w.SetText("quantize.imatrix.file", filepath.Base(im.Path))
	if len(im.Datasets) > 0 {
		w.SetText("quantize.imatrix.dataset", im.Datasets[0])
	}
	w.SetUint32("quantize.imatrix.entries_count", uint32(len(im.columns)))
	w.SetUint32("quantize.imatrix.chunks_count", uint32(im.Chunks))
}

// Sums collects importances: for each matrix the sums of squares of its input's
// columns, and how many inputs there were. It is for one goroutine.
type Sums struct {
	squares map[string][]float64
	counts  map[string][]int64
}

// NewSums returns an empty collection.
func NewSums() *Sums { return &Sums{squares: map[string][]float64{}, counts: map[string][]int64{}} }

// Add adds one input x of a matrix, or of one of its experts.
func (s *Sums) Add(name string, expert, experts int, x []float32) {
	sq := s.squares[name]
	if sq == nil {
		sq = make([]float64, len(x)*experts)
		s.squares[name], s.counts[name] = sq, make([]int64, experts)
	}
	sq = sq[expert*len(x):][:len(x)]
	for i, v := range x {
		sq[i] += float64(float64(v) * float64(v))
	}
	s.counts[name][expert]++
}

// Len is the number of matrices that have had inputs.
func (s *Sums) Len() int { return len(s.squares) }

// Create writes the sums to a file that ReadImportance and llama-quantize read.
func (s *Sums) Create(path, dataset string, chunks, chunkSize int) error {
	w := gguf.NewWriter()
	w.SetText("general.type", "imatrix")
	w.SetTexts(keyDatasets, []string{dataset})
	w.SetUint32(keyChunkCount, uint32(chunks))
	w.SetUint32(keyChunkSize, uint32(chunkSize))
	names := make([]string, 0, len(s.squares))
	for name := range s.squares {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		experts := len(s.counts[name])
		var sums, counts []byte
		for _, v := range s.squares[name] {
			sums = binary.LittleEndian.AppendUint32(sums, math.Float32bits(float32(v)))
		}
		for _, v := range s.counts[name] {
			counts = binary.LittleEndian.AppendUint32(counts, math.Float32bits(float32(v)))
		}
		w.AddTensorBytes(name+suffixSums, quant.F32, []int{len(s.squares[name]) / experts, experts}, sums)
		w.AddTensorBytes(name+suffixCounts, quant.F32, []int{1, experts}, counts)
	}
	return w.Create(path)
}
