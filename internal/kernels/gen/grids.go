package main

import "fmt"

// The superblocks of the types of expand.go, each in its layout.

func expandIQ2_XXS(e *expander) {
	e.scale(0, "Eighth")
	// Four indices, a word, four indices, a word, ...
	e.op("VMOVDQU", mem(2, "SI"), y(2))
	e.op("VSHUFPS", "$0xdd", mem(34, "SI"), y(2), y(2))
	e.op("VPERMQ", "$0xd8", y(2), y(2))
	e.sevens(2)
	for g := range 8 {
		e.points("MOVBLZX", bytesAt(2, "SI", 8, g))
		e.signed(g, mem(onSigns+4*g, "SP"))
	}
}

func expandIQ2_XS(e *expander) {
	e.scale(0, "Eighth")
	e.putScale()
	e.nibbleSubs(66)
	e.op("VMOVDQU", mem(2, "SI"), y(4))
	e.op("VMOVDQU", mem(34, "SI"), y(3))
	for r := 3; r <= 4; r++ {
		e.shift("VPSRLW", 9, r, r)
	}
	e.op("VPACKUSWB", y(3), y(4), y(4))
	e.op("VPERMQ", "$0xd8", y(4), y(4))
	e.eighths(4, 5)
	e.op("VMOVDQU", y(4), mem(onSigns, "SP"))
	for g := range 8 {
		e.mask = "$511"
		e.points("MOVWLZX", func(i int) string { return mem(2+8*g+2*i, "SI") })
		e.signed(g, mem(onSigns+4*g, "SP"))
	}
}

// wideIndices joins the low eight bits of indices, bytes at low of the
// superblock, with the higher ones of Y2: of these each 16 indices spread the
// bytes, multiply them to their place and mask them. They are in the registers from
// the returned one to Y7.
func (e *expander) wideIndices(low, sixteens int, spread, factors, mask string) (base int) {
	base = 8 - sixteens
	for h := range sixteens {
		e.op("VPSHUFB", cst(fmt.Sprintf("%s%d", spread, h)), y(2), y(3))
		e.op("VPMULLW", cst(factors), y(3), y(3))
		e.op("VPAND", cst(mask), y(3), y(3))
		e.op("VPMOVZXBW", mem(low+16*h, "SI"), y(base+h))
		e.op("VPOR", y(3), y(base+h), y(base+h))
	}
	return base
}

func expandIQ2_S(e *expander) {
	e.scale(0, "Eighth")
	e.putScale()
	e.nibbleSubs(74)
	e.op("VPBROADCASTQ", mem(66, "SI"), y(2))
	indices := e.wideIndices(2, 2, "Fours", "Up2", "W300")
	for g := range 8 {
		e.pointsOf(indices, g)
		e.signed(g, mem(34+4*g, "SI"))
	}
}

func expandIQ3_XXS(e *expander) {
	e.scale(0, "Quarter")
	e.op("VMOVDQU", mem(66, "SI"), y(2))
	e.sevens(2)
	for g := range 8 {
		e.points4("MOVBLZX", bytesAt(2, "SI", 8, g))
		e.signed(g, mem(onSigns+4*g, "SP"))
	}
}

func expandIQ3_S(e *expander) {
	e.scale(0, "")
	e.op("VPBROADCASTD", mem(106, "SI"), y(2))
	e.op("VPSRLVD", cst("Nibbles"), y(2), y(2))
	e.op("VPAND", cst("D15"), y(2), y(2))
	e.oddFloats(2)
	e.putScales(2)
	e.op("VPBROADCASTQ", mem(66, "SI"), y(2))
	indices := e.wideIndices(2, 4, "Eights", "Up1", "W100")
	for g := range 8 {
		e.points4Of(indices, g)
		e.signed(g, mem(74+4*g, "SI"))
	}
}

