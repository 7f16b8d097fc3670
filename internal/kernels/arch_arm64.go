//go:build !purego

package kernels

import (
	"runtime"

	"golang.org/x/sys/cpu"

	"happyphonellm/internal/quant"
)

// tierScratch is what the arm64 tiers keep per worker.
type tierScratch struct {
	rest [8]float32 // result of a group with fewer rows than the kernel takes

	floats                      []float32  // widened rows
	halves                      []uint16   // tokens for rows of F16
	one                         [4]float32 // a score
	scores                      [attendTile]float32
	kTile, vTile, queries, many []float32 // attention: widened tiles, queries and scores of many
	states                      []softmaxState
	panel, acts                 []byte      // unpacked rows, packed tokens
	rows, row                   rowForm     // eight unpacked rows, and one of them
	corner                      [32]float32 // result of a panel with fewer rows or tokens than the kernel takes
}

// Apple's arm64 devices that run a current iOS or macOS have SDOT (A12 and
// later, M1 and later), whether or not x/sys/cpu can ask there.
const apple = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

func hasDotProd() bool { return apple || cpu.ARM64.HasASIMDDP }

// hasI8MM asks for FHM too, which processors with I8MM have.
func hasI8MM() bool { return cpu.ARM64.HasI8MM && cpu.ARM64.HasASIMDFHM && hasDotProd() }

var neonTier = tier{
	name:  "neon",
	base:  &goTier,
	group: 8,
	few:   withFloats(manyNEON.orMany(fewNEON), fewFloats),
	many:  withFloats(manyNEON.table(), manyFloats),

	groupMany: manyRows,

	quantize: quantizeVecNEON,
	dot:      dotVecNEON,
	axpy:     axpyVecNEON,
	add:      addVecNEON,
	mul:      mulVecNEON,
	scale:    scaleVecNEON,
	rmsNorm:  rmsNormVecNEON,
	softmax:  softmaxVecNEON,
	swiGLU:   swiGLUVecNEON,
	geGLU:    geGLUVecNEON,
	softcap:  softcapVecNEON,
	ropeNorm: ropeNormVecNEON,
	ropeNeox: ropeNeoxVecNEON,
	storeF16: storeF16VecNEON,
	roundF16: roundF16VecNEON,
	attend:   attendVecNEON,

	attendMany: attendManyVecNEON,
}

var dotProdTier = tier{
	name: "dotprod",
	base: &neonTier,
	has:  hasDotProd,
	few:  manyDotProd.orMany(fewDotProd),
	many: manyDotProd.table(),
}

var i8mmTier = tier{
	name: "i8mm",
	base: &dotProdTier,
	has:  hasI8MM,
	few:  [typeCount]mulFunc{quant.F16: fewHalves},
	many: withFloats(manyI8MM.table(), [typeCount]mulFunc{quant.F16: manyHalves}),
}

func archTiers() []*tier { return []*tier{&neonTier, &dotProdTier, &i8mmTier} }

// withFloats adds the float types' entries to a table.
func withFloats(tab, floats [typeCount]mulFunc) [typeCount]mulFunc {
	for t, f := range floats {
		if f != nil {
			tab[t] = f
		}
	}
	return tab
}
