package infer

import (
	"fmt"

	"happyphonellm/internal/kernels"
)

// UseKernels makes the process compute with the kernels written for one family of
// processors, as "go", "avx2" or "dotprod", instead of the best that this one runs. It is for
// measurements, before anything is loaded: results are the same with all of them.
func UseKernels(name string) error {
	if _, err := kernels.Use(name); err != nil {
		return fmt.Errorf("%w: %v", ErrArgument, err)
	}
	return nil
}
