package main

var gemmTiers = []*gemmTier{
	{name: "NEON", scaleBytes: 32, actScale: 16, panelLast: 256, actsLast: 128, block: neonBlock, finish: func(*asm) int { return vSum }},
	{name: "DotProd", scaleBytes: 32, actScale: 16, panelLast: 256, actsLast: 128, block: dotBlock, finish: func(*asm) int { return vSum }},
	{name: "I8MM", scaleBytes: 64, actScale: 32, panelLast: 256, actsLast: 128, block: i8mmBlock, finish: i8mmFinish},
}

// i8mmBlock: SMMLA multiplies a pair of rows with a pair of tokens, 8 values
// deep: an accumulator holds (r0 t0, r0 t1, r1 t0, r1 t1). Sums stand in
// 16 + 2*pair + tokens, integers in 24 + 2*pair + tokens.
func i8mmBlock(a *asm, t *gemmTier, f form) {
	const acc, second = 24, 12
	for i := 0; i < 8; i += 2 {
		a.ins("FLDPQ (R%d), (F%d, F%d)", gZero, acc+i, acc+i+1)
	}
	for step := range 2 {
		for q := range 2 {
			a.ins("FLDPQ%s, (F%d, F%d)", t.actsAt(64*step+32*q), 8+2*q, 9+2*q)
		}
		for half := range 2 {
			for p := 2 * half; p < 2*half+2; p++ {
				a.ins("FLDPQ%s, (F%d, F%d)", t.panelAt(f, 128*step+32*p), 2*p, 2*p+1)
			}
			into := func(p, q int) int { return acc + 2*p + q }
			if f.sub && step == 1 {
				into = func(p, q int) int { return second + 2*(p&1) + q }
				for i := range 4 {
					a.op("MOVIZ", second+i)
				}
			}
			for c := range 2 {
				for p := 2 * half; p < 2*half+2; p++ {
					for q := range 2 {
						a.op("SMMLA", 8+2*q+c, 2*p+c, into(p, q))
					}
				}
			}
			if !f.sub {
				continue
			}
			a.ins("FLDPQ%s, (F%d, F%d)", t.panelAt(f, 256+64*(1+step)+32*half), 4*half, 4*half+1)
			for p := 2 * half; p < 2*half+2; p++ {
				for q := range 2 {
					if step == 0 {
						f.firstHalf(a, 4*half+p&1, acc+2*p+q, acc+2*p+q)
					} else {
						f.secondHalf(a, 4*half+p&1, into(p, q), acc+2*p+q)
					}
				}
			}
		}
	}
	a.ins("FLDPQ%s, (F8, F9)", t.actsAt(128))
	a.ins("FLDPQ%s, (F2, F3)", t.panelAt(f, 288))
	a.ins("FLDPQ%s, (F0, F1)", t.panelAt(f, 256))
	tmp := []int{4, 5, 6, 7, 10, 11, 12, 13}
	var streams []*asm
	for p := range 4 {
		for q := range 2 {
			s := &asm{}
			x := tmp[2*p+q]
			s.op("FMUL4S", 8+q, p, x)
			f.toFloat(s, acc+2*p+q)
			s.op("FMLA4S", x, acc+2*p+q, vSum+2*p+q)
			streams = append(streams, s)
		}
	}
	a.weave(streams...)
}

// i8mmFinish turns (r0 t0, r0 t1, r1 t0, r1 t1) into rows of one token.
func i8mmFinish(a *asm) (sum int) {
	for h := range 2 {
		for q := range 2 {
			even, odd := vSum+4*h+q, vSum+4*h+2+q
			a.op("UZP1_4S", odd, even, 4*h+2*q)
			a.op("UZP2_4S", odd, even, 4*h+2*q+1)
		}
	}
	return 0
}

