package convert

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"happyphonellm/internal/gguf"
	"happyphonellm/internal/quant"
)

// TypeError is how far the tensors of one type are from their sources.
type TypeError struct {
	Type    quant.Type
	Tensors int
	NMSE    float64 // of the worst of them: sum of squared errors over sum of squares
	Worst   string  // its name
}

// Check reads the file at path, which Write made, and compares every tensor with
// the checkpoint: an error names the first in the file that is further from it than
// its type's rounding allows. progress is as for Write.
func (c *Conversion) Check(ctx context.Context, path string, progress Progress) ([]TypeError, error) {
	f, err := gguf.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if got := f.Architecture(); got != c.m.arch {
		return nil, fmt.Errorf("%s: general.architecture is %q, not %q", path, got, c.m.arch)
	}
	if n := len(f.Tensors()); n != len(c.plan) {
		return nil, fmt.Errorf("%s: %d tensors, not %d", path, n, len(c.plan))
	}
	var pieces []*comparison
	var total int64
	for _, t := range c.plan {
		made, ok := f.Tensor(t.Name)
		if !ok {
			return nil, fmt.Errorf("%s: tensor %q is missing", path, t.Name)
		}
		if made.Type != t.To || !slices.Equal(made.Shape, t.Shape) {
			return nil, fmt.Errorf("%s: tensor %q is %s %v, not %s %v", path, t.Name, made.Type, made.Shape, t.To, t.Shape)
		}
		step := max(1, pieceElems/2/max(t.cols(), 1))
		for r := 0; r < t.rows(); r += step {
			pieces = append(pieces, &comparison{t: t, made: made, row: r, rows: min(step, t.rows()-r)})
		}
		total += t.SourceBytes
	}
	if err := compareAll(ctx, f, pieces, c.o.Threads, total, progress); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return sumUp(path, pieces)
}

// comparison is of some rows of a tensor.
type comparison struct {
	t         *Tensor
	made      *gguf.Tensor
	row, rows int

	squares, errors float64 // sums
}

