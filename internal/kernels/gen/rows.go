package main

import "fmt"

// The rows kernels. Rows lie in the lanes: register i of four holds 16 bytes
// (one chunk) of the rows i, 4+i (, 8+i, 12+i), one per 128-bit lane.
//
// A product multiplies these chunks with the same 16 activations in every
// lane; each dword is then a partial sum of its row, and six unpacks and three
// additions turn four registers into one with a row per dword. Unpacking for a
// panel transposes the dwords of the chunks, so that a register holds 4
// consecutive weights of each row, the layout of gemm.go.
//
// A unit is a block of 32 weights or a superblock of 256. Scales are kept as
// float32, a row per lane: 32-wide types leave them in registers, superblocks
// write them to memory first (a work area, or the panel itself).

// format describes a tensor type to the emitter.
type format struct {
	name    string
	bytes   int     // of a unit
	blocks  int     // of 32 weights in a unit
	signed  bool    // chunk values are int8; else uint8 below 64
	raised  bool    // signed, but AVX-512 gets them raised by 128
	offset  int     // to be subtracted from an unsigned value: 0 or a power of two
	min     bool    // a second chain for minimums
	sub     bool    // two sub-scales a block
	local   bool    // rows lie in the cache: nothing to prefetch
	bundles [][]int // blocks that AVX-512 reads together

	consts []string // constants of the inner loop, at most four
	// scales emits the scales of a unit (see rows.putScale).
	scales func(k *rows)
	// shifted: AVX-512's products get the values of block b times 2^shifted; nil: 2^0.
	shifted func(b int) int
	// value emits chunk c of block b for register i into dst.
	value func(k *rows, b, c, i, dst int)
}

// Register roles, by number. AVX2 has 16 registers, so it keeps constants in
// memory and reloads raw bytes more often.
const (
	regRaw   = 0  // 4: raw bytes
	regVal   = 4  // 4: chunk values
	regInt   = 8  // 4 (AVX-512: 8): integer sums
	regTmp   = 12 // 2 in AVX2
	regRaw2  = 12 // AVX2, superblocks: raw bytes when regRaw holds sums
	regAcc   = 14 // AVX2
	regAcc2  = 15
	regZRaw2 = 16 // AVX-512: second raw set
	regZAct  = 20
	regZAcc  = 24
	regZAcc2 = 25
	regZD    = 26
	regZLoad = 31
	regZM    = 27
)

type rows struct {
	*asm
	f      *format
	unpack bool
	cached map[int]int // raw set -> offset, as loaded
	have   map[[2]int]bool
	step   int  // chunks emitted
	single bool // AVX2: raw set 0 is one register
}

// base registers of the row groups of four.
var rowBase = []string{"R8", "R9", "R10", "R11"}

func (k *rows) groups() int { return pick(k.asm, 4, 2) }

// rowsFunc emits one function: the product with a token, or the unpacking.
//
// Registers: R8-R11 rows (units advance), R12 the bytes of a row, R13 three
// times that, DX units left, AX activations or panel, BX scales (see at). In
// products CX the activations' scales, SI their sums times the offset, R14
// what the minimums multiply, R15 what to prefetch; in unpacking SI is that. DI is
// free once the arguments are read.
func rowsFunc(a *asm, f *format, unpack bool) {
	k := &rows{asm: a, f: f, unpack: unpack}
	name := "mul" + f.name + a.tierName()
	if unpack {
		name = "unpack" + f.name + a.tierName()
	}
	a.text(name, "rowsArgs")
	a.op("MOVQ", "0(DI)", "R8")
	a.op("MOVQ", "8(DI)", "R12")
	a.op("LEAQ", "(R12)(R12*2)", "R13")
	a.op("LEAQ", "(R8)(R12*4)", "R9")
	if a.wide {
		a.op("LEAQ", "(R8)(R12*8)", "R10")
		a.op("LEAQ", "(R9)(R12*8)", "R11")
	}
	if a.wide && !unpack { // one lane of a row's four, see rows.start
		a.op("MOVL", "$0x1111", "AX")
		a.op("KMOVW", "AX", "K2")
	}
	regs := []string{"DX", "AX", "BX", "CX", "SI", "R14"}
	for i, r := range regs {
		a.op("MOVQ", mem(16+8*i, "DI"), r)
	}
	if unpack {
		a.op("MOVQ", "80(DI)", "R15")
	}
	// What to prefetch is a distance from the rows; whether anything is there
	// or not, a prefetch never faults.
	a.op("MOVQ", "64(DI)", k.ahead())
	a.op("ADDQ", "R8", k.ahead())
	if a.wide {
		for i, name := range f.consts {
			a.op("VMOVDQU32", cst(name), a.v(regZCst[i]))
		}
	}
	if !unpack {
		a.zero(k.regAcc())
		if f.min {
			a.zero(k.regAcc2())
		}
	}
	loop := "loop"
	a.label(loop)
	k.forget()
	if f.scales != nil {
		f.scales(k)
	}
	if f.blocks > 1 {
		k.forget()
	}
	for _, bundle := range k.bundles() {
		k.bundle(bundle)
	}
	k.advance()
	a.op("DECQ", "DX")
	a.op("JNZ", loop)
	if !unpack {
		if f.min {
			a.op("VADDPS", a.v(k.regAcc2()), a.v(k.regAcc()), a.v(k.regAcc()))
		}
		a.op("MOVQ", "p+0(FP)", "DI")
		a.op("MOVQ", "72(DI)", "AX")
		a.op("VMOVUPS", a.v(k.regAcc()), "(AX)")
	}
	a.end()
}

