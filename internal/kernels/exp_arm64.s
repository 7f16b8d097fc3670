//go:build !purego

#include "textflag.h"
#include "macros_arm64.h"

// EXP replaces x by e**x, the steps of Exp in elementary.go; t, n and p are
// used. The constants of expNEON stand in registers 16 to 27.
#define EXP(x, t, n, p) \
	FCMGT4S(x, 26, 28) \
	FMIN4S(27, x, x) \
	ORR16B(17, 17, t) \
	FMLA4S(16, x, t) \
	FSUB4S(17, t, n) \
	FMLA4S(18, n, x) \
	FMLA4S(19, n, x) \
	ORR16B(21, 21, p) \
	FMLA4S(20, x, p) \
	ORR16B(22, 22, n) \
	FMLA4S(p, x, n) \
	ORR16B(23, 23, p) \
	FMLA4S(n, x, p) \
	ORR16B(24, 24, n) \
	FMLA4S(p, x, n) \
	FMUL4S(x, x, p) \
	FMLA4S(p, n, x) \
	FADD4S(25, x, x) \
	SHL4S(23, t, t) \
	ADD4S(25, t, t) \
	FMUL4S(t, x, x) \
	BIC16B(28, x, x)

// EXPCONSTANTS loads the constants of EXP; R9 is used.
#define EXPCONSTANTS() \
	MOVD $·expConstants(SB), R9 \
	FLDPQ (R9), (F16, F17) \
	FLDPQ 32(R9), (F18, F19) \
	FLDPQ 64(R9), (F20, F21) \
	FLDPQ 96(R9), (F22, F23) \
	FLDPQ 128(R9), (F24, F25) \
	FLDPQ 160(R9), (F26, F27)

// func expSubNEON4(dst, x *float32, n int, top float32)
// dst = exp(x - top)
TEXT ·expSubNEON4(SB), NOSPLIT, $0-28
	MOVD dst+0(FP), R0
	MOVD x+8(FP), R1
	MOVD n+16(FP), R3
	FMOVS top+24(FP), F7
	DUP4S(0, 7, 7)
	EXPCONSTANTS()
loop:
	FMOVQ.P 16(R1), F0
	FSUB4S(7, 0, 0)
	EXP(0, 1, 2, 3)
	FMOVQ.P F0, 16(R0)
	SUBS $4, R3, R3
	BNE loop
	RET

// func swiGLUNEON4(dst, gate, up *float32, n int)
// dst = gate / (1 + exp(-gate)) * up
TEXT ·swiGLUNEON4(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD n+24(FP), R3
	EXPCONSTANTS()
	SUBS $8, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F4, F5)
	FLDPQ.P 32(R2), (F6, F7)
	FNEG4S(4, 0)
	FNEG4S(5, 8)
	EXP(0, 1, 2, 3)
	EXP(8, 9, 10, 11)
	FADD4S(25, 0, 0)
	FADD4S(25, 8, 8)
	FDIV4S(0, 4, 4)
	FDIV4S(8, 5, 5)
	FMUL4S(6, 4, 4)
	FMUL4S(7, 5, 5)
	FSTPQ.P (F4, F5), 32(R0)
	SUBS $8, R3, R3
	BGE loop
rest:
	TBZ $2, R3, done
	FMOVQ (R1), F4
	FMOVQ (R2), F6
	FNEG4S(4, 0)
	EXP(0, 1, 2, 3)
	FADD4S(25, 0, 0)
	FDIV4S(0, 4, 4)
	FMUL4S(6, 4, 4)
	FMOVQ F4, (R0)
done:
	RET

// func geGLUNEON4(dst, gate, up *float32, n int)
// dst = gate / (1 + exp(gate*(gate^2*c1 + c0))) * up
TEXT ·geGLUNEON4(SB), NOSPLIT, $0-32
	MOVD dst+0(FP), R0
	MOVD gate+8(FP), R1
	MOVD up+16(FP), R2
	MOVD n+24(FP), R3
	EXPCONSTANTS()
	FLDPQ 192(R9), (F29, F30)
	SUBS $8, R3, R3
	BLT rest
loop:
	FLDPQ.P 32(R1), (F4, F5)
	FLDPQ.P 32(R2), (F6, F7)
	FMUL4S(4, 4, 1)
	FMUL4S(5, 5, 9)
	ORR16B(29, 29, 0)
	ORR16B(29, 29, 8)
	FMLA4S(30, 1, 0)
	FMLA4S(30, 9, 8)
	FMUL4S(4, 0, 0)
	FMUL4S(5, 8, 8)
	EXP(0, 1, 2, 3)
	EXP(8, 9, 10, 11)
	FADD4S(25, 0, 0)
	FADD4S(25, 8, 8)
	FDIV4S(0, 4, 4)
	FDIV4S(8, 5, 5)
	FMUL4S(6, 4, 4)
	FMUL4S(7, 5, 5)
	FSTPQ.P (F4, F5), 32(R0)
	SUBS $8, R3, R3
	BGE loop
rest:
	TBZ $2, R3, done
	FMOVQ (R1), F4
	FMOVQ (R2), F6
	FMUL4S(4, 4, 1)
	ORR16B(29, 29, 0)
	FMLA4S(30, 1, 0)
	FMUL4S(4, 0, 0)
	EXP(0, 1, 2, 3)
	FADD4S(25, 0, 0)
	FDIV4S(0, 4, 4)
	FMUL4S(6, 4, 4)
	FMOVQ F4, (R0)
done:
	RET

