package convert

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"

	"happyphonellm/internal/gguf"
)

// LoRAFile is an adapter in GGUF and how strongly it works.
type LoRAFile struct {
	File  *gguf.File
	Scale float32
}

// MergeLoRA writes f with the adapters added to its matrices, W + scale·alpha/rank ·
// B A, to the file at path, as Edit does. Every tensor keeps its type: those that an
// adapter changes are quantized again. Their names are returned. An adapter's tensor
// that f has no place for is an error.
func MergeLoRA(ctx context.Context, f *gguf.File, adapters []LoRAFile, path string, progress Progress) (changed []string, err error) {
	if err := notOneOf(f.Parts(), path); err != nil {
		return nil, err
	}
	w, err := copiedKeys(f)
	if err != nil {
		return nil, err
	}
	plan := copied(f, f.Tensors())
	byName := make(map[string]*Tensor, len(plan))
	for _, t := range plan {
		byName[t.Name] = t
	}
	for _, a := range adapters {
		if err := notOneOf(a.File.Parts(), path); err != nil {
			return nil, err
		}
		names, err := a.addTo(byName, f.Architecture())
		if err != nil {
			return nil, fmt.Errorf("%s: %w", a.File.Path(), err)
		}
		changed = append(changed, names...)
	}
	return changed, write(ctx, w, plan, path, 0, progress)
}

// addTo adds one adapter to the tensors of a plan.
func (a LoRAFile) addTo(plan map[string]*Tensor, arch string) (changed []string, err error) {
	general, err := a.File.Text("general.type")
	if errors.Is(err, gguf.ErrTruncated) {
		return nil, err
	}
	if kind, _ := a.File.Text("adapter.type"); general != "adapter" || kind != "lora" {
		return nil, fmt.Errorf("this is no LoRA adapter: general.type is %q, adapter.type %q", general, kind)
	}
	if own := a.File.Architecture(); own != arch {
		return nil, fmt.Errorf("the adapter is of architecture %q, the model of %q", own, arch)
	}
	if _, err := a.File.Array("adapter.alora.invocation_tokens"); err == nil {
		return nil, errors.New("tokens switch this adapter on: merged, it would always be on")
	}
	alpha, err := a.File.Float("adapter.lora.alpha")
	if err != nil {
		return nil, err
	}
	if math.IsNaN(alpha) || math.Abs(alpha) > math.MaxFloat32 {
		return nil, fmt.Errorf("adapter.lora.alpha is %g", alpha)
	}
	for _, left := range a.File.Tensors() {
		name, part := cutLast(left.Name, ".lora_")
		if part == "a" {
			continue // with its other half, or missed by nobody
		}
		t := plan[name]
		right, ok := a.File.Tensor(name + ".lora_a")
		if part != "b" || t == nil || !ok || len(t.Shape) < 2 || name == "token_embd.weight" {
			return nil, fmt.Errorf("tensor %q: the model has no such matrix, or none that an adapter can change, or its other half is missing", left.Name)
		}
		scaled := plan[strings.TrimSuffix(name, "weight")+"scale"] != nil
		if err := t.add(a.File, left, right, a.Scale, float32(alpha), scaled); err != nil {
			return nil, fmt.Errorf("tensor %q: %w", name, err)
		}
		changed = append(changed, name)
	}
	if 2*len(changed) == len(a.File.Tensors()) {
		return changed, nil
	}
	for _, right := range a.File.Tensors() {
		name, _ := cutLast(right.Name, ".lora_")
		if _, ok := a.File.Tensor(name + ".lora_b"); !ok {
			return nil, fmt.Errorf("tensor %q: only one of lora_a and lora_b is there", right.Name)
		}
	}
	return changed, nil
}

// factorRows reads rows of a factor, whose numbers are all finite: what they make of a
// matrix would be laid to the matrix.
func factorRows(f *gguf.File, t *gguf.Tensor, s *source, dst []float32, row, rows int) error {
	if err := s.read(dst, row, rows); err != nil {
		return err
	}
	if i := notFinite(dst); i >= 0 {
		return fmt.Errorf("%s: tensor %q: row %d, column %d is %g: this is no finite number", f.Path(), t.Name, row+i/t.Cols(), i%t.Cols(), dst[i])
	}
	return nil
}

// cutLast splits name at the last sep.
func cutLast(name, sep string) (before, after string) {
	for i := len(name) - len(sep); i >= 0; i-- {
		if name[i:i+len(sep)] == sep {
			return name[:i], name[i+len(sep):]
		}
	}
	return name, ""
}

// add makes the tensor's numbers W + scale B A.
func (t *Tensor) add(f *gguf.File, left, right *gguf.Tensor, scale, alpha float32, scaled bool) error {
	rank, cols, out := left.Cols(), t.cols(), t.Shape[1]
	experts := t.rows() / out
	if rank > cols {
		return fmt.Errorf("a rank of %d for %d columns", rank, cols)
	}
	if right.Cols() != cols || right.Rows() != rank*experts || left.Rows() != t.rows() {
		return fmt.Errorf("lora_a has shape %v and lora_b %v, which do not fit %v", right.Shape, left.Shape, t.Shape)
	}
	if scaled {
		return errors.New("the matrix has a scale beside it: merge into a file without")
	}
	to, _ := t.To.Format()
	if to.Quantize == nil || t.source.read == nil {
		return fmt.Errorf("%s cannot be written: merge into a file of another type", t.To)
	}
	if alpha != 0 {
		scale *= alpha / float32(rank)
	}
	a, b := sourceOf(f, right), sourceOf(f, left)
	if a.read == nil || b.read == nil {
		return fmt.Errorf("%s and %s cannot be read", right.Type, left.Type)
	}
	narrow := sync.OnceValues(func() ([]float32, error) {
		x := make([]float32, rank*experts*cols)
		return x, factorRows(f, right, a, x, 0, rank*experts)
	})
	s, base := *t.source, t.source.read
	s.raw = nil
	s.read = func(dst []float32, row, rows int) error {
		if err := base(dst, row, rows); err != nil {
			return err
		}
		x, err := narrow()
		if err != nil {
			return err
		}
		factors := make([]float32, rows*rank)
		if err := factorRows(f, left, b, factors, row, rows); err != nil {
			return err
		}
		for r := range rows {
			y := dst[r*cols:][:cols]
			first := (row + r) / out * rank
			for j, v := range factors[r*rank:][:rank] {
				v *= scale
				for i, u := range x[(first+j)*cols:][:cols] {
					y[i] += float32(v * u)
				}
			}
		}
		return nil
	}
	t.source = &s
	return nil
}