// prefetch asks for step n of 2*blocks' share of what the unit reads, of the
// next rows. Into the second level: 16 rows and the next 16 do not fit the
// first. Spread out, because a burst would fill the queue of misses.
func (k *rows) prefetch(n int) {
	if k.f.local {
		return
	}
	lines := (k.f.bytes*k.groups()*4 + 63) / 64
	steps := 2 * k.f.blocks
	for l := lines * n / steps; l < lines*(n+1)/steps; l++ {
		k.op("PREFETCHT1", mem(64*l, k.ahead()))
	}
	if n == steps-1 {
		k.op("ADDQ", fmt.Sprintf("$%d", k.f.bytes*k.groups()*4), k.ahead())
	}
}

// ahead is the register with the address to prefetch.
func (k *rows) ahead() string {
	if k.unpack {
		return "SI"
	}
	return "R15"
}

// bundles groups the blocks of a unit that share raw bytes; AVX2 has no
// registers for that.
func (k *rows) bundles() [][]int {
	if k.f.bundles != nil && (k.wide || !k.unpack && !k.f.sub) {
		return k.f.bundles
	}
	var list [][]int
	for b := range k.f.blocks {
		list = append(list, []int{b})
	}
	return list
}

// bundle handles a few blocks, chunk by chunk, then finishes them in order.
func (k *rows) bundle(blocks []int) {
	if !k.wide && !k.unpack && !k.f.sub {
		k.blockDots(blocks)
		return
	}
	for c := range 2 {
		for n, b := range blocks {
			k.note("block %d, weights %d to %d", b, 16*c, 16*c+15)
			k.prefetch(k.step)
			k.step++
			switch {
			case k.unpack:
				k.store(b, c)
			case k.f.sub:
				k.dot(b, c, regInt, true)
				k.subDot(b, c, k.regPart(b-blocks[0], len(blocks)))
			default:
				k.dot(b, c, regInt+4*n, c == 0)
			}
		}
	}
	if k.unpack {
		return
	}
	for n := range blocks {
		b := blocks[0] + n // ascending, in whatever order they were read
		k.note("block %d: chain", b)
		if k.f.sub {
			k.finishSub(b, k.regPart(n, len(blocks)))
			continue
		}
		at := 0
		for i, v := range blocks {
			if v == b {
				at = i
			}
		}
		k.finish(b, regInt+4*at)
	}
}

// regPart holds the scaled integer sums of block n of a bundle of sub types.
func (k *rows) regPart(n, of int) int {
	if !k.wide {
		return regTmp + 1
	}
	return 12 + n
}

// store unpacks a chunk into the panel.
func (k *rows) store(b, c int) {
	for i := range 4 {
		k.f.value(k, b, c, i, regVal+i)
		k.toPanel(regVal + i)
	}
	k.transpose(regVal, regInt)
	for j := range 4 {
		k.op(pick(k.asm, "VMOVDQU32", "VMOVDQU"), k.v(regVal+j), mem((b*8+c*4+j)*k.pitch(), "AX"))
	}
}

