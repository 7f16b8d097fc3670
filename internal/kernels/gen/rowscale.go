package main

// vecBytes is the size of one float per row.
func (k *rows) vecBytes() int { return pick(k.asm, 64, 32) }

// Where scales are kept: in a panel, four arrays at BX, CX, R15 and R14; for a
// product, one work area at BX. Each entry is one value a row.
const (
	workMin  = 8  // in vectors
	workSub  = 16 // two a block
	workPair = 32
)

func (k *rows) at(base string, work, i int) string {
	if k.unpack {
		return mem(i*k.pitch(), base)
	}
	return mem((work+i)*k.vecBytes(), "BX")
}
func (k *rows) scaleAt(b int) string { return k.at("BX", 0, b) }
func (k *rows) minAt(b int) string   { return k.at("CX", workMin, b) }
func (k *rows) subAt(s int) string   { return k.at("R15", workSub, s) }
func (k *rows) pairAt(b int) string  { return k.at("R14", workPair, b) }

// panelVecs is the number of row vectors side by side in a panel.
func (k *rows) panelVecs() int { return pick(k.asm, 3, 1) }

// pitch is the distance of a panel's entries of one row vector.
func (k *rows) pitch() int { return k.vecBytes() * k.panelVecs() }

// keepsScales: whether scales go through memory.
func (k *rows) keepsScales() bool { return k.unpack || k.f.blocks > 1 || k.f.sub }

// putScale stores the scale of block b, a row per lane, or leaves it in the
// register for scales.
func (k *rows) putScale(b, src int) { k.put(k.scaleAt(b), k.regD(), src) }

// putMin does so with what the second chain multiplies (its sign included).
func (k *rows) putMin(b, src int) { k.put(k.minAt(b), k.regM(), src) }

// putSub stores the sub-scale s as float32.
func (k *rows) putSub(s, src int) { k.op("VMOVUPS", k.v(src), k.subAt(s)) }

// putPair stores the two minimums of block b as a pair of int16.
func (k *rows) putPair(b, src int) { k.op("VMOVUPS", k.v(src), k.pairAt(b)) }

func (k *rows) put(at string, reg, src int) {
	if k.keepsScales() {
		k.op("VMOVUPS", k.v(src), at)
	} else if src != reg {
		k.op("VMOVAPS", k.v(src), k.v(reg))
	}
}

func (k *rows) regD() int    { return pick(k.asm, regZD, regTmp) }
func (k *rows) regM() int    { return pick(k.asm, regZM, regTmp+1) }
func (k *rows) regAcc() int  { return pick(k.asm, regZAcc, regAcc) }
func (k *rows) regAcc2() int { return pick(k.asm, regZAcc2, regAcc2) }
