package convert

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"happyphonellm/internal/convert/checkpoint"
)

// Where the rows and columns of a matrix go is found out by running the model's
// Adapter over tensors whose numbers say where they stand: in one run each number
// is that of its tensor among those that are changed, in others that of its row or
// column, and in two it is 1 and 0. An Adapter that moves rows and columns, and
// multiplies rows with factors, does the same to a product of two matrices; anything
// else is refused.

// mark is what numbers are in a run.
type mark int

const (
	zeroMark mark = iota
	oneMark
	pairMark // from 1 on
	rowMark  // from 1 on
	columnMark
	marks
)

// maxMark bounds what is counted, so that float32 has it with a factor, too.
const maxMark = 1 << 22

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
	touched bool // a marked tensor was read
	alpha   float64
	outputs [marks][]result
}

// findLoRA runs the Adapter of the model in folder base, and returns what becomes of the pairs.
func findLoRA(base string, pairs []*loraPair, alpha float64) (*maker, []loraResult, error) {
	dir, known, err := openBase(base)
	if err != nil {
		return nil, nil, err
	}
	var tensors []*checkpoint.Tensor
	if known != nil {
		defer known.Close()
		tensors = known.Tensors()
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

// fit checks the pairs against the model's tensors, and that they can be marked.
func (f *finder) fit(dir string, tensors []*checkpoint.Tensor) error {
	for _, p := range f.pairs {
		at := slices.IndexFunc(tensors, func(t *checkpoint.Tensor) bool { return t.Name == p.name })
		switch {
		case len(tensors) == 0:
		case at < 0:
			return fmt.Errorf("the model in %s has no tensor %q", dir, p.name)
		case !slices.Equal(tensors[at].Shape, p.shape):
			return fmt.Errorf("tensor %q of the model in %s has shape %v, but the adapter is for %v", p.name, dir, tensors[at].Shape, p.shape)
		}
		if max(len(f.pairs), p.shape[0], p.shape[1]) >= maxMark {
			return fmt.Errorf("%d matrices, one of shape %v: that is more than can be converted", len(f.pairs), p.shape)
		}
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
				dst[at] = float32([marks]int{0, 1, i + 1, r0 + at/cols + 1, at%cols + 1}[m])
			}
			return nil
		})
		own[p.name] = t
		out = append(out, t)
	}
	for _, t := range tensors {
		switch {
		case own[t.Name] != nil:
		case t.Type == checkpoint.U8: // blocks of bits, which must be what they are
			out = append(out, t)
		default:
			out = append(out, checkpoint.NewTensor(t.Name, checkpoint.F32, t.Shape, func(dst []float32, _, _ int) error {
				clear(dst)
				return nil
			}))
		}
	}
	return out
}

// place is a row or column of a pair's matrix, and what it is multiplied with; pair
// is -1 for none.
type place struct {
	pair, at int
	factor   float32
}

// errMixed says that the rows of an output are not those of inputs.
var errMixed = errors.New("its rows and columns are mixed or computed, so it is no product of two factors")

// unmarked reads a mark that was multiplied with a factor: below n, or -1.
func unmarked(x, factor float32, n int) int {
	v := float64(x) / float64(factor)
	i := math.Round(v)
	if !(math.Abs(v-i) < 1e-6*math.Max(math.Abs(v), 1)) || i < 1 || int(i) > n {
		return -1
	}
	return int(i) - 1
}

// limit is how many rows or columns a pair's matrix has.
func (m mark) limit(p *loraPair) int {
	if m == columnMark {
		return p.shape[1]
	}
	return p.shape[0]
}

// uniform reports whether all numbers are the same.
func uniform(row []float32) bool {
	for _, x := range row {
		if x != row[0] {
			return false
		}
	}
	return true
}

// scan finds out which row (with columnMark, column) each row of output i is; found
// is false if it has nothing of the pairs.
func (f *finder) scan(i int, m mark) (rows []place, found bool, err error) {
	v := f.outputs[m][i].view
	height, cols := v.rows(), v.cols()
	rows = make([]place, height)
	step := max(1, (1<<18)/cols)
	var bufs [marks][]float32
	for _, k := range []mark{oneMark, pairMark, m} {
		bufs[k] = make([]float32, min(step, height)*cols)
	}
	for r0 := 0; r0 < height; r0 += step {
		n := min(step, height-r0)
		for r := range n {
			rows[r0+r].pair = -1
		}
		f.touched = false
		for _, k := range []mark{oneMark, pairMark, m} {
			if err := f.outputs[k][i].view.read(bufs[k], r0, n); err != nil {
				return nil, false, err
			}
			if !f.touched {
				break
			}
		}
		if !f.touched {
			continue
		}
		for r := range n {
			row := func(k mark) []float32 { return bufs[k][r*cols:][:cols] }
			if !uniform(row(oneMark)) || !uniform(row(pairMark)) || !uniform(row(m)) {
				return nil, true, errMixed
			}
			one := row(oneMark)[0]
			if one == 0 && row(pairMark)[0] == 0 {
				continue
			}
			pair, at := unmarked(row(pairMark)[0], one, len(f.pairs)), -1
			if pair >= 0 {
				at = unmarked(row(m)[0], one, m.limit(f.pairs[pair]))
			}
			if at < 0 {
				return nil, true, errMixed
			}
			rows[r0+r], found = place{pair, at, one}, true
		}
	}
	return rows, found, nil
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
	rows, found, err := f.scan(i, along)
	if errors.Is(err, errMixed) { // rows may be the columns of before
		along, across = columnMark, rowMark
		rows, found, err = f.scan(i, along)
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
	v, zero := f.outputs[m][i].view, f.outputs[zeroMark][i].view
	row := make([]float32, v.cols())
	columns := make(map[int][]int)
	for pair, list := range of {
		for _, r := range []int{list[0], list[len(list)/2], list[len(list)-1]} {
			if err := zero.read(row, first+r, 1); err != nil {
				return nil, err
			}
			if !uniform(row) || row[0] != 0 {
				return nil, errMixed
			}
			if err := v.read(row, first+r, 1); err != nil {
				return nil, err
			}
			from := make([]int, len(row))
			for c, x := range row {
				if from[c] = unmarked(x, rows[r].factor, m.limit(f.pairs[pair])); from[c] < 0 {
					return nil, errMixed
				}
			}
			if old := columns[pair]; old != nil && !slices.Equal(old, from) {
				return nil, errMixed
			}
			columns[pair] = from
		}
	}
	return columns, nil
}
