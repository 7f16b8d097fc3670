//go:build !purego

package kernels

// tierScratch is what the amd64 tiers keep per worker.
type tierScratch struct{}

func archTiers() []*tier { return nil }
