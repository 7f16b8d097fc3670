package convert

import (
	"context"
	"io"
	"testing"

	"happyphonellm/internal/gguf"
)

// quantizeOne runs the pipeline for one tensor.
func quantizeOne(t *testing.T, f *gguf.File, p *Tensor, out io.Writer) error {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	line := newPipeline(ctx, f, []*Tensor{p}, 2)
	err := line.write(out, p, func(int) {})
	cancel()
	line.wait()
	return err
}