// toPanel turns chunk values into what gemm.go reads: AVX-512 weight+128, of
// sub types weight+32; AVX2 the same for sub types, else as they are.
func (k *rows) toPanel(r int) {
	f := k.f
	switch {
	case f.sub && f.signed:
		if k.wide {
			k.op("VPXORD", k.cst("B128"), k.v(r), k.v(r))
		}
	case f.sub && f.offset != 32:
		k.op("VPADDB", k.cst(fmt.Sprintf("B%d", 32-f.offset)), k.v(r), k.v(r))
	case k.wide && f.raised:
	case k.wide && f.signed:
		k.op("VPXORD", k.cst("B128"), k.v(r), k.v(r))
	case k.wide && !f.sub:
		k.op("VPADDB", k.cst(fmt.Sprintf("B%d", 128-f.offset)), k.v(r), k.v(r))
	}
}

// dot multiplies chunk c of block b with its activations into four registers
// of partial sums.
func (k *rows) dot(b, c, sum int, first bool) {
	act := mem(32*b+16*c, "AX")
	if k.wide {
		k.op("VBROADCASTI32X4", act, k.v(regZAct))
		if first {
			k.start(sum, b, c)
		}
		for i := range 4 {
			k.f.value(k, b, c, i, regVal+i)
			if k.f.signed && !k.f.raised {
				k.op("VPXORD", k.cst("B128"), k.v(regVal+i), k.v(regVal+i))
			}
			k.op("VPDPBUSD", k.v(regZAct), k.v(regVal+i), k.v(sum+i))
		}
		return
	}
	for i := range 4 {
		v := regVal
		k.f.value(k, b, c, i, v)
		k.products(b, c, v, v)
		k.op("VPMADDWD", k.cst("Ones16"), k.v(v), k.v(v))
		if first {
			k.op("VMOVDQA", k.v(v), k.v(sum+i))
		} else {
			k.add(sum+i, sum+i, v)
		}
	}
}

// products multiplies the values in v with their activations to sums of two in
// int16 (AVX2).
func (k *rows) products(b, c, v, dst int) {
	t := regVal + 1
	k.op("VBROADCASTI128", mem(32*b+16*c, "AX"), k.v(t))
	if k.f.signed {
		k.op("VPSIGNB", k.v(v), k.v(t), k.v(t))
		k.op("VPABSB", k.v(v), k.v(v))
	}
	k.op("VPMADDUBSW", k.v(t), k.v(v), k.v(dst))
}

// blockDots handles one block, or two that share raw bytes, in AVX2: a register
// of rows at a time, both chunks, so that the two are added as int16 (values
// below 32 allow it) and raw bytes are loaded once.
func (k *rows) blockDots(blocks []int) {
	sums := []int{regInt, regRaw}
	k.single = k.keepsScales()
	k.forget()
	for range 2 * len(blocks) {
		k.prefetch(k.step)
		k.step++
	}
	for i := range 4 {
		for c := range 2 {
			for n, b := range blocks {
				k.note("block %d, weights %d to %d, rows %d, %d, ...", b, 16*c, 16*c+15, i, 4+i)
				v, sum := regVal, sums[n]+i
				k.f.value(k, b, c, i, v)
				switch {
				case c == 0:
					k.products(b, c, v, sum)
					if k.f.signed {
						k.op("VPMADDWD", k.cst("Ones16"), k.v(sum), k.v(sum))
					}
				case k.f.signed:
					k.products(b, c, v, v)
					k.op("VPMADDWD", k.cst("Ones16"), k.v(v), k.v(v))
					k.add(sum, sum, v)
				default:
					k.products(b, c, v, v)
					k.op("VPADDW", k.v(v), k.v(sum), k.v(sum))
					k.op("VPMADDWD", k.cst("Ones16"), k.v(sum), k.v(sum))
				}
			}
		}
	}
	k.single = false
	k.forget()
	for n, b := range blocks {
		k.note("block %d: chain", b)
		k.finish(b, sums[n])
	}
}

// advance moves all pointers to the next unit.
func (k *rows) advance() {
	step := func(n int, r string) { k.op("ADDQ", fmt.Sprintf("$%d", n), r) }
	for l := range k.groups() {
		step(k.f.bytes, rowBase[l])
	}
	n := k.f.blocks
	if k.unpack {
		step(n*8*k.pitch(), "AX")
		step(n*k.pitch(), "BX")
		if k.f.min {
			step(n*k.pitch(), "CX")
		}
		if k.f.sub {
			step(2*n*k.pitch(), "R15")
			if k.f.min {
				step(n*k.pitch(), "R14")
			}
		}
		return
	}
	step(32*n, "AX")
	step(4*n, "CX")
	if k.f.sub {
		step(8*n, "SI")
	} else {
		step(4*n, "SI")
	}
	if k.f.min {
		step(4*n, "R14")
	}
}
