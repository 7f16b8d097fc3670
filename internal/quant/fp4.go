package quant

import "math"

// CodebookFP4 holds twice the values of the 4-bit floats (E2M1) of MXFP4 and
// NVFP4, which makes them integers. -0 is 0.
var CodebookFP4 = [16]int8{0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12}

// E8M0Half is half of the scale 2^(e-127) of an MXFP4 block: the codebook has
// its values doubled. (255, a NaN by the standard, counts as a power like the others.)
func E8M0Half(e byte) float32 {
	if e < 2 {
		return math.Float32frombits(0x00200000 << e) // subnormal
	}
	return math.Float32frombits(uint32(e-1) << 23)
}

// E4M3Half is half of an unsigned float of 4 bits of exponent (bias 7) and 3 of
// mantissa, the scales of NVFP4. The top bit is ignored; 0x7f, a NaN by the
// standard, is 0 as in ggml (0xff, which no writer makes, is not).
func E4M3Half(x byte) float32 {
	if x == 127 {
		return 0
	}
	// A half has seven more bits of mantissa, and a bias of 15 instead of 7.
	return F16ToF32(uint16(x&127)<<7) * 128
}

// MXFP4: 32 elements in 17 bytes: the exponent of the scale, 4-bit floats as in Q4_0.
func dequantizeMXFP4(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 17)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[17*b:17*b+17]
		d := E8M0Half(blk[0])
		for j, q := range blk[1:17] {
			y[j] = d * float32(CodebookFP4[q&15])
			y[j+16] = d * float32(CodebookFP4[q>>4])
		}
	}
}

// NVFP4: 64 elements in 36 bytes: four scales, one per 16 elements, then 8
// bytes of 4-bit floats per 16: byte j holds elements j (low) and j+8 (high).
func dequantizeNVFP4(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 64, 36)
	for b := range n {
		blk := src[36*b : 36*b+36]
		for g := range 4 {
			y, d := dst[64*b+16*g:][:16], E4M3Half(blk[g])
			for j, q := range blk[4+8*g:][:8] {
				y[j] = d * float32(CodebookFP4[q&15])
				y[j+8] = d * float32(CodebookFP4[q>>4])
			}
		}
	}
}
