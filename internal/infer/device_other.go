//go:build !linux && !darwin

package infer

// deviceMemory is unknown here.
func deviceMemory() (total, available int64) { return 0, 0 }
