//go:build !purego

package kernels

import (
	"encoding/binary"
	"os"
	"runtime"
	"sync"

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
	rows                        rowForm     // four or eight unpacked rows
	corner                      [32]float32 // result of a panel with fewer rows or tokens than the kernel takes
}

// Apple's arm64 devices that run a current iOS or macOS have SDOT (A12 and
// later, M1 and later), whether or not x/sys/cpu can ask there.
const apple = runtime.GOOS == "darwin" || runtime.GOOS == "ios"

func hasDotProd() bool { return apple || cpu.ARM64.HasASIMDDP }

// hasI8MM asks for FHM too, which processors with I8MM have.
func hasI8MM() bool { return cpu.ARM64.HasI8MM && cpu.ARM64.HasASIMDFHM && hasDotProd() }

// hasBF16 asks the kernel's list of features, which x/sys/cpu does not do for BF16: on
// Linux and Android the auxiliary vector, elsewhere the answer is no.
var hasBF16 = sync.OnceValue(func() bool {
	const hwcap2, bf16 = 26, 1 << 14 // AT_HWCAP2, HWCAP2_BF16
	vector, _ := os.ReadFile("/proc/self/auxv")
	for ; len(vector) >= 16; vector = vector[16:] {
		if binary.LittleEndian.Uint64(vector) == hwcap2 {
			return binary.LittleEndian.Uint64(vector[8:])&bf16 != 0
		}
	}
	return false
})

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

	splitBF16: splitBF16VecNEON,
	attend:    attendVecNEON,

	attendMany: attendManyVecNEON,
}

var dotProdTier = tier{
	name: "dotprod",
	base: &neonTier,
	has:  hasDotProd,
	few:  rowsDotProd.with(fewDotProd),
	many: manyDotProd.table(),
}

var i8mmTier = tier{
	name: "i8mm",
	base: &dotProdTier,
	has:  hasI8MM,
	few:  [typeCount]mulFunc{quant.F16: f16FHM.mulFew},
	many: withFloats(manyI8MM.table(), [typeCount]mulFunc{quant.F16: f16FHM.mulMany}),
}

var bf16Tier = tier{
	name: "bf16",
	base: &i8mmTier,
	has:  func() bool { return hasI8MM() && hasBF16() },
	few:  [typeCount]mulFunc{quant.BF16: bf16Pairs.mulFew},
	many: [typeCount]mulFunc{quant.BF16: bf16Pairs.mulMany},
}

func archTiers() []*tier { return []*tier{&neonTier, &dotProdTier, &i8mmTier, &bf16Tier} }

// withFloats adds the float types' entries to a table.
func withFloats(tab, floats [typeCount]mulFunc) [typeCount]mulFunc {
	for t, f := range floats {
		if f != nil {
			tab[t] = f
		}
	}
	return tab
}
