//go:build !(amd64 || arm64) || purego

package parallel

import "sync/atomic"

var idle atomic.Uint32

// pause spends about the time of n processor pauses, n at least 1.
func pause(n uint32) {
	for range n * 8 {
		idle.Load()
	}
}
