//go:build !purego && !linux && !darwin

package kernels

// featureBF16 is false where nobody can be asked.
func featureBF16() bool { return false }