// expandIQ1_S: points are 8*(value + 1), weights 8*value + delta.
func expandIQ1_S(e *expander) {
	e.correct = func(e *expander) {
		e.op("VMOVDQU", mem(0, "R13"), y(9))
		e.shift("VPSRAD", 7, 9, 9)
		e.op("VPMULLD", mem(onSubs, "SP"), y(9), y(9))
		e.op("VPADDD", y(9), y(8), y(8))
	}
	e.scale(0, "Eighth")
	e.op("VBROADCASTI128", mem(34, "SI"), y(2))
	e.op("VPMOVZXWD", x(2), y(3))
	e.shift("VPSRLD", 12, 3, 3)
	e.op("VPAND", cst("D7"), y(3), y(3))
	e.oddFloats(3)
	e.putScales(3)
	if e.mul {
		e.note("8 - delta, to correct the dots with")
		e.op("VPMOVZXWD", x(2), y(3))
		e.shift("VPSRLD", 15, 3, 3)
		e.op("VPADDD", y(3), y(3), y(3))
		e.op("VPADDD", cst("D7"), y(3), y(3))
		e.op("VMOVDQU", y(3), mem(onSubs, "SP"))
	} else {
		e.note("delta - 8 by the sign of each word")
		e.op("VPSRAW", "$15", x(2), x(3))
		e.op("VPACKSSWB", x(3), x(3), x(3))
		e.op("VPOR", cst("Ones8"), x(3), x(3))
		e.op("VPADDB", cst("B248"), x(3), x(3))
		e.op("VMOVQ", x(3), mem(onSigns, "SP"))
	}
	for h := range 2 {
		// Bits 0, 3 and 6 on go up to 8, those from 9 down.
		e.op("VPSHUFB", cst(fmt.Sprintf("Words%d", h)), y(2), y(3))
		e.op("VPMULLW", cst("Up3"), y(3), y(4))
		e.shift("VPSRLW", 1, 3, 3)
		e.op("VPBLENDW", "$0x88", y(3), y(4), y(4))
		e.op("VPAND", cst("W700"), y(4), y(4))
		e.op("VPMOVZXBW", mem(2+16*h, "SI"), y(3))
		e.op("VPOR", y(3), y(4), y(6+h))
	}
	for g := range 8 {
		e.pointsOf(6, g)
		if e.mul {
			e.dot(g, 0, mem(32*g, "R11"))
			continue
		}
		e.op("VPBROADCASTB", mem(onSigns+g, "SP"), y(2))
		e.op("VPADDB", y(2), y(0), y(0))
		e.op("VMOVDQU", y(0), e.weights(g))
	}
}

// expandIQ1_M: points are 8*(value + 1), weights 8*value + delta. Products add
// delta + 1, a bit, and so have weights that are greater by 9.
func expandIQ1_M(e *expander) {
	e.correct = func(e *expander) {
		e.op("VMOVDQU", mem(0, "R13"), y(10))
		e.op("VMOVDQU", mem(32, "R13"), y(11))
		for i, even := range []string{"$0x88", "$0xdd"} {
			e.op("VSHUFPS", even, y(11), y(10), y(12))
			e.op("VPERMQ", "$0xd8", y(12), y(12))
			e.shift("VPSRAD", 5, 12, 12)
			e.shift("VPSLLD", 3, 12, 13)
			e.op("VPADDD", y(12), y(8+i), y(8+i))
			e.op("VPADDD", y(13), y(8+i), y(8+i))
		}
	}
	e.note("the scale: the top four bits of four words")
	e.op("MOVQ", mem(48, "SI"), "BX")
	for i := range 4 {
		r := "AX"
		if i > 0 {
			r = "CX"
		}
		e.op("MOVQ", "BX", r)
		e.op("SHRQ", fmt.Sprintf("$%d", 12+12*i), r)
		e.op("ANDQ", fmt.Sprintf("$%d", 15<<(4*i)), r)
		if i > 0 {
			e.op("ORQ", "CX", "AX")
		}
	}
	e.scaleAX("Eighth")
	e.putScale()
	e.op("VPBROADCASTQ", mem(48, "SI"), y(2))
	e.op("VPSHUFB", cst("Twins"), y(2), y(2))
	e.op("VPSRLVD", cst("Sixes"), y(2), y(2))
	e.shift("VPSRLD", 3, 2, 3)
	for r := 2; r < 4; r++ {
		e.op("VPAND", cst("D7"), y(r), y(r))
		e.oddFloats(r)
	}
	e.putSubs(2, 3, 4)
	e.op("VBROADCASTI128", mem(32, "SI"), y(2))
	for h := range 2 {
		e.op("VPSHUFB", cst(fmt.Sprintf("Pairs%d", h)), y(2), y(3))
		e.op("VPMULLW", cst("Up4"), y(3), y(3))
		e.shift("VPSLLW", 4, 3, 8+h)
		e.shift("VPSRAW", 15, 8+h, 8+h)
		e.op("VPAND", cst("W700"), y(3), y(3))
		e.op("VPMOVZXBW", mem(16*h, "SI"), y(4))
		e.op("VPOR", y(4), y(3), y(6+h))
	}
	e.note("for each 8 weights: in products 2 or 0, else -7 or -9")
	e.op("VPACKSSWB", y(9), y(8), y(5))
	e.op("VPERMQ", "$0xd8", y(5), y(5))
	if e.mul {
		e.op("VPADDB", cst("Ones8"), y(5), y(5))
		e.op("VPADDB", y(5), y(5), y(5))
	} else {
		e.op("VPOR", cst("Ones8"), y(5), y(5))
		e.op("VPADDB", cst("B248"), y(5), y(5))
	}
	e.op("VPERMQ", "$0x44", y(5), y(4)) // in both lanes
	e.op("VPERMQ", "$0xee", y(5), y(5))
	for g := range 8 {
		e.pointsOf(6, g)
		e.op("VPSHUFB", cst([]string{"Each8", "Each8From4", "Each8From8", "Each8From12"}[g%4]), y(4+g/4), y(2))
		e.op("VPADDB", y(2), y(0), y(0))
		if e.mul {
			e.dot(g, 0, mem(32*g, "R11"))
			continue
		}
		e.op("VMOVDQU", y(0), e.weights(g))
	}
}