// dotBlock: SDOT by element multiplies four values of four rows with the same
// four of one token: lanes are rows from the start.
func dotBlock(a *asm, t *gemmTier, f form) {
	const acc, second = 24, 0
	for i := 0; i < 8; i += 2 {
		a.ins("FLDPQ (R%d), (F%d, F%d)", gZero, acc+i, acc+i+1)
	}
	for half := range 2 {
		// Activations in 8 to 11, weights of two steps and eight rows in 12 to 15.
		for i := range 2 {
			a.ins("FLDPQ%s, (F%d, F%d)", t.actsAt(64*half+32*i), 8+2*i, 9+2*i)
		}
		to := acc
		if f.sub && half == 1 {
			to = second
			for i := range 8 {
				a.op("MOVIZ", second+i)
			}
		}
		for pair := range 2 {
			for h := range 2 {
				a.ins("FLDPQ%s, (F%d, F%d)", t.panelAt(f, 128*half+64*pair+32*h), 12+2*h, 13+2*h)
			}
			for k := range 2 {
				for h := range 2 {
					for tok := range 4 {
						a.op("SDOTI", 2*pair+k, 8+tok, 12+2*h+k, to+4*h+tok)
					}
				}
			}
		}
		if f.sub {
			a.ins("FLDPQ%s, (F12, F13)", t.panelAt(f, 256+32*(1+half)))
			for h := range 2 {
				for tok := range 4 {
					if half == 0 {
						f.firstHalf(a, 12+h, acc+4*h+tok, acc+4*h+tok)
					} else {
						f.secondHalf(a, 12+h, second+4*h+tok, acc+4*h+tok)
					}
				}
			}
		}
	}
	a.ins("FMOVQ%s, F10", t.actsAt(128))
	a.ins("FLDPQ%s, (F8, F9)", t.panelAt(f, 256))
	var streams []*asm
	for h := range 2 {
		for tok := range 4 {
			s := &asm{}
			i := 4*h + tok
			s.op("FMULI4S", tok, 10, 8+h, i)
			f.toFloat(s, acc+i)
			s.op("FMLA4S", i, acc+i, vSum+i)
			streams = append(streams, s)
		}
	}
	a.weave(streams...)
}

// neonBlock: products of ARMv8.0, four rows and one token at a time, summed
// over lanes by adding pairs.
func neonBlock(a *asm, t *gemmTier, f form) {
	const weights, act, acc, tmp, scale, da, sub = 0, 8, 10, 24, 28, 29, 30
	a.ins("FMOVQ %d(R%d), F%d", 128-t.actsLast, gActs, da)
	for h := range 2 {
		for r := range 4 {
			a.ins("FLDPQ%s, (F%d, F%d)", t.panelAt(f, 128*h+32*r), weights+2*r, weights+2*r+1)
		}
		a.ins("FMOVQ %d(R%d), F%d", 256+16*h-t.panelLast, gP, scale)
		if f.sub {
			for i := range 2 {
				a.ins("FMOVQ %d(R%d), F%d", 256+32*(1+i)+16*h-t.panelLast, gP, sub+i)
			}
		}
		for tok := range 4 {
			for i := range 2 {
				a.ins("FMOVQ%s, F%d", t.actsAt(64*i+16*tok), act+i)
			}
			for part := range 2 {
				var rows []*asm
				for r := range 4 {
					s := &asm{}
					s.op("SMULL8H", act+part, weights+2*r+part, tmp+r)
					s.op("SMLAL2_8H", act+part, weights+2*r+part, tmp+r)
					if part == 0 || f.sub {
						s.op("SADDLP4S", tmp+r, acc+r)
					} else {
						s.op("SADALP4S", tmp+r, acc+r)
					}
					rows = append(rows, s)
				}
				a.weave(rows...)
				if part == 1 || f.sub {
					reduce(a, f, part, acc, tmp, sub)
				}
			}
			a.op("FMULI4S", tok, da, scale, tmp)
			f.toFloat(a, acc+4)
			a.op("FMLA4S", tmp, acc+4, vSum+4*h+tok)
		}
	}
	a.ins("ADD $%d, R%d, R%d", t.panelBlock(f), gP, gP)
	a.ins("ADD $%d, R%d, R%d", t.actBlock(), gActs, gActs)
}

// reduce adds the lanes of four rows to acc+4; with sub-scales it multiplies
// each half of the block by its own.
func reduce(a *asm, f form, part, acc, tmp, sub int) {
	a.op("ADDP4S", acc+1, acc, tmp)
	a.op("ADDP4S", acc+3, acc+2, tmp+1)
	if !f.sub {
		a.op("ADDP4S", tmp+1, tmp, acc+4)
		return
	}
	a.op("ADDP4S", tmp+1, tmp, tmp)
	if part == 0 {
		f.firstHalf(a, sub, tmp, acc+4)
	} else {
		f.secondHalf(a, sub+1, tmp, acc+4)
	}
}
