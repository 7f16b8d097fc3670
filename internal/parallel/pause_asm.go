//go:build (amd64 || arm64) && !purego

package parallel

// pause tells the processor n times that this is a waiting loop, n at least 1.
//
//go:noescape
func pause(n uint32)