// expandConstants are the patterns of the above.
func expandConstants(put func(name string, at func(i int) byte)) {
	words := func(name string, at func(j int) uint16) {
		put(name, func(i int) byte { return byte(at(i/2%16) >> (8 * (i % 2))) })
	}
	dwords := func(name string, at func(j int) uint32) {
		put(name, func(i int) byte { return byte(at(i/4%8) >> (8 * (i % 4))) })
	}
	for i := range 4 {
		name := "D7f"
		if i > 0 {
			name = fmt.Sprintf("D7f%d", i)
		}
		dwords(name, func(int) uint32 { return 0x7f << (8 * i) })
	}
	for _, v := range []uint16{0x100, 0x300, 0x700} {
		words(fmt.Sprintf("W%x", v), func(int) uint16 { return v })
	}
	// Byte n (and nothing above) to each of 4, 8 or 2 words.
	spread := func(name string, each, parts int) {
		for h := range parts {
			words(fmt.Sprintf("%s%d", name, h), func(j int) uint16 { return 0x8000 | uint16((16*h+j)/each) })
		}
	}
	spread("Fours", 4, 2)
	spread("Eights", 8, 4)
	spread("Pairs", 2, 2)
	// Factors that bring bits n*(j mod count) to bit 8.
	words("Up2", func(j int) uint16 { return 256 >> (2 * (j % 4)) })
	words("Up1", func(j int) uint16 { return 256 >> (j % 8) })
	words("Up3", func(j int) uint16 { return 256 >> (3 * (j % 4)) })
	words("Up4", func(j int) uint16 { return 256 >> (4 * (j % 2)) })
	for h := range 2 {
		words(fmt.Sprintf("Words%d", h), func(j int) uint16 {
			at := uint16(2 * (4*h + j/4))
			return at | (at+1)<<8
		})
	}
	dwords("Nibbles", func(j int) uint32 { return uint32(4 * j) })
	dwords("Sixes", func(j int) uint32 { return uint32(6 * (j % 2)) })
	dwords("Twins", func(j int) uint32 { at := uint32(2 * (j / 2)); return 0x80800000 | (at+1)<<8 | at })
	put("Each8", func(i int) byte { return byte(i % 32 / 8) })
	for from := 4; from < 16; from += 4 {
		put(fmt.Sprintf("Each8From%d", from), func(i int) byte { return byte(from + i%32/8) })
	}
}
