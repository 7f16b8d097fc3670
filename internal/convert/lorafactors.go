package convert

import (
	"fmt"
	"slices"
)

// factorBuilder makes the factors of an output's matrices.
type factorBuilder struct {
	*finder
	swapped bool  // rows of the output are columns of the pairs' matrices
	cols    int   // of the output
	pairs   []int // that are used
}

// build returns the factors of one matrix: a [rank, cols] and b [rows, rank].
// Each row is a row of one of the pairs, or of none and then 0; columns has the
// order of each pair's columns. With several pairs the ranks stand beside each
// other. Without any, both are nil.
func (b *factorBuilder) build(rows []place, columns map[int][]int) (a, left *view) {
	var pairs []int
	gaps := false
	for _, p := range rows {
		if p.pair < 0 {
			gaps = true
		} else if !slices.Contains(pairs, p.pair) {
			pairs = append(pairs, p.pair)
		}
	}
	if len(pairs) == 0 {
		return nil, nil
	}
	rank := 0
	for _, i := range pairs {
		rank += b.finder.pairs[i].rank
		if !slices.Contains(b.pairs, i) {
			b.pairs = append(b.pairs, i)
		}
	}
	lefts, rights := make([]*view, len(pairs)), make([]*view, len(pairs))
	for k, i := range pairs {
		p := b.finder.pairs[i]
		lefts[k], rights[k] = p.left, p.right
		if b.swapped {
			lefts[k], rights[k] = p.right.flipped(), p.left.flipped()
		}
		if order := columns[i]; !identity(order, rights[k].cols()) {
			rights[k] = rights[k].columns(len(order), func(c int) int { return order[c] })
		}
	}
	// The file has one alpha, which is divided by the rank of each tensor.
	factors := make([]float32, len(rows))
	for r, p := range rows {
		if p.pair >= 0 {
			factors[r] = float32(float64(p.factor) * b.finder.pairs[p.pair].scale * float64(rank) / b.alpha)
		}
	}
	if len(pairs) == 1 && !gaps && uniform(factors) {
		if rows := atOf(rows); !identity(rows, lefts[0].rows()) {
			lefts[0] = lefts[0].pick(len(rows), func(r int) int { return rows[r] })
		}
		if factors[0] != 1 {
			lefts[0] = lefts[0].scaled(float64(factors[0]))
		}
		return rights[0], lefts[0]
	}
	return joined(rights...), beside(lefts, pairs, rows, factors, rank)
}

// beside has each row's numbers, times its factor, at the place of its pair, and
// zeros around them.
func beside(lefts []*view, pairs []int, rows []place, factors []float32, rank int) *view {
	first := lefts[0]
	starts, n := make([]int, len(lefts)), 0
	for k, v := range lefts {
		starts[k] = n
		n += v.cols()
	}
	return first.derived([]int{len(rows), rank}, func(dst []float32, row, count int) error {
		clear(dst[:count*rank])
		for r := range count {
			p := rows[row+r]
			k := slices.Index(pairs, p.pair)
			if k < 0 {
				continue
			}
			own := dst[r*rank+starts[k]:][:lefts[k].cols()]
			if err := lefts[k].read(own, p.at, 1); err != nil {
				return err
			}
			for i := range own {
				own[i] *= factors[row+r]
			}
		}
		return nil
	})
}

// stacked puts the factors of all matrices of an output together; those that the
// adapter does not change get zeros.
func (b *factorBuilder) stacked(a, left []*view) (*view, *view, error) {
	some := slices.IndexFunc(a, func(v *view) bool { return v != nil })
	for i := range a {
		if a[i] == nil {
			a[i], left[i] = zeros(a[some]), zeros(left[some])
		}
		if a[i].rows() != a[some].rows() {
			return nil, nil, fmt.Errorf("ranks %d and %d in one stack", a[some].rows(), a[i].rows())
		}
	}
	if len(a) == 1 {
		return a[0], left[0], nil
	}
	return stacked(a), stacked(left), nil
}

// zeros is as large as v.
func zeros(v *view) *view {
	cols := v.cols()
	return v.derived(v.shape, func(dst []float32, _, rows int) error {
		clear(dst[:rows*cols])
		return nil
	})
}

// identity reports whether order is 0, 1, ... n-1.
func identity(order []int, n int) bool {
	for i, v := range order {
		if v != i {
			return false
		}
	}
	return len(order) == n
}

func atOf(rows []place) []int {
	out := make([]int, len(rows))
	for i, p := range rows {
		out[i] = p.at
	}
	return out
}
