//go:build purego || (!amd64 && !arm64)

package kernels

// tierScratch is what the assembly tiers keep per worker: nothing here.
type tierScratch struct{}

func archTiers() []*tier { return nil }
