//go:build !linux

package infer

import "runtime"

// anonymousMemory is the memory that Go has taken from the system, in bytes: all
// of the engine's memory but the mapped file.
func anonymousMemory() int64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.Sys - m.HeapReleased)
}
