//go:build !purego

#include "textflag.h"

// func pause(n uint32)
TEXT ·pause(SB), NOSPLIT, $0-4
	MOVW n+0(FP), R0

again:
	YIELD
	SUBSW $1, R0, R0
	BNE   again
	RET
