package main

import "fmt"

// How the bytes of rows come into registers, a row per lane: loads, transposes,
// and the operations on lanes that the formats are written with.

// addr is the address of byte off of the row in lane group l, register i.
func (k *rows) addr(off, l, i int) string {
	return fmt.Sprintf("%d(%s)%s", off, rowBase[l], []string{"", "(R12*1)", "(R12*2)", "(R13*1)"}[i])
}

// load fills register n with 16 bytes at off of the rows of register i.
func (k *rows) load(n, off, i int) {
	if k.wide {
		k.op("VMOVDQU32", k.addr(off, 0, i), x(n))
		t := regZLoad
		k.op("VMOVDQU32", k.addr(off, 2, i), x(t))
		k.op("VINSERTI32X4", "$1", k.addr(off, 1, i), y(n), y(n))
		k.op("VINSERTI32X4", "$1", k.addr(off, 3, i), y(t), y(t))
		k.op("VINSERTI64X4", "$1", y(t), k.v(n), k.v(n))
		return
	}
	k.op("VMOVDQU", k.addr(off, 0, i), x(n))
	k.op("VINSERTI128", "$1", k.addr(off, 1, i), y(n), y(n))
}

// raw returns the register with 16 bytes at off of the rows of register i. A
// set is kept until another offset (in AVX2 products: another register) is
// asked for.
func (k *rows) raw(set, off, i int) int {
	n := regRaw + i
	switch {
	case k.single && set == 0:
		n = regRaw2
	case set == 1 && !k.wide:
		n = k.tmp(0)
	case set == 1:
		n = regZRaw2 + i
	}
	if !k.wide && (k.single || set == 1) {
		off = off<<2 | i // one register: its rows are part of the key
		if at, ok := k.cached[set]; !ok || at != off {
			k.cached[set] = off
			k.load(n, off>>2, i)
		}
		return n
	}
	if at, ok := k.cached[set]; !ok || at != off {
		k.cached[set] = off
		for j := range 4 {
			delete(k.have, [2]int{set, j})
		}
	}
	if !k.have[[2]int{set, i}] {
		k.have[[2]int{set, i}] = true
		k.load(n, off, i)
	}
	return n
}

func (k *rows) forget() { k.cached, k.have = map[int]int{}, map[[2]int]bool{} }

// logical operations have other names in AVX-512.
func (k *rows) and(dst, src int, cst string) {
	k.op(pick(k.asm, "VPANDD", "VPAND"), k.cst(cst), k.v(src), k.v(dst))
}
func (k *rows) or(dst, p, q int)     { k.op(pick(k.asm, "VPORD", "VPOR"), k.v(p), k.v(q), k.v(dst)) }
func (k *rows) add(dst, p, q int)    { k.op("VPADDD", k.v(p), k.v(q), k.v(dst)) }
func (k *rows) shr(dst, src, n int)  { k.op("VPSRLD", fmt.Sprintf("$%d", n), k.v(src), k.v(dst)) }
func (k *rows) shl(dst, src, n int)  { k.op("VPSLLD", fmt.Sprintf("$%d", n), k.v(src), k.v(dst)) }
func (k *rows) sar(dst, src, n int)  { k.op("VPSRAD", fmt.Sprintf("$%d", n), k.v(src), k.v(dst)) }
func (k *rows) shrw(dst, src, n int) { k.op("VPSRLW", fmt.Sprintf("$%d", n), k.v(src), k.v(dst)) }

// cst is a constant of the table in constants.go, as an operand.
// AVX-512 keeps the first four that a format names in registers: a load of 64
// bytes costs more than the operation that uses it.
func (k *rows) cst(name string) string {
	if k.wide {
		for i, n := range k.f.consts {
			if n == name {
				return k.v(regZCst[i])
			}
		}
	}
	return cst(name)
}

var regZCst = []int{28, 29, 30, 22}

// transpose turns registers r..r+3 (a row's 16 bytes in a lane) into dword j of
// every row in r+j, using t..t+3.
func (k *rows) transpose(r, t int) {
	v := k.v
	k.op("VPUNPCKLDQ", v(r+1), v(r), v(t))
	k.op("VPUNPCKHDQ", v(r+1), v(r), v(t+1))
	k.op("VPUNPCKLDQ", v(r+3), v(r+2), v(t+2))
	k.op("VPUNPCKHDQ", v(r+3), v(r+2), v(t+3))
	k.op("VPUNPCKLQDQ", v(t+2), v(t), v(r))
	k.op("VPUNPCKHQDQ", v(t+2), v(t), v(r+1))
	k.op("VPUNPCKLQDQ", v(t+3), v(t+1), v(r+2))
	k.op("VPUNPCKHQDQ", v(t+3), v(t+1), v(r+3))
}

// dword gathers the first dword of every row's unit into dst.
func (k *rows) dword(dst int) {
	v, t, r := k.v, regVal+2, regRaw
	if k.wide {
		r = regZRaw2
	}
	for i := range 4 {
		k.raw(pick(k.asm, 1, 0), 0, i)
	}
	k.op("VPUNPCKLDQ", v(r+1), v(r), v(t))
	k.op("VPUNPCKLDQ", v(r+3), v(r+2), v(t+1))
	k.op("VPUNPCKLQDQ", v(t+1), v(t), v(dst))
}

// tmp are two registers that value may use.
func (k *rows) tmp(n int) int {
	switch {
	case k.wide:
		return 21 + 2*n
	case k.unpack:
		return regInt + n
	}
	return regVal + 2 + n
}

// half widens the f16 in the low words of src's dwords; src is lost.
func (k *rows) half(dst, src int) {
	if k.wide {
		k.op("VPMOVDW", k.v(src), y(src))
		k.op("VCVTPH2PS", y(src), k.v(dst))
		return
	}
	k.op("VPAND", k.cst("Ffff"), k.v(src), k.v(src))
	k.op("VPACKUSDW", k.v(src), k.v(src), k.v(src))
	k.op("VPERMQ", "$8", k.v(src), k.v(src))
	k.op("VCVTPH2PS", x(src), k.v(dst))
}