// func softcapNEON4(x *float32, n int, scale, limit float32)
// x = limit * tanh(x*scale/limit), the steps of Tanh in elementary.go
TEXT ·softcapNEON4(SB), NOSPLIT, $0-24
	MOVD x+0(FP), R0
	MOVD n+8(FP), R3
	FMOVS scale+16(FP), F29
	FMOVS limit+20(FP), F30
	DUP4S(0, 29, 29)
	DUP4S(0, 30, 30)
	EXPCONSTANTS()
	MOVD $·tanhConstants(SB), R9
	FLDPQ (R9), (F8, F9)
	FLDPQ 32(R9), (F10, F11)
	FLDPQ 64(R9), (F12, F13)
	FMOVQ 96(R9), F14
	MOVI4S(1, 15)
	SHL4S(31, 15, 15)
loop:
	FMOVQ (R0), F4
	FMUL4S(29, 4, 4)
	FDIV4S(30, 4, 4)
	FABS4S(4, 5)
	// Large: (1-e)/(1+e), e = exp(-2|x|), with the sign of x.
	FADD4S(5, 5, 0)
	FNEG4S(0, 0)
	EXP(0, 1, 2, 3)
	FSUB4S(0, 25, 6)
	FADD4S(0, 25, 0)
	FDIV4S(0, 6, 6)
	BIT16B(15, 4, 6)
	// Small: a polynomial.
	FMUL4S(4, 4, 0)
	ORR16B(9, 9, 1)
	FMLA4S(8, 0, 1)
	ORR16B(10, 10, 2)
	FMLA4S(1, 0, 2)
	ORR16B(11, 11, 1)
	FMLA4S(2, 0, 1)
	ORR16B(12, 12, 2)
	FMLA4S(1, 0, 2)
	ORR16B(13, 13, 1)
	FMLA4S(2, 0, 1)
	FMUL4S(4, 0, 0)
	ORR16B(4, 4, 2)
	FMLA4S(1, 0, 2)
	FCMGE4S(14, 5, 7)
	BIT16B(7, 6, 2)
	FMUL4S(30, 2, 2)
	FMOVQ.P F2, 16(R0)
	SUBS $4, R3, R3
	BNE loop
	RET

// func quantizeNEON(q *int8, d *float32, s *int16, ds *float32, c, c16 *int32, x *float32, blocks int)
TEXT ·quantizeNEON(SB), NOSPLIT, $0-64
	MOVD q+0(FP), R0
	MOVD d+8(FP), R1
	MOVD s+16(FP), R2
	MOVD ds+24(FP), R3
	MOVD c+32(FP), R4
	MOVD c16+40(FP), R8
	MOVD x+48(FP), R5
	MOVD blocks+56(FP), R6
	FMOVS $127.0, F31
	FMOVS $0.0, F30
	MOVW $0x0d800000, R7 // quantMin
	FMOVS R7, F29
loop:
	FLDPQ.P 32(R5), (F0, F1)
	FLDPQ.P 32(R5), (F2, F3)
	FLDPQ.P 32(R5), (F4, F5)
	FLDPQ.P 32(R5), (F6, F7)
	FABS4S(0, 16)
	FABS4S(1, 17)
	FABS4S(2, 18)
	FABS4S(3, 19)
	FABS4S(4, 20)
	FABS4S(5, 21)
	FABS4S(6, 22)
	FABS4S(7, 23)
	FMAXNM4S(17, 16, 16)
	FMAXNM4S(19, 18, 18)
	FMAXNM4S(21, 20, 20)
	FMAXNM4S(23, 22, 22)
	FMAXNM4S(18, 16, 16)
	FMAXNM4S(22, 20, 20)
	FMAXNM4S(20, 16, 16)
	FMAXNMV4S(16, 16)
	FDIVS F31, F16, F17 // d = amax / 127
	FDIVS F16, F31, F18 // 127 / amax
	FCMPS F29, F16
	FCSELS LT, F30, F17, F17
	FCSELS LT, F30, F18, F18
	FMULI4S(0, 18, 0, 0)
	FMULI4S(0, 18, 1, 1)
	FMULI4S(0, 18, 2, 2)
	FMULI4S(0, 18, 3, 3)
	FMULI4S(0, 18, 4, 4)
	FMULI4S(0, 18, 5, 5)
	FMULI4S(0, 18, 6, 6)
	FMULI4S(0, 18, 7, 7)
	FCVTNS4S(0, 0)
	FCVTNS4S(1, 1)
	FCVTNS4S(2, 2)
	FCVTNS4S(3, 3)
	FCVTNS4S(4, 4)
	FCVTNS4S(5, 5)
	FCVTNS4S(6, 6)
	FCVTNS4S(7, 7)
	UZP1_8H(1, 0, 0)
	UZP1_8H(3, 2, 2)
	UZP1_8H(5, 4, 4)
	UZP1_8H(7, 6, 6)
	UZP1_16B(2, 0, 0)
	UZP1_16B(6, 4, 4)
	FSTPQ.P (F0, F4), 32(R0)
	FMOVS.P F17, 4(R1)
	SADDLP8H(0, 0)
	SADDLP8H(4, 4)
	SADDLP4S(0, 0)
	SADDLP4S(4, 4)
	ADDP4S(4, 0, 0) // two lanes of each half
	ADDP4S(0, 0, 0) // sums of the halves in lanes 0 and 1
	UZP1_8H(0, 0, 1)
	FMOVS.P F1, 4(R2)
	NEG4S(0, 1)
	SHL4S(5, 1, 1)
	FMOVD.P F1, 8(R8)
	ADDP4S(0, 0, 0)
	SCVTF4S(0, 1)
	FMULS F17, F1, F1
	FMOVS.P F1, 4(R3)
	NEG4S(0, 0)
	SHL4S(7, 0, 0)
	FMOVS.P F0, 4(R4)
	SUBS $1, R6, R6
	BNE loop
	RET
