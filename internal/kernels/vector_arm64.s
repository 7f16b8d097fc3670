//go:build !purego

#include "textflag.h"
#include "macros_arm64.h"

// ZEROLANES and TREE are the float reductions' fixed order: sixteen lanes in
// registers 0 to 3, then lane i += lane i+8, i+4, i+2, i+1; the sum is left in
// lane 0 of register 0 (4 is used).
#define ZEROLANES() \
	MOVIZ(0) \
	MOVIZ(1) \
	MOVIZ(2) \
	MOVIZ(3)

#define TREE() \
	FADD4S(2, 0, 0) \
	FADD4S(3, 1, 1) \
	FADD4S(1, 0, 0) \
	EXT16B(8, 0, 0, 4) \
	FADD4S(4, 0, 0) \
	FADDP4S(0, 0, 0)

// ROUNDBF16 rounds a register's floats, to nearest even, where BF16 ends; 29 and 30
// have the constants 1 and 0x7fff. What is below is left.
#define ROUNDBF16(r) \
	USHR4S(16, r, 28) \
	AND16B(29, 28, 28) \
	ADD4S(30, r, r) \
	ADD4S(28, r, r)

// func dotLanesNEON(l *lanes, x, y *float32, n int)
TEXT ·dotLanesNEON(SB), NOSPLIT, $0-32
	MOVD l+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3
	ZEROLANES()
	CBZ R3, done
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ.P 32(R2), (F20, F21)
	FLDPQ.P 32(R2), (F22, F23)
	FMLA4S(20, 16, 0)
	FMLA4S(21, 17, 1)
	FMLA4S(22, 18, 2)
	FMLA4S(23, 19, 3)
	SUBS $16, R3, R3
	BNE loop
done:
	FSTPQ (F0, F1), (R0)
	FSTPQ (F2, F3), 32(R0)
	RET

// func dotNEON16(x, y *float32, n int) float32
TEXT ·dotNEON16(SB), NOSPLIT, $0-28
	MOVD x+0(FP), R1
	MOVD y+8(FP), R2
	MOVD n+16(FP), R3
	ZEROLANES()
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ.P 32(R2), (F20, F21)
	FLDPQ.P 32(R2), (F22, F23)
	FMLA4S(20, 16, 0)
	FMLA4S(21, 17, 1)
	FMLA4S(22, 18, 2)
	FMLA4S(23, 19, 3)
	SUBS $16, R3, R3
	BNE loop
	TREE()
	FMOVS F0, ret+24(FP)
	RET

