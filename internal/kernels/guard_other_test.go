//go:build !unix

package kernels

import "testing"

// guarded returns n bytes; guard pages are tested on unix only.
func guarded(_ testing.TB, n int) []byte { return make([]byte, n) }