// compareAll makes all comparisons on several goroutines; the first error ends them.
func compareAll(ctx context.Context, f *gguf.File, pieces []*comparison, threads int, total int64, progress Progress) error {
	if threads <= 0 {
		threads = runtime.GOMAXPROCS(0)
	}
	ctx, fail := context.WithCancelCause(ctx)
	defer fail(nil)
	var next atomic.Int64
	var told sync.Mutex
	var done int64
	var group sync.WaitGroup
	for range min(threads, maxThreads) {
		group.Go(func() {
			var x, y []float32
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(pieces) {
					return
				}
				p := pieces[i]
				if n := p.rows * p.t.cols(); cap(x) < n {
					x, y = make([]float32, n), make([]float32, n)
				}
				if err := p.compare(f, x[:p.rows*p.t.cols()], y[:p.rows*p.t.cols()]); err != nil {
					fail(fmt.Errorf("tensor %q: %w", p.t.Name, err))
					return
				}
				if progress != nil {
					told.Lock()
					done += p.t.SourceBytes / int64(p.t.rows()) * int64(p.rows)
					progress(done, total)
					told.Unlock()
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func (p *comparison) compare(f *gguf.File, x, y []float32) error {
	if err := p.t.source.read(x, p.row, p.rows); err != nil {
		return err
	}
	format, _ := p.made.Type.Format()
	rowBytes, _ := format.RowBytes(p.t.cols())
	err := f.Guard(func() error {
		format.Dequantize(y, p.made.Data[p.row*rowBytes:][:p.rows*rowBytes])
		return nil
	})
	if err != nil {
		return err
	}
	b := boundOf(p.made.Type)
	block := max(format.BlockElems, 1)
	for i := 0; i < len(x); i += block {
		var squares, errors, made float64
		for j, v := range x[i : i+block] {
			d := float64(y[i+j]) - float64(v)
			made = max(made, math.Abs(float64(y[i+j])))
			squares += float64(float64(v) * float64(v))
			errors += float64(d * d)
		}
		row, col, floor := p.row+i/p.t.cols(), i%p.t.cols(), b.floor*float64(block)
		if made == 0 && squares > 4*floor {
			return fmt.Errorf("row %d, columns %d to %d: zeros in place of values", row, col, col+block-1)
		}
		// Written so that a NaN is beyond every bound.
		if !(errors <= float64(b.block*squares)+floor) {
			return fmt.Errorf("row %d, columns %d to %d: the error is %.3g of the values, more than the %.3g that %s may have",
				row, col, col+block-1, math.Sqrt(errors/squares), math.Sqrt(b.block), format.Name)
		}
		p.squares += squares
		p.errors += errors
	}
	return nil
}

// sumUp adds the comparisons of each tensor and finds the worst of each type.
func sumUp(path string, pieces []*comparison) ([]TypeError, error) {
	byType := make(map[quant.Type]*TypeError)
	for i := 0; i < len(pieces); {
		t := pieces[i].t
		var squares, errors float64
		for ; i < len(pieces) && pieces[i].t == t; i++ {
			squares += pieces[i].squares
			errors += pieces[i].errors
		}
		b := boundOf(t.To)
		nmse := errors / max(squares, math.SmallestNonzeroFloat64)
		if !(errors <= float64(b.tensor*squares)+b.floor*float64(t.Params())) {
			return nil, fmt.Errorf("%s: tensor %q: NMSE %.3g from the checkpoint, more than the %.3g that %s may have", path, t.Name, nmse, b.tensor, t.To)
		}
		e := byType[t.To]
		if e == nil {
			e = &TypeError{Type: t.To}
			byType[t.To] = e
		}
		e.Tensors++
		if e.Worst == "" || nmse > e.NMSE {
			e.NMSE, e.Worst = nmse, t.Name
		}
	}
	var list []TypeError
	for _, e := range byType {
		list = append(list, *e)
	}
	slices.SortFunc(list, func(a, b TypeError) int { return cmp.Compare(a.Type, b.Type) })
	return list, nil
}

// bound is what a type's rounding may cost. The floor is for values so small that
// the block's scale, a number of half precision, vanishes or is coarse itself.
type bound struct {
	block  float64 // of one block: squared errors over squares
	tensor float64 // of a whole tensor
	floor  float64 // squared error of a value that is allowed besides
}

// bounds are about twice (blocks: one and a half to two times) what the quantizers
// cost at worst on weights of many distributions: even, normal, long-tailed, sparse,
// ternary, with single large ones, of one sign. TestBounds measures that. Weights of
// another row, a lost scale or a wrong sign cost 1 to 4. The floats' bounds are half
// a unit in the last place, squared.
var bounds = map[quant.Type]bound{
	quant.F32:    {},
	quant.F16:    {0x1p-22, 0x1p-22, 0x1p-50},
	quant.BF16:   {0x1p-16, 0x1p-16, 0x1p-268},
	quant.Q8_0:   {1.2e-3, 3e-4, floorOf(127)},
	quant.Q6_K:   {4e-3, 2.5e-3, floorOf(128 * 32)},
	quant.Q5_K:   {1.5e-2, 1e-2, floorOf(63 * 32)},
	quant.Q5_1:   {3e-2, 2e-2, floorOf(32)},
	quant.Q5_0:   {3e-2, 2e-2, floorOf(16)},
	quant.Q4_K:   {5e-2, 4e-2, floorOf(63 * 16)},
	quant.Q4_1:   {0.13, 5e-2, floorOf(16)},
	quant.Q4_0:   {0.1, 6e-2, floorOf(8)},
	quant.IQ4_NL: {6e-2, 4e-2, floorOf(127)},
	quant.IQ4_XS: {6e-2, 4e-2, floorOf(127 * 32)},
	quant.MXFP4:  {0.15, 0.1, 0},
	quant.Q3_K:   {0.15, 0.12, floorOf(128)},
	quant.Q2_K:   {2, 0.4, floorOf(64)},
}

// floorOf is the squared error of steps times a scale that is wrong by half of half
// precision's smallest number.
func floorOf(steps float64) float64 { return steps * steps * 0x1p-50 }

// boundOf is the bound of a type; those that are only copied must be equal.
func boundOf(t quant.Type) bound {
	return bounds[t]
}

// LogitError is how far a sound file's logits may be from those of the checkpoint's
// weights in F32: sum of squared errors over sum of squares, both less the mean of
// a position's logits. What a type costs depends on the model (docs/fidelity.md has
// figures); these bounds are wide, since every tensor is compared by itself, and
// far below the 2 of logits that have nothing to do with each other.
func (m Mix) LogitError() float64 {
	switch m.Type {
	case quant.F32:
		return 1e-6
	case quant.F16, quant.BF16:
		return 0.02
	case quant.Q8_0:
		return 0.05
	case quant.Q6_K:
		return 0.1
	case quant.Q5_0, quant.Q5_1, quant.Q5_K:
		return 0.2
	case quant.Q3_K, quant.Q2_K:
		return 1
	}
	return 0.5 // the types of 4 bits
}
