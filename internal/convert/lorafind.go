package convert

import (
	"errors"
	"fmt"
	"math"
	"math/bits"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
)

// Where the rows and columns of a matrix go is found out by running the model's
// Adapter over tensors whose numbers say where they stand: in one run each number
// names its tensor and row, in another its tensor and column, in a third it is 1.
// The numbers are bit patterns of float32, which copying does not change. A row of
// the output whose numbers all name one row, and columns that are the same in all
// rows, commute with a product of factors; anything else is refused.

// marks are the runs.
type mark int

const (
	rowMark mark = iota
	columnMark
	oneMark
	marks
)

// errAbsent is the error of a view of a tensor that is not there, where only some are.
var errAbsent = errors.New("the model's tensors are not there: give --base the folder that has them")

// absent stands for a tensor of which nothing is known.
func absent(name string) *view {
	return &view{shape: []int{1}, name: name, err: errAbsent, read: func([]float32, int, int) error { return errAbsent }}
}

// loraResult is a tensor of the model, and the factors of what is to be added to it.
type loraResult struct {
	name  string
	shape []int
	a, b  *view
}

// finder knows what the marks stand for.
type finder struct {
	pairs   []*loraPair
	shift   int  // bits of a row or column
	touched bool // a marked tensor was read
	alpha   float64
	outputs [marks][]result
}

// findLoRA runs the Adapter of the model in folder base, and returns what becomes of the pairs.
func findLoRA(base string, pairs []*loraPair, alpha float64) (*maker, []loraResult, error) {
	dir, tensors, err := baseTensors(base)
	if err != nil {
		return nil, nil, err
	}
	f := &finder{pairs: pairs, alpha: alpha}
	if err := f.fit(dir, tensors); err != nil {
		return nil, nil, err
	}
	var model *maker
	for m := range marks {
		folder, err := checkpoint.OpenWith(dir, f.marked(tensors, m), len(tensors) == 0)
		if err != nil {
			return nil, nil, err
		}
		defer folder.Close()
		if model, err = newMaker(folder); err != nil {
			if len(tensors) == 0 {
				err = fmt.Errorf("%w (%w)", err, errAbsent)
			}
			return nil, nil, err
		}
		f.outputs[m] = model.outputs
	}
	made, err := f.results()
	return model, made, err
}

// fit checks the pairs against the model's tensors, and that marks have room.
func (f *finder) fit(dir string, tensors []*checkpoint.Tensor) error {
	largest := 1
	for _, p := range f.pairs {
		at := slices.IndexFunc(tensors, func(t *checkpoint.Tensor) bool { return t.Name == p.name })
		switch {
		case len(tensors) == 0:
		case at < 0:
			return fmt.Errorf("the model in %s has no tensor %q", dir, p.name)
		case !slices.Equal(tensors[at].Shape, p.shape):
			return fmt.Errorf("tensor %q of the model in %s has shape %v, but the adapter is for %v", p.name, dir, tensors[at].Shape, p.shape)
		}
		largest = max(largest, p.shape[0], p.shape[1])
	}
	f.shift = bits.Len(uint(largest - 1))
	if f.shift+bits.Len(uint(len(f.pairs))) > 30 { // above, float32 has infinities and NaNs
		return fmt.Errorf("%d matrices of up to %d rows are more than can be converted", len(f.pairs), largest)
	}
	return nil
}

// marked are the model's tensors: those that the adapter changes are marked, all others 0.
func (f *finder) marked(tensors []*checkpoint.Tensor, m mark) []*checkpoint.Tensor {
	own := make(map[string]*checkpoint.Tensor, len(f.pairs))
	var out []*checkpoint.Tensor
	for i, p := range f.pairs {
		cols := p.shape[1]
		t := checkpoint.NewTensor(p.name, checkpoint.F32, p.shape, func(dst []float32, r0, n int) error {
			f.touched = true
			for at := range dst[:n*cols] {
				number := r0 + at/cols
				if m == columnMark {
					number = at % cols
				}
				dst[at] = math.Float32frombits(uint32(i+1)<<f.shift | uint32(number))
				if m == oneMark {
					dst[at] = 1
				}
			}
			return nil
		})
		own[p.name] = t
		out = append(out, t)
	}
	for _, t := range tensors {
		if own[t.Name] == nil {
			out = append(out, checkpoint.NewTensor(t.Name, checkpoint.F32, t.Shape, func(dst []float32, _, _ int) error {
				clear(dst)
				return nil
			}))
		}
	}
	return out
}

// place is a row or column of a pair's matrix; pair is -1 for none.
type place struct{ pair, at int }

// placeOf reads a mark.
func (f *finder) placeOf(x float32, limit func(p *loraPair) int) (place, bool) {
	b := math.Float32bits(x)
	if b == 0 {
		return place{-1, 0}, true
	}
	at := place{int(b>>f.shift) - 1, int(b & (1<<f.shift - 1))}
	if at.pair < 0 || at.pair >= len(f.pairs) || at.at >= limit(f.pairs[at.pair]) {
		return at, false
	}
	return at, true
}

// errMixed says that the rows of an output are not those of inputs.
var errMixed = errors.New("its rows and columns are mixed, so it is no product of two factors")

