#include "textflag.h"

// One step of folding: acc = lo(acc)*K.lo ^ hi(acc)*K.hi ^ next, where K is V16.
#define FOLD(acc, next) \
	VPMULL  V16.D1, acc.D1, V17.Q1; \
	VPMULL2 V16.D2, acc.D2, V18.Q1; \
	VEOR    V17.B16, next.B16, next.B16; \
	VEOR    V18.B16, next.B16, acc.B16

// The same onto another accumulator, which is next.
#define JOIN(acc, next) \
	VPMULL  V16.D1, acc.D1, V17.Q1; \
	VPMULL2 V16.D2, acc.D2, V18.Q1; \
	VEOR    V17.B16, next.B16, next.B16; \
	VEOR    V18.B16, next.B16, next.B16

// func fold(out *[16]byte, crc uint64, p []byte, k *folding)
TEXT ·fold(SB), NOSPLIT, $0-48
	MOVD out+0(FP), R0
	MOVD crc+8(FP), R1
	MOVD p_base+16(FP), R2
	MOVD p_len+24(FP), R3
	MOVD k+40(FP), R4

	VLD1.P 64(R2), [V0.B16, V1.B16, V2.B16, V3.B16]
	VLD1.P 64(R2), [V4.B16, V5.B16, V6.B16, V7.B16]
	VEOR   V19.B16, V19.B16, V19.B16
	VMOV   R1, V19.D[0]
	VEOR   V19.B16, V0.B16, V0.B16

	VLD1 (R4), [V16.B16]
	SUBS $128, R3, R3
	BEQ  join

loop:
	VLD1.P 64(R2), [V20.B16, V21.B16, V22.B16, V23.B16]
	VLD1.P 64(R2), [V24.B16, V25.B16, V26.B16, V27.B16]
	FOLD(V0, V20)
	FOLD(V1, V21)
	FOLD(V2, V22)
	FOLD(V3, V23)
	FOLD(V4, V24)
	FOLD(V5, V25)
	FOLD(V6, V26)
	FOLD(V7, V27)
	SUBS $128, R3, R3
	BNE  loop

join:
	ADD  $16, R4
	VLD1 (R4), [V16.B16]
	JOIN(V0, V1)
	JOIN(V1, V2)
	JOIN(V2, V3)
	JOIN(V3, V4)
	JOIN(V4, V5)
	JOIN(V5, V6)
	JOIN(V6, V7)
	VST1 [V7.B16], (R0)
	RET
