//go:build !purego

package kernels

import (
	"golang.org/x/sys/cpu"

	"happyphonellm/internal/quant"
)

//go:generate go run ./gen

func hasAVX2() bool { return cpu.X86.HasAVX2 && cpu.X86.HasFMA && cpu.X86.HasOSXSAVE }

func hasVNNI() bool {
	return hasAVX2() && cpu.X86.HasAVX512F && cpu.X86.HasAVX512BW && cpu.X86.HasAVX512DQ &&
		cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VNNI
}

var avx2Tier = tier{
	name:      "avx2",
	base:      &goTier,
	has:       hasAVX2,
	fewMax:    quantizedMax(2),
	group:     8,
	groupMany: 8,
	few: withGrids(withExpanded([typeCount]mulFunc{
		quant.Q4_0: avx2Few(mulQ4_0AVX2), quant.Q4_1: avx2Few(mulQ4_1AVX2), quant.Q5_0: avx2Few(mulQ5_0AVX2),
		quant.Q5_1: avx2Few(mulQ5_1AVX2), quant.Q8_0: avx2Few(mulQ8_0AVX2), quant.IQ4_NL: avx2Few(mulIQ4_NLAVX2),
		quant.IQ4_XS: avx2Few(mulIQ4_XSAVX2), quant.Q4_K: avx2Few(mulQ4_KAVX2), quant.Q5_K: avx2Few(mulQ5_KAVX2),
		quant.Q6_K: avx2Few(mulQ6_KAVX2), quant.Q3_K: avx2Few(mulQ3_KAVX2), quant.Q2_K: avx2Few(mulQ2_KAVX2),
		quant.MXFP4: avx2Few(mulMXFP4AVX2), quant.NVFP4: avx2Few(mulNVFP4AVX2), quant.TQ2_0: avx2Few(mulTQ2_0AVX2),
		quant.TQ1_0: avx2Few(mulTQ1_0AVX2),
		quant.Q1_0:  avx2Few(mulQ1_0AVX2), quant.Q2_0: avx2Few(mulQ2_0AVX2),
	}, expandedFew(mulS8AVX2, 8), expandedFew(mulS8SubAVX2, 8)), false),
	many: withExpanded([typeCount]mulFunc{
		quant.Q4_0: avx2Many(unpackQ4_0AVX2, gemmU4x8AVX2), quant.Q4_1: avx2Many(unpackQ4_1AVX2, gemmU4MinAVX2),
		quant.Q5_0: avx2Many(unpackQ5_0AVX2, gemmU5x16AVX2), quant.Q5_1: avx2Many(unpackQ5_1AVX2, gemmU5MinAVX2),
		quant.Q8_0: avx2Many(unpackQ8_0AVX2, gemmS8AVX2), quant.IQ4_NL: avx2Many(unpackIQ4_NLAVX2, gemmS8AVX2),
		quant.IQ4_XS: avx2Many(unpackIQ4_XSAVX2, gemmS8AVX2), quant.Q4_K: avx2Many(unpackQ4_KAVX2, gemmU4MinAVX2),
		quant.Q5_K: avx2Many(unpackQ5_KAVX2, gemmU5MinAVX2), quant.Q6_K: avx2Many(unpackQ6_KAVX2, gemmSubAVX2),
		quant.Q3_K: avx2Many(unpackQ3_KAVX2, gemmSubAVX2), quant.Q2_K: avx2Many(unpackQ2_KAVX2, gemmSubMinAVX2),
		quant.MXFP4: avx2Many(unpackMXFP4AVX2, gemmU5x16AVX2), quant.NVFP4: avx2Many(unpackNVFP4AVX2, gemmSubAVX2),
		quant.TQ1_0: avx2Many(unpackTQ1_0AVX2, gemmU2x1AVX2), quant.TQ2_0: avx2Many(unpackTQ2_0AVX2, gemmU2x1AVX2), quant.Q1_0: avx2Many(unpackQ1_0AVX2, gemmU2x1AVX2),
		quant.Q2_0: avx2Many(unpackQ2_0AVX2, gemmU2x1AVX2),
	}, expandedMany(unpackS8AVX2, 8, 1, gemmS8AVX2), expandedMany(unpackS8SubAVX2, 8, 1, gemmSubS8AVX2)),
}

