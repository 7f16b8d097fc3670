//go:build !purego

package kernels

import (
	"runtime"

	"golang.org/x/sys/cpu"
)

// tierScratch is what the arm64 tiers keep per worker.
type tierScratch struct {
	view actView
	rest [8]float32 // result of a group with fewer rows than the kernel takes
}

// Apple's arm64 devices that run a current iOS or macOS have SDOT (A12 and
// later, M1 and later), whether or not x/sys/cpu can ask there.
const apple = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

func hasDotProd() bool { return apple || cpu.ARM64.HasASIMDDP }
func hasI8MM() bool    { return cpu.ARM64.HasI8MM && hasDotProd() }

var neonTier = tier{
	name:  "neon",
	base:  &goTier,
	group: 8,
	few:   fewNEON,
}

var dotProdTier = tier{
	name: "dotprod",
	base: &neonTier,
	has:  hasDotProd,
	few:  fewDotProd,
}

var i8mmTier = tier{
	name: "i8mm",
	base: &dotProdTier,
	has:  hasI8MM,
}

func archTiers() []*tier { return []*tier{&neonTier, &dotProdTier, &i8mmTier} }
