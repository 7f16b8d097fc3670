//go:build !purego

package kernels

import (
	"runtime"
	"sync"

	"golang.org/x/sys/cpu"

	"happyphonellm/internal/quant"
)

// tierScratch is what the arm64 tiers keep per worker.
type tierScratch struct {
	rest [8]float32 // result of a group with fewer rows than the kernel takes

	floats                      []float32  // widened rows
	halves                      []uint16   // tokens for rows of F16 and BF16
	one                         [4]float32 // a score
	scores                      [attendTile]float32
	kTile, vTile, queries, many []float32 // attention: widened tiles, queries and scores of many
	states                      []softmaxState
	panel, acts                 []byte      // unpacked rows, packed tokens
	rows                        rowForm     // four or eight unpacked rows
	corner                      [32]float32 // result of a panel with fewer rows or tokens than the kernel takes
}

// Apple's arm64 devices that run a current iOS or macOS have SDOT (A12 and
// later, M1 and later), whether or not x/sys/cpu can ask there.
const apple = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

func hasDotProd() bool { return apple || cpu.ARM64.HasASIMDDP }
func hasFHM() bool     { return cpu.ARM64.HasASIMDFHM && hasDotProd() }
func hasI8MM() bool    { return cpu.ARM64.HasI8MM && hasFHM() }

// hasBF16 says what x/sys/cpu does not.
var hasBF16 = sync.OnceValue(func() bool { return hasI8MM() && featureBF16() })

var neonTier = tier{
	name:  "neon",
	base:  &goTier,
	group: 8,
	few:   withFloats(rowsNEON.with(fewNEON), fewFloats),
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

	splitBF16:  splitBF16VecNEON,
	attendMany: attendManyVecNEON,
}

var dotProdTier = tier{
	name: "dotprod",
	base: &neonTier,
	has:  hasDotProd,
	few:  rowsDotProd.with(fewDotProd),
	many: manyDotProd.table(),
}

var fhmTier = tier{
	name: "fhm",
	base: &dotProdTier,
	has:  hasFHM,
	few:  [typeCount]mulFunc{quant.F16: f16FHM.mulFew},
	many: [typeCount]mulFunc{quant.F16: f16FHM.mulMany},
}

var i8mmTier = tier{
	name: "i8mm",
	base: &fhmTier,
	has:  hasI8MM,
	many: manyI8MM.table(),
}

var bf16Tier = tier{
	name: "bf16",
	base: &i8mmTier,
	has:  hasBF16,
	few:  [typeCount]mulFunc{quant.BF16: bf16Pairs.mulFew},
	many: [typeCount]mulFunc{quant.BF16: bf16Pairs.mulMany},
}

func archTiers() []*tier { return []*tier{&neonTier, &dotProdTier, &fhmTier, &i8mmTier, &bf16Tier} }

// withFloats adds the float types' entries to a table.
func withFloats(tab, floats [typeCount]mulFunc) [typeCount]mulFunc {
	for t, f := range floats {
		if f != nil {
			tab[t] = f
		}
	}
	return tab
}