// func sumNEON16(x *float32, n int) float32
TEXT ·sumNEON16(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R1
	MOVD n+8(FP), R3
	ZEROLANES()
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FADD4S(16, 0, 0)
	FADD4S(17, 1, 1)
	FADD4S(18, 2, 2)
	FADD4S(19, 3, 3)
	SUBS $16, R3, R3
	BNE loop
	TREE()
	FMOVS F0, ret+16(FP)
	RET

// func maxNEON16(x *float32, n int) float32
TEXT ·maxNEON16(SB), NOSPLIT, $0-20
	MOVD x+0(FP), R1
	MOVD n+8(FP), R3
	FLDPQ (R1), (F0, F1)
	FLDPQ 32(R1), (F2, F3)
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FMAXNM4S(16, 0, 0)
	FMAXNM4S(17, 1, 1)
	FMAXNM4S(18, 2, 2)
	FMAXNM4S(19, 3, 3)
	SUBS $16, R3, R3
	BNE loop
	FMAXNM4S(1, 0, 0)
	FMAXNM4S(3, 2, 2)
	FMAXNM4S(2, 0, 0)
	FMAXNMV4S(0, 0)
	FMOVS F0, ret+16(FP)
	RET

// The element-wise functions take n, a multiple of 4, in steps of 16, then 4.

// func axpyNEON4(y, x *float32, n int, a float32)
TEXT ·axpyNEON4(SB), NOSPLIT, $0-28
	MOVD y+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	FMOVS a+24(FP), F0
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ (R0), (F20, F21)
	FLDPQ 32(R0), (F22, F23)
	FMLAI4S(0, 0, 16, 20)
	FMLAI4S(0, 0, 17, 21)
	FMLAI4S(0, 0, 18, 22)
	FMLAI4S(0, 0, 19, 23)
	FSTPQ.P (F20, F21), 32(R0)
	FSTPQ.P (F22, F23), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F16
	FMOVQ (R0), F20
	FMLAI4S(0, 0, 16, 20)
	FMOVQ.P F20, 16(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// func addNEON4(dst, x, y *float32, n int)
TEXT ·addNEON4(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ.P 32(R2), (F20, F21)
	FLDPQ.P 32(R2), (F22, F23)
	FADD4S(20, 16, 16)
	FADD4S(21, 17, 17)
	FADD4S(22, 18, 18)
	FADD4S(23, 19, 19)
	FSTPQ.P (F16, F17), 32(R0)
	FSTPQ.P (F18, F19), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F16
	FMOVQ.P 16(R2), F20
	FADD4S(20, 16, 16)
	FMOVQ.P F16, 16(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// func mulNEON4(dst, x, y *float32, n int)
TEXT ·mulNEON4(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD y+16(FP), R2
	MOVD n+24(FP), R3
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ.P 32(R2), (F20, F21)
	FLDPQ.P 32(R2), (F22, F23)
	FMUL4S(20, 16, 16)
	FMUL4S(21, 17, 17)
	FMUL4S(22, 18, 18)
	FMUL4S(23, 19, 19)
	FSTPQ.P (F16, F17), 32(R0)
	FSTPQ.P (F18, F19), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F16
	FMOVQ.P 16(R2), F20
	FMUL4S(20, 16, 16)
	FMOVQ.P F16, 16(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// func scaleNEON4(dst, x *float32, n int, s float32)
TEXT ·scaleNEON4(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	FMOVS s+24(FP), F0
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FMULI4S(0, 0, 16, 16)
	FMULI4S(0, 0, 17, 17)
	FMULI4S(0, 0, 18, 18)
	FMULI4S(0, 0, 19, 19)
	FSTPQ.P (F16, F17), 32(R0)
	FSTPQ.P (F18, F19), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F16
	FMULI4S(0, 0, 16, 16)
	FMOVQ.P F16, 16(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// func scaleMulNEON4(dst, x, w *float32, n int, s float32)
// dst = x * s * w, each product rounded.
TEXT ·scaleMulNEON4(SB), NOSPLIT, $0-36
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD w+16(FP), R2
	MOVD n+24(FP), R3
	FMOVS s+32(FP), F0
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F16, F17)
	FLDPQ.P 32(R1), (F18, F19)
	FLDPQ.P 32(R2), (F20, F21)
	FLDPQ.P 32(R2), (F22, F23)
	FMULI4S(0, 0, 16, 16)
	FMULI4S(0, 0, 17, 17)
	FMULI4S(0, 0, 18, 18)
	FMULI4S(0, 0, 19, 19)
	FMUL4S(20, 16, 16)
	FMUL4S(21, 17, 17)
	FMUL4S(22, 18, 18)
	FMUL4S(23, 19, 19)
	FSTPQ.P (F16, F17), 32(R0)
	FSTPQ.P (F18, F19), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F16
	FMOVQ.P 16(R2), F20
	FMULI4S(0, 0, 16, 16)
	FMUL4S(20, 16, 16)
	FMOVQ.P F16, 16(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// The rotations, x0*c - x1*s and x0*s + x1*c, with the second product rounded.

// func ropeNeoxNEON4(x0, x1, cos, sin *float32, n int)
TEXT ·ropeNeoxNEON4(SB), NOSPLIT, $0-40
	MOVD x0+0(FP), R0
	MOVD x1+8(FP), R1
	MOVD cos+16(FP), R2
	MOVD sin+24(FP), R3
	MOVD n+32(FP), R4
loop:
	FMOVQ (R0), F0
	FMOVQ (R1), F1
	FMOVQ.P 16(R2), F2
	FMOVQ.P 16(R3), F3
	FMUL4S(3, 1, 4)
	FMUL4S(2, 1, 5)
	FNEG4S(4, 4)
	FMLA4S(2, 0, 4)
	FMLA4S(3, 0, 5)
	FMOVQ.P F4, 16(R0)
	FMOVQ.P F5, 16(R1)
	SUBS $4, R4, R4
	BNE loop
	RET

// func ropeNormNEON4(x, cos, sin *float32, n int)
TEXT ·ropeNormNEON4(SB), NOSPLIT, $0-32
	MOVD x+0(FP), R0
	MOVD cos+8(FP), R2
	MOVD sin+16(FP), R3
	MOVD n+24(FP), R4
loop:
	VLD2 (R0), [V0.S4, V1.S4]
	FMOVQ.P 16(R2), F2
	FMOVQ.P 16(R3), F3
	FMUL4S(3, 1, 4)
	FMUL4S(2, 1, 5)
	FNEG4S(4, 4)
	FMLA4S(2, 0, 4)
	FMLA4S(3, 0, 5)
	VST2.P [V4.S4, V5.S4], 32(R0)
	SUBS $4, R4, R4
	BNE loop
	RET

// func storeF16NEON4(dst *byte, src *float32, n int)
TEXT ·storeF16NEON4(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD n+16(FP), R3
	SUBS $16, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R1), (F2, F3)
	FCVTN4H(0, 4)
	FCVTN4H(2, 5)
	FCVTN2_8H(1, 4)
	FCVTN2_8H(3, 5)
	FSTPQ.P (F4, F5), 32(R0)
	SUBS $16, R3, R3
	BGE loop
rest:
	ADDS $16, R3, R3
	BEQ done
four:
	FMOVQ.P 16(R1), F0
	FCVTN4H(0, 4)
	FMOVD.P F4, 8(R0)
	SUBS $4, R3, R3
	BNE four
done:
	RET

// func roundF16NEON16(dst, x *float32, n int, s float32)
TEXT ·roundF16NEON16(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	FMOVS s+24(FP), F6
loop:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R1), (F2, F3)
	FMULI4S(0, 6, 0, 0)
	FMULI4S(0, 6, 1, 1)
	FMULI4S(0, 6, 2, 2)
	FMULI4S(0, 6, 3, 3)
	FCVTN4H(0, 4)
	FCVTN4H(2, 5)
	FCVTN2_8H(1, 4)
	FCVTN2_8H(3, 5)
	FCVTL4S(4, 0)
	FCVTL2_4S(4, 1)
	FCVTL4S(5, 2)
	FCVTL2_4S(5, 3)
	FSTPQ.P (F0, F1), 32(R0)
	FSTPQ.P (F2, F3), 32(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// func splitBF16NEON32(dst, x *float32, n int)
TEXT ·splitBF16NEON32(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	MOVI4S(1, 29)
	MOVD $0x7fff, R4
	VDUP R4, V30.S4
	MOVD $0xffff0000, R4
	VDUP R4, V31.S4
loop:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R1), (F2, F3)
	FLDPQ.P 32(R1), (F4, F5)
	FLDPQ.P 32(R1), (F6, F7)
	ROUNDBF16(0)
	ROUNDBF16(1)
	ROUNDBF16(2)
	ROUNDBF16(3)
	ROUNDBF16(4)
	ROUNDBF16(5)
	ROUNDBF16(6)
	ROUNDBF16(7)
	// The upper halves: pairs as they lie in BF16.
	UZP2_8H(1, 0, 16)
	UZP2_8H(3, 2, 17)
	UZP2_8H(5, 4, 18)
	UZP2_8H(7, 6, 19)
	AND16B(31, 16, 0)
	AND16B(31, 17, 1)
	AND16B(31, 18, 2)
	AND16B(31, 19, 3)
	SHL4S(16, 16, 4)
	SHL4S(16, 17, 5)
	SHL4S(16, 18, 6)
	SHL4S(16, 19, 7)
	FSTPQ.P (F0, F1), 32(R0)
	FSTPQ.P (F2, F3), 32(R0)
	FSTPQ.P (F4, F5), 32(R0)
	FSTPQ.P (F6, F7), 32(R0)
	SUBS $32, R3, R3
	BNE loop
	RET

// func narrowF16NEON16(dst *uint16, x *float32, n int, s float32)
TEXT ·narrowF16NEON16(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	FMOVS s+24(FP), F6
loop:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R1), (F2, F3)
	FMULI4S(0, 6, 0, 0)
	FMULI4S(0, 6, 1, 1)
	FMULI4S(0, 6, 2, 2)
	FMULI4S(0, 6, 3, 3)
	FCVTN4H(0, 4)
	FCVTN4H(2, 5)
	FCVTN2_8H(1, 4)
	FCVTN2_8H(3, 5)
	FSTPQ.P (F4, F5), 32(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// func narrowBF16Pairs16(dst *uint16, x *float32, n int)
TEXT ·narrowBF16Pairs16(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
loop:
	FLDPQ.P 32(R1), (F0, F1)
	FLDPQ.P 32(R1), (F2, F3)
	BFCVTN4H(0, 4)
	BFCVTN4H(2, 5)
	BFCVTN2_8H(1, 4)
	BFCVTN2_8H(3, 5)
	FSTPQ.P (F4, F5), 32(R0)
	SUBS $16, R3, R3
	BNE loop
	RET

// func fmaNEON(x, y, z float32) float32
TEXT ·fmaNEON(SB), NOSPLIT, $0-20
	FMOVS x+0(FP), F0
	FMOVS y+4(FP), F1
	FMOVS z+8(FP), F2
	FMADDS F0, F2, F1, F0
	FMOVS F0, ret+16(FP)
	RET

// func widenQ8NEON(dst *float32, src *byte, blocks int)
TEXT ·widenQ8NEON(SB), NOSPLIT, $0-24
	MOVD dst+0(FP), R0
	MOVD src+8(FP), R1
	MOVD blocks+16(FP), R3
loop:
	LDRH_P(2, 1, 16)
	FLDPQ.P 32(R1), (F17, F18)
	FCVTL4S(16, 16)
	SXTL8H(17, 0)
	SXTL2_8H(17, 2)
	SXTL2_4S(0, 1)
	SXTL4S(0, 0)
	SXTL2_4S(2, 3)
	SXTL4S(2, 2)
	SCVTF4S(0, 0)
	SCVTF4S(1, 1)
	SCVTF4S(2, 2)
	SCVTF4S(3, 3)
	FMULI4S(0, 16, 0, 0)
	FMULI4S(0, 16, 1, 1)
	FMULI4S(0, 16, 2, 2)
	FMULI4S(0, 16, 3, 3)
	FSTPQ.P (F0, F1), 32(R0)
	FSTPQ.P (F2, F3), 32(R0)
	SXTL8H(18, 0)
	SXTL2_8H(18, 2)
	SXTL2_4S(0, 1)
	SXTL4S(0, 0)
	SXTL2_4S(2, 3)
	SXTL4S(2, 2)
	SCVTF4S(0, 0)
	SCVTF4S(1, 1)
	SCVTF4S(2, 2)
	SCVTF4S(3, 3)
	FMULI4S(0, 16, 0, 0)
	FMULI4S(0, 16, 1, 1)
	FMULI4S(0, 16, 2, 2)
	FMULI4S(0, 16, 3, 3)
	FSTPQ.P (F0, F1), 32(R0)
	FSTPQ.P (F2, F3), 32(R0)
	SUBS $1, R3, R3
	BNE loop
	RET
