package quant

// Q4_0: 32 elements in 18 bytes: half d, 16 bytes of 4-bit numbers. Byte j
// holds element j in its low half and element j+16 in its high half.
// x = d * (q - 8).
func dequantizeQ4_0(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 18)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[18*b:18*b+18]
		d := halfAt(blk)
		for j, q := range blk[2:18] {
			y[j] = d * float32(int(q&15)-8)
			y[j+16] = d * float32(int(q>>4)-8)
		}
	}
}

// Q4_1: 32 elements in 20 bytes: half d, half m, 4-bit numbers as in Q4_0.
// x = d*q + m.
func dequantizeQ4_1(dst []float32, src []byte) {
	n := blocks(len(dst), len(src), 32, 20)
	for b := range n {
		y, blk := dst[32*b:32*b+32], src[20*b:20*b+20]
		d, m := halfAt(blk), halfAt(blk[2:])
		for j, q := range blk[4:20] {
			y[j] = float32(d*float32(q&15)) + m
			y[j+16] = float32(d*float32(q>>4)) + m
		}
	}
}
