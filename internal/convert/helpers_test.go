package convert

import (
	"context"
	"io"
	"testing"
)

// quantizeOne runs the pipeline for one tensor.
func quantizeOne(t *testing.T, p *Tensor, out io.Writer) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	line := newPipeline(ctx, []*Tensor{p}, 2)
	err := line.write(out, p, func(int64) {})
	cancel()
	line.wait()
	return err
}