// scan finds out which row (with columnMark, column) each row of an output is; all
// are -1 if it has nothing of the pairs.
func (f *finder) scan(v *view, m mark) (rows []place, found bool, err error) {
	height, cols := v.rows(), v.cols()
	rows = make([]place, height)
	step := max(1, (1<<18)/cols)
	buf := make([]float32, min(step, height)*cols)
	for r0 := 0; r0 < height; r0 += step {
		n := min(step, height-r0)
		f.touched = false
		if err := v.read(buf, r0, n); err != nil {
			return nil, false, err
		}
		for r := range n {
			rows[r0+r] = place{-1, 0}
			if !f.touched {
				continue
			}
			row := buf[r*cols:][:cols]
			first := row[0]
			for _, x := range row {
				if math.Float32bits(x) != math.Float32bits(first) {
					return nil, true, errMixed
				}
			}
			at, ok := f.placeOf(first, m.limit)
			if !ok {
				return nil, true, errMixed
			}
			found = found || at.pair >= 0
			rows[r0+r] = at
		}
	}
	return rows, found, nil
}

// limit is how many rows or columns a pair's matrix has.
func (m mark) limit(p *loraPair) int {
	if m == columnMark {
		return p.shape[1]
	}
	return p.shape[0]
}

// results finds what becomes of every pair.
func (f *finder) results() ([]loraResult, error) {
	used := make([]bool, len(f.pairs))
	var out []loraResult
	var why error
	for i, o := range f.outputs[rowMark] {
		if o.view.err != nil {
			if !errors.Is(o.view.err, errAbsent) {
				why = o.view.err
			}
			continue
		}
		made, pairs, err := f.result(i)
		if errors.Is(err, errAbsent) {
			why = err
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("tensor %q: %w", o.name, err)
		}
		for _, p := range pairs {
			used[p] = true
		}
		if made != nil {
			out = append(out, *made)
		}
	}
	for i, p := range f.pairs {
		if !used[i] {
			err := fmt.Errorf("the model's file has no place for the LoRA of %q", p.name)
			if why != nil {
				err = fmt.Errorf("%w: %w", err, why)
			}
			return nil, err
		}
	}
	return out, nil
}

// result is what becomes of output i; nil if the adapter does not change it.
func (f *finder) result(i int) (*loraResult, []int, error) {
	o := f.outputs[rowMark][i]
	along, across := rowMark, columnMark
	rows, found, err := f.scan(o.view, along)
	if errors.Is(err, errMixed) { // rows may be the columns of before
		along, across = columnMark, rowMark
		rows, found, err = f.scan(f.outputs[along][i].view, along)
	}
	if err != nil || !found {
		return nil, nil, err
	}
	if len(o.view.shape) < 2 || len(o.view.shape) > 3 {
		return nil, nil, fmt.Errorf("shape %v is no matrix", o.view.shape)
	}
	b := &factorBuilder{finder: f, swapped: along == columnMark, cols: o.view.cols()}
	height := o.view.height()
	var a, bs []*view
	for at := 0; at < len(rows); at += height {
		columns, err := f.across(i, across, rows[at:at+height], at)
		if err != nil {
			return nil, nil, err
		}
		right, left := b.build(rows[at:at+height], columns)
		a, bs = append(a, right), append(bs, left)
	}
	made := &loraResult{name: o.name, shape: o.view.shape}
	if made.a, made.b, err = b.stacked(a, bs); err != nil {
		return nil, nil, err
	}
	if len(o.view.shape) == 3 { // keep the dimension, even of one expert
		made.a, made.b = made.a.reshape(len(a), a[0].height(), b.cols), made.b.reshape(len(a), height, made.b.cols())
	}
	// The rows of this matrix are looked up, so its factors are used the other way around.
	if o.name == "token_embd.weight" {
		made.a, made.b = made.b, made.a.flipped()
	}
	return made, b.pairs, nil
}

// across finds out which column each column of one matrix of an output is, for
// each pair that it has rows of: it looks at the first, the middle and the last of
// them. first is the matrix's first row.
func (f *finder) across(i int, m mark, rows []place, first int) (map[int][]int, error) {
	of := make(map[int][]int)
	for r, p := range rows {
		if p.pair >= 0 {
			of[p.pair] = append(of[p.pair], r)
		}
	}
	v, ones := f.outputs[m][i].view, f.outputs[oneMark][i].view
	row := make([]float32, v.cols())
	columns := make(map[int][]int)
	for pair, list := range of {
		for _, r := range []int{list[0], list[len(list)/2], list[len(list)-1]} {
			if err := ones.read(row, first+r, 1); err != nil {
				return nil, err
			}
			for _, x := range row {
				if x != 1 {
					return nil, errors.New("its numbers are changed, not only moved")
				}
			}
			if err := v.read(row, first+r, 1); err != nil {
				return nil, err
			}
			from := make([]int, len(row))
			for c, x := range row {
				at, ok := f.placeOf(x, m.limit)
				if !ok || at.pair != pair {
					return nil, errMixed
				}
				from[c] = at.at
			}
			if old := columns[pair]; old != nil && !slices.Equal(old, from) {
				return nil, errMixed
			}
			columns[pair] = from
		}
	}
	return columns, nil
}
