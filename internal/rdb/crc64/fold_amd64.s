#include "textflag.h"

// One step of folding: acc = lo(acc)*K.lo ^ hi(acc)*K.hi ^ next block, where K is X8.
#define FOLD(acc, tmp, offset) \
	MOVOU acc, tmp; \
	PCLMULQDQ $0x00, X8, acc; \
	PCLMULQDQ $0x11, X8, tmp; \
	PXOR tmp, acc; \
	MOVOU offset(SI), tmp; \
	PXOR tmp, acc

// The same onto another accumulator.
#define JOIN(acc, next) \
	MOVOU acc, X9; \
	PCLMULQDQ $0x00, X8, acc; \
	PCLMULQDQ $0x11, X8, X9; \
	PXOR acc, next; \
	PXOR X9, next

// func fold(out *[16]byte, crc uint64, p []byte, k *folding)
TEXT ·fold(SB), NOSPLIT, $0-48
	MOVQ out+0(FP), DI
	MOVQ crc+8(FP), AX
	MOVQ p_base+16(FP), SI
	MOVQ p_len+24(FP), CX
	MOVQ k+40(FP), DX

	MOVOU 0(SI), X0
	MOVOU 16(SI), X1
	MOVOU 32(SI), X2
	MOVOU 48(SI), X3
	MOVOU 64(SI), X4
	MOVOU 80(SI), X5
	MOVOU 96(SI), X6
	MOVOU 112(SI), X7
	MOVQ AX, X9
	PXOR X9, X0

	MOVOU 0(DX), X8
	ADDQ $128, SI
	SUBQ $128, CX
	JZ   join

loop:
	FOLD(X0, X9, 0)
	FOLD(X1, X10, 16)
	FOLD(X2, X11, 32)
	FOLD(X3, X12, 48)
	FOLD(X4, X13, 64)
	FOLD(X5, X14, 80)
	FOLD(X6, X9, 96)
	FOLD(X7, X10, 112)
	ADDQ $128, SI
	SUBQ $128, CX
	JNZ  loop

join:
	MOVOU 16(DX), X8
	JOIN(X0, X1)
	JOIN(X1, X2)
	JOIN(X2, X3)
	JOIN(X3, X4)
	JOIN(X4, X5)
	JOIN(X5, X6)
	JOIN(X6, X7)
	MOVOU X7, 0(DI)
	RET
