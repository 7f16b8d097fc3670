package kvcache

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"happyphonellm/internal/kernels"
	"happyphonellm/internal/quant"
)

func TestHeadsKeepTheirRows(t *testing.T) {
	shapes := []Shape{{Heads: 2, KeyDim: 32, ValueDim: 64}, {}, {Heads: 1, KeyDim: 64, ValueDim: 32}}
	for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q8_0} {
		c, err := New(typ, 5, shapes)
		if err != nil {
			t.Fatal(err)
		}
		row := func(dim, mark int) []float32 {
			v := make([]float32, dim)
			for i := range v {
				v[i] = float32(mark) // a constant row survives every type
			}
			return v
		}
		mark := func(layer, head, pos int) int { return 127 - 30*layer - 10*head - pos }
		for l, s := range shapes {
			for h := range s.Heads {
				for p := range 5 {
					c.StoreKey(l, h, p, row(s.KeyDim, mark(l, h, p)))
					c.StoreValue(l, h, p, row(s.ValueDim, -mark(l, h, p)))
				}
			}
		}
		// With one position in reach, attention returns that position's value.
		scratch := kernels.NewScratch()
		for l, s := range shapes {
			for h := range s.Heads {
				for p := range 5 {
					out := make([]float32, s.ValueDim)
					kernels.Attend(out, make([]float32, s.KeyDim), c.Head(l, h), p, p+1, kernels.AttendParams{Scale: 1}, scratch)
					for _, v := range out {
						if d := v + float32(mark(l, h, p)); d > 0.1 || d < -0.1 {
							t.Fatalf("%v layer %d head %d position %d: value %v, want %d", typ, l, h, p, v, -mark(l, h, p))
						}
					}
				}
			}
		}
	}
}

func TestLengthAndLimits(t *testing.T) {
	c, err := New(quant.F16, 8, []Shape{{Heads: 1, KeyDim: 4, ValueDim: 4}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Reserve(8); err != nil {
		t.Fatal(err)
	}
	c.Advance(6)
	if err := c.Reserve(3); !errors.Is(err, ErrFull) {
		t.Errorf("3 more in 2 free places: %v, want ErrFull", err)
	}
	if err := c.Truncate(7); err == nil {
		t.Error("truncating 6 tokens to 7 must fail")
	}
	if err := c.Truncate(2); err != nil || c.Len() != 2 {
		t.Errorf("after truncating to 2: %d tokens, error %v", c.Len(), err)
	}
	if got := []int64{c.Bytes(), int64(c.Capacity())}; !cmp.Equal(got, []int64{2 * 8 * 4 * 2, 8}) {
		t.Errorf("bytes and capacity: %v", got)
	}
}

func TestShapesThatCannotBeKept(t *testing.T) {
	for _, c := range []struct {
		typ      quant.Type
		capacity int
		shape    Shape
	}{
		{quant.Q8_0, 4, Shape{Heads: 1, KeyDim: 48, ValueDim: 64}},
		{quant.Q8_0, 4, Shape{Heads: 1, KeyDim: 64, ValueDim: 48}},
		{quant.Q4_0, 4, Shape{Heads: 1, KeyDim: 64, ValueDim: 64}},
		{quant.F16, 0, Shape{Heads: 1, KeyDim: 64, ValueDim: 64}},
	} {
		if _, err := New(c.typ, c.capacity, []Shape{c.shape}); err == nil {
			t.Errorf("New(%v, %d, %v) must fail", c.typ, c.capacity, c.shape)
		}
	}
}

func TestSides(t *testing.T) {
	shape := Shape{Heads: 1, KeyDim: 32, Sides: [2]Side{{Dim: 64}, {Dim: 32, Every: 4}}}
	for _, typ := range []quant.Type{quant.F32, quant.F16, quant.Q8_0} {
		c, err := New(typ, 10, []Shape{{}, shape})
		if err != nil {
			t.Fatal(err)
		}
		for side, rows := range []int{10, 2} {
			dim := shape.Sides[side].Dim
			for row := range rows {
				x := make([]float32, dim)
				x[row] = 127
				c.StoreSide(1, side, row, x)
			}
			kept := c.Side(1, side)
			if len(kept.K) != rows*kept.KStride {
				t.Errorf("%v: list %d has %d bytes for %d rows of %d", typ, side, len(kept.K), rows, kept.KStride)
			}
			got := make([]float32, dim)
			for row := range rows {
				kernels.LoadKV(typ, got, kept.K[row*kept.KStride:])
				if got[row] != 127 || got[dim-1] != 0 {
					t.Errorf("%v: list %d, row %d has %v", typ, side, row, got)
				}
			}
		}
	}
	if n, ok := shape.TokenBytes(quant.F16); n != 64+128+16 || !ok {
		t.Errorf("a token takes %d bytes, %v", n, ok)
	}
	if _, err := New(quant.Q8_0, 4, []Shape{{Sides: [2]Side{{Dim: 40}}}}); err == nil {
		t.Error("rows of 40 numbers were accepted as Q8_0")
	}
}
