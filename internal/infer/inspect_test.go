package infer

import (
	"errors"
	"testing"

	"happyphonellm/internal/model"
)

// TestRoomForPositions: a model that has learned its positions has no more of them.
func TestRoomForPositions(t *testing.T) {
	for _, c := range []struct {
		positions, train, asked, want int
		refused                       bool
	}{
		{positions: 0, train: 1024, asked: 0, want: 1024},
		{positions: 0, train: 1024, asked: 2048, want: 2048},
		{positions: 1024, train: 1024, asked: 0, want: 1024},
		{positions: 512, train: 1024, asked: 0, want: 512},
		{positions: 1024, train: 1024, asked: 1024, want: 1024},
		{positions: 1024, train: 1024, asked: 1025, refused: true},
	} {
		m := &model.Model{Positions: c.positions, Context: c.train, Embd: 8, Vocab: 8}
		o, _, err := room(m, SessionOptions{Context: c.asked}, 1)
		if c.refused {
			if !errors.Is(err, ErrArgument) {
				t.Errorf("%d tokens of %d positions: error %v, want ErrArgument", c.asked, c.positions, err)
			}
			continue
		}
		if err != nil || o.Context != c.want {
			t.Errorf("%d tokens of %d positions: context %d, %v; want %d", c.asked, c.positions, o.Context, err, c.want)
		}
	}
}