var vnniTier = tier{
	name:      "avx512",
	base:      &avx2Tier,
	has:       hasVNNI,
	group:     16,
	groupMany: 96, // two panels; callers like multiples of 32
	few: withGrids(withExpanded([typeCount]mulFunc{
		quant.Q4_0: vnniFew(mulQ4_0VNNI), quant.Q4_1: vnniFew(mulQ4_1VNNI), quant.Q5_0: vnniFew(mulQ5_0VNNI),
		quant.Q5_1: vnniFew(mulQ5_1VNNI), quant.Q8_0: vnniFew(mulQ8_0VNNI), quant.IQ4_NL: vnniFew(mulIQ4_NLVNNI),
		quant.IQ4_XS: vnniFew(mulIQ4_XSVNNI), quant.Q4_K: vnniFew(mulQ4_KVNNI), quant.Q5_K: vnniFew(mulQ5_KVNNI),
		quant.Q6_K: vnniFew(mulQ6_KVNNI), quant.Q3_K: vnniFew(mulQ3_KVNNI), quant.Q2_K: vnniFew(mulQ2_KVNNI),
		quant.MXFP4: vnniFew(mulMXFP4VNNI), quant.NVFP4: vnniFew(mulNVFP4VNNI), quant.TQ2_0: vnniFew(mulTQ2_0VNNI),
		quant.TQ1_0: vnniFew(mulTQ1_0VNNI),
		quant.Q1_0:  vnniFew(mulQ1_0VNNI), quant.Q2_0: vnniFew(mulQ2_0VNNI),
	}, expandedFew(mulS8VNNI, 16), expandedFew(mulS8SubVNNI, 16)), true),
	many: withExpanded([typeCount]mulFunc{
		quant.Q4_0: vnniMany(unpackQ4_0VNNI, vnniPlain), quant.Q4_1: vnniMany(unpackQ4_1VNNI, vnniMin),
		quant.Q5_0: vnniMany(unpackQ5_0VNNI, vnniPlain), quant.Q5_1: vnniMany(unpackQ5_1VNNI, vnniMin),
		quant.Q8_0: vnniMany(unpackQ8_0VNNI, vnniPlain), quant.IQ4_NL: vnniMany(unpackIQ4_NLVNNI, vnniPlain),
		quant.IQ4_XS: vnniMany(unpackIQ4_XSVNNI, vnniPlain), quant.Q4_K: vnniMany(unpackQ4_KVNNI, vnniMin),
		quant.Q5_K: vnniMany(unpackQ5_KVNNI, vnniMin), quant.Q6_K: vnniMany(unpackQ6_KVNNI, vnniSub),
		quant.Q3_K: vnniMany(unpackQ3_KVNNI, vnniSub), quant.Q2_K: vnniMany(unpackQ2_KVNNI, vnniSubMin),
		quant.MXFP4: vnniMany(unpackMXFP4VNNI, vnniPlain), quant.NVFP4: vnniMany(unpackNVFP4VNNI, vnniSub),
		quant.TQ1_0: vnniMany(unpackTQ1_0VNNI, vnniPlain), quant.TQ2_0: vnniMany(unpackTQ2_0VNNI, vnniPlain), quant.Q1_0: vnniMany(unpackQ1_0VNNI, vnniPlain),
		quant.Q2_0: vnniMany(unpackQ2_0VNNI, vnniPlain),
	}, expandedMany(unpackS8VNNI, 16, 3, vnniPlain...), expandedMany(unpackS8SubVNNI, 16, 3, gemmSubS16x4VNNI, gemmSubS32x4VNNI)),
}

// The gemm kernels of a form by row vectors of 16.
var (
	vnniPlain  = []func(p *gemmArgs){gemm16x4VNNI, gemm32x4VNNI, gemm48x4VNNI}
	vnniMin    = []func(p *gemmArgs){gemmMin16x4VNNI, gemmMin32x4VNNI, gemmMin48x4VNNI}
	vnniSub    = []func(p *gemmArgs){gemmSub16x4VNNI, gemmSub32x4VNNI}
	vnniSubMin = []func(p *gemmArgs){gemmSubMin16x4VNNI, gemmSubMin32x4VNNI}
)

// quantizedMax is fewMax for the quantized types: from 3 tokens on a panel pays.
func quantizedMax(n int) (f [typeCount]int) {
	for t := range f {
		if rowUnpack[t] != nil {
			f[t] = n
		}
	}
	return f
}

// bf16Tier has the products of pairs of BF16.
var bf16Tier = tier{
	name: "avx512bf16",
	base: &vnniTier,
	has:  func() bool { return hasVNNI() && cpu.X86.HasAVX512BF16 },
	few:  [typeCount]mulFunc{quant.BF16: floatsDPBF16.pairs(floatsDPBF16.each)},
	many: [typeCount]mulFunc{quant.BF16: floatsDPBF16.pairs(floatsDPBF16.fours)},
}

func archTiers() []*tier { return amd64Tiers }

var amd64Tiers = []*tier{withVectors(&avx2Tier, &avx2Vec), withVectors(&vnniTier, &vnniVec), &bf16Tier}

func avx2Few(k func(p *rowsArgs)) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		fewRows(k, 8, false, dst, stride, m, r0, r1, a, s)
	}
}

func vnniFew(k func(p *rowsArgs)) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		fewRows(k, 16, false, dst, stride, m, r0, r1, a, s)
	}
}

func avx2Many(unpack func(p *rowsArgs), gemm func(p *gemmArgs)) mulFunc {
	gemms := []func(p *gemmArgs){gemm}
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		manyRows(unpack, gemms, 8, 1, false, dst, stride, m, r0, r1, a, s)
	}
}

func vnniMany(unpack func(p *rowsArgs), gemms []func(p *gemmArgs)) mulFunc {
	return func(dst []float32, stride int, m *Matrix, r0, r1 int, a *Acts, s *Scratch) {
		manyRows(unpack, gemms, 16, 3, false, dst, stride, m, r0, r1, a, s)
	}
}
