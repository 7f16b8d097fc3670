package quant

// TQ1_0: 256 elements in 54 bytes, ternary numbers: 48 bytes of five each, 4
// bytes of four each, half d. A byte holds its numbers as the digits of a
// fraction in base 3: times 3^n modulo 256, digit n is the integer part of the
// fraction times 3. The first 32 bytes hold elements 32n+i, the next 16 hold
// 160+16n+i, the last 4 hold 240+4n+i. x = d * (digit - 1).
func dequantizeTQ1_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 54)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[54*b:54*b+54]
		d := halfAt(blk[52:])
		for i := range y {
			y[i] = d * float32(DigitTQ1_0(blk, i))
		}
	}
}

// DigitTQ1_0 is the number (-1, 0 or 1) of element i of a TQ1_0 block.
func DigitTQ1_0(blk []byte, i int) int8 {
	var at, n int
	switch {
	case i < 160:
		at, n = i%32, i/32
	case i < 240:
		at, n = 32+(i-160)%16, (i-160)/16
	default:
		at, n = 48+(i-240)%4, (i-240)/4
	}
	power := [5]uint8{1, 3, 9, 27, 81}[n]
	return int8(uint16(blk[at]*power)*3>>8) - 1
}

// TQ2_0: 256 elements in 66 bytes: 64 bytes of 2-bit numbers as in Q2_K, half
// d. x = d * (q - 1).
func dequantizeTQ2_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 256, 66)
	for b := range n {
		y, blk := dst[256*b:256*b+256], src[66*b:66*b+66]
		d := halfAt(blk[64:])
		for i := range y {
			y[i] = d * float32(int(blk[i/128*32+i%32]>>(i%128/32*2)&3)-1)
		}
	}
}

// Q1_0: 128 elements in 18 bytes: half d, a bit per element, the first in the
// lowest bit. x = d or -d.
func dequantizeQ1_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 128, 18)
	for b := range n {
		y, blk := dst[128*b:128*b+128], src[18*b:18*b+18]
		d := halfAt(blk)
		for i := range y {
			y[i] = -d
			if blk[2+i/8]>>(i%8)&1 != 0 {
				y[i] = d
			}
		}
	}
}

// Q2_0: 64 elements in 18 bytes: half d, 2-bit numbers, the first in the lowest
// bits. x = d * (q - 1).
func dequantizeQ2_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 64, 18)
	for b := range n {
		y, blk := dst[64*b:64*b+64], src[18*b:18*b+18]
		d := halfAt(blk)
		for i := range y {
			y[i] = d * float32(int(blk[2+i/4]>>(i%4*2)&3)-1)
		}
	}
}
