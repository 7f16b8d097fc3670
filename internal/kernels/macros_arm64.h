// Vector instructions for the arm64 kernels. Go's assembler lacks most of
// them, so each is a WORD whose last comment is the instruction it encodes,
// with the macro's parameters in place of register numbers: build/arm64's test
// hands every encoding to a disassembler and compares. Operands stand in Go's
// order, sources first and the destination last, as plain register numbers:
// SDOT(1, 2, 16) is sdot v16.4s, v2.16b, v1.16b.
//
// n and m are the first and second source in Arm's order, d the destination,
// i and j lane numbers or immediates.

// Integer dot products (FEAT_DotProd, FEAT_I8MM).
#define SDOT(m, n, d)          WORD $(0x4E809400 | (m)<<16 | (n)<<5 | (d)) // sdot d.4s, n.16b, m.16b
#define SDOTI(i, m, n, d)      WORD $(0x4F80E000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // sdot d.4s, n.16b, m.4b[i]
#define SMMLA(m, n, d)         WORD $(0x4E80A400 | (m)<<16 | (n)<<5 | (d)) // smmla d.4s, n.16b, m.16b

// Widening integer products (ARMv8.0).
#define SMULL8H(m, n, d)       WORD $(0x0E20C000 | (m)<<16 | (n)<<5 | (d)) // smull d.8h, n.8b, m.8b
#define SMLAL8H(m, n, d)       WORD $(0x0E208000 | (m)<<16 | (n)<<5 | (d)) // smlal d.8h, n.8b, m.8b
#define SMLAL2_8H(m, n, d)     WORD $(0x4E208000 | (m)<<16 | (n)<<5 | (d)) // smlal2 d.8h, n.16b, m.16b
#define SADALP4S(n, d)         WORD $(0x4E606800 | (n)<<5 | (d)) // sadalp d.4s, n.8h
#define SADDLP8H(n, d)         WORD $(0x4E202800 | (n)<<5 | (d)) // saddlp d.8h, n.16b
#define SADDLP4S(n, d)         WORD $(0x4E602800 | (n)<<5 | (d)) // saddlp d.4s, n.8h

// Integer arithmetic.
#define ADD4S(m, n, d)         WORD $(0x4EA08400 | (m)<<16 | (n)<<5 | (d)) // add d.4s, n.4s, m.4s
#define SUB4S(m, n, d)         WORD $(0x6EA08400 | (m)<<16 | (n)<<5 | (d)) // sub d.4s, n.4s, m.4s
#define ADDP4S(m, n, d)        WORD $(0x4EA0BC00 | (m)<<16 | (n)<<5 | (d)) // addp d.4s, n.4s, m.4s
#define MUL4S(m, n, d)         WORD $(0x4EA09C00 | (m)<<16 | (n)<<5 | (d)) // mul d.4s, n.4s, m.4s
#define MLA4S(m, n, d)         WORD $(0x4EA09400 | (m)<<16 | (n)<<5 | (d)) // mla d.4s, n.4s, m.4s
#define MULI4S(i, m, n, d)     WORD $(0x4F808000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // mul d.4s, n.4s, m.s[i]
#define MLAI4S(i, m, n, d)     WORD $(0x6F800000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // mla d.4s, n.4s, m.s[i]
#define ADD16B(m, n, d)        WORD $(0x4E208400 | (m)<<16 | (n)<<5 | (d)) // add d.16b, n.16b, m.16b
#define MUL16B(m, n, d)        WORD $(0x4E209C00 | (m)<<16 | (n)<<5 | (d)) // mul d.16b, n.16b, m.16b
#define SUB16B(m, n, d)        WORD $(0x6E208400 | (m)<<16 | (n)<<5 | (d)) // sub d.16b, n.16b, m.16b
#define NEG4S(n, d)            WORD $(0x6EA0B800 | (n)<<5 | (d)) // neg d.4s, n.4s
#define SMAX4S(m, n, d)        WORD $(0x4EA06400 | (m)<<16 | (n)<<5 | (d)) // smax d.4s, n.4s, m.4s

// Bits.
#define AND16B(m, n, d)        WORD $(0x4E201C00 | (m)<<16 | (n)<<5 | (d)) // and d.16b, n.16b, m.16b
#define ORR16B(m, n, d)        WORD $(0x4EA01C00 | (m)<<16 | (n)<<5 | (d)) // orr d.16b, n.16b, m.16b
#define BIC16B(m, n, d)        WORD $(0x4E601C00 | (m)<<16 | (n)<<5 | (d)) // bic d.16b, n.16b, m.16b
#define BIT16B(m, n, d)        WORD $(0x6EA01C00 | (m)<<16 | (n)<<5 | (d)) // bit d.16b, n.16b, m.16b
#define NOT16B(n, d)           WORD $(0x6E205800 | (n)<<5 | (d)) // mvn d.16b, n.16b
#define CMTST16B(m, n, d)      WORD $(0x4E208C00 | (m)<<16 | (n)<<5 | (d)) // cmtst d.16b, n.16b, m.16b
#define EOR16B(m, n, d)        WORD $(0x6E201C00 | (m)<<16 | (n)<<5 | (d)) // eor d.16b, n.16b, m.16b
#define CNT16B(n, d)           WORD $(0x4E205800 | (n)<<5 | (d)) // cnt d.16b, n.16b
#define CMEQ16B(m, n, d)       WORD $(0x6E208C00 | (m)<<16 | (n)<<5 | (d)) // cmeq d.16b, n.16b, m.16b
#define CMHI16B(m, n, d)       WORD $(0x6E203400 | (m)<<16 | (n)<<5 | (d)) // cmhi d.16b, n.16b, m.16b
#define CMHS16B(m, n, d)       WORD $(0x6E203C00 | (m)<<16 | (n)<<5 | (d)) // cmhs d.16b, n.16b, m.16b

// Shifts by i.
#define USHR16B(i, n, d)       WORD $(0x6F000400 | (16-(i))<<16 | (n)<<5 | (d)) // ushr d.16b, n.16b, #i
#define SLI16B(i, n, d)        WORD $(0x6F085400 | (i)<<16 | (n)<<5 | (d)) // sli d.16b, n.16b, #i
#define SRI16B(i, n, d)        WORD $(0x6F004400 | (16-(i))<<16 | (n)<<5 | (d)) // sri d.16b, n.16b, #i
#define USHL16B(m, n, d)       WORD $(0x6E204400 | (m)<<16 | (n)<<5 | (d)) // ushl d.16b, n.16b, m.16b
#define USHR8H(i, n, d)        WORD $(0x6F000400 | (32-(i))<<16 | (n)<<5 | (d)) // ushr d.8h, n.8h, #i
#define SLI8H(i, n, d)         WORD $(0x6F105400 | (i)<<16 | (n)<<5 | (d)) // sli d.8h, n.8h, #i
#define SSRA4S(i, n, d)        WORD $(0x4F001400 | (64-(i))<<16 | (n)<<5 | (d)) // ssra d.4s, n.4s, #i
#define USHR4S(i, n, d)        WORD $(0x6F000400 | (64-(i))<<16 | (n)<<5 | (d)) // ushr d.4s, n.4s, #i
#define SHL4S(i, n, d)         WORD $(0x4F205400 | (i)<<16 | (n)<<5 | (d)) // shl d.4s, n.4s, #i
#define SLI4S(i, n, d)         WORD $(0x6F205400 | (i)<<16 | (n)<<5 | (d)) // sli d.4s, n.4s, #i

// Lengthen, narrow.
#define SXTL8H(n, d)           WORD $(0x0F08A400 | (n)<<5 | (d)) // sshll d.8h, n.8b, #0
#define SXTL2_8H(n, d)         WORD $(0x4F08A400 | (n)<<5 | (d)) // sshll2 d.8h, n.16b, #0
#define SXTL4S(n, d)           WORD $(0x0F10A400 | (n)<<5 | (d)) // sshll d.4s, n.4h, #0
#define SXTL2_4S(n, d)         WORD $(0x4F10A400 | (n)<<5 | (d)) // sshll2 d.4s, n.8h, #0
#define XTN4H(n, d)            WORD $(0x0E612800 | (n)<<5 | (d)) // xtn d.4h, n.4s
#define USHLL8H(i, n, d)       WORD $(0x2F08A400 | (i)<<16 | (n)<<5 | (d)) // ushll d.8h, n.8b, #i
#define USHLL4S(i, n, d)       WORD $(0x2F10A400 | (i)<<16 | (n)<<5 | (d)) // ushll d.4s, n.4h, #i

// Move lanes.
#define ZIP1_16B(m, n, d)      WORD $(0x4E003800 | (m)<<16 | (n)<<5 | (d)) // zip1 d.16b, n.16b, m.16b
#define ZIP2_16B(m, n, d)      WORD $(0x4E007800 | (m)<<16 | (n)<<5 | (d)) // zip2 d.16b, n.16b, m.16b
#define ZIP1_8H(m, n, d)       WORD $(0x4E403800 | (m)<<16 | (n)<<5 | (d)) // zip1 d.8h, n.8h, m.8h
#define ZIP2_8H(m, n, d)       WORD $(0x4E407800 | (m)<<16 | (n)<<5 | (d)) // zip2 d.8h, n.8h, m.8h
#define ZIP1_4S(m, n, d)       WORD $(0x4E803800 | (m)<<16 | (n)<<5 | (d)) // zip1 d.4s, n.4s, m.4s
#define ZIP2_4S(m, n, d)       WORD $(0x4E807800 | (m)<<16 | (n)<<5 | (d)) // zip2 d.4s, n.4s, m.4s
#define ZIP1_2D(m, n, d)       WORD $(0x4EC03800 | (m)<<16 | (n)<<5 | (d)) // zip1 d.2d, n.2d, m.2d
#define ZIP2_2D(m, n, d)       WORD $(0x4EC07800 | (m)<<16 | (n)<<5 | (d)) // zip2 d.2d, n.2d, m.2d
#define UZP1_16B(m, n, d)      WORD $(0x4E001800 | (m)<<16 | (n)<<5 | (d)) // uzp1 d.16b, n.16b, m.16b
#define UZP2_16B(m, n, d)      WORD $(0x4E005800 | (m)<<16 | (n)<<5 | (d)) // uzp2 d.16b, n.16b, m.16b
#define UZP1_8H(m, n, d)       WORD $(0x4E401800 | (m)<<16 | (n)<<5 | (d)) // uzp1 d.8h, n.8h, m.8h
#define UZP2_8H(m, n, d)       WORD $(0x4E405800 | (m)<<16 | (n)<<5 | (d)) // uzp2 d.8h, n.8h, m.8h
#define UZP1_4S(m, n, d)       WORD $(0x4E801800 | (m)<<16 | (n)<<5 | (d)) // uzp1 d.4s, n.4s, m.4s
#define UZP2_4S(m, n, d)       WORD $(0x4E805800 | (m)<<16 | (n)<<5 | (d)) // uzp2 d.4s, n.4s, m.4s
#define TRN1_4S(m, n, d)       WORD $(0x4E802800 | (m)<<16 | (n)<<5 | (d)) // trn1 d.4s, n.4s, m.4s
#define TRN2_4S(m, n, d)       WORD $(0x4E806800 | (m)<<16 | (n)<<5 | (d)) // trn2 d.4s, n.4s, m.4s
#define TBL16B(m, n, d)        WORD $(0x4E000000 | (m)<<16 | (n)<<5 | (d)) // tbl d.16b, { n.16b }, m.16b
#define EXT16B(i, m, n, d)     WORD $(0x6E000000 | (i)<<11 | (m)<<16 | (n)<<5 | (d)) // ext d.16b, n.16b, m.16b, #i
#define DUP16B(i, n, d)        WORD $(0x4E010400 | (i)<<17 | (n)<<5 | (d)) // dup d.16b, n.b[i]
#define DUP4S(i, n, d)         WORD $(0x4E040400 | (i)<<19 | (n)<<5 | (d)) // dup d.4s, n.s[i]
#define DUP2D(i, n, d)         WORD $(0x4E080400 | (i)<<20 | (n)<<5 | (d)) // dup d.2d, n.d[i]

// Constants and zero.
#define MOVIZ(d)               WORD $(0x6F00E400 | (d)) // movi d.2d, #0000000000000000
#define MOVI16B(i, d)          WORD $(0x4F00E400 | ((i)>>5)<<16 | ((i)&31)<<5 | (d)) // movi d.16b, #i
#define MOVI4S(i, d)           WORD $(0x4F000400 | ((i)>>5)<<16 | ((i)&31)<<5 | (d)) // movi d.4s, #i

// Float arithmetic.
#define FADD4S(m, n, d)        WORD $(0x4E20D400 | (m)<<16 | (n)<<5 | (d)) // fadd d.4s, n.4s, m.4s
#define FSUB4S(m, n, d)        WORD $(0x4EA0D400 | (m)<<16 | (n)<<5 | (d)) // fsub d.4s, n.4s, m.4s
#define FMUL4S(m, n, d)        WORD $(0x6E20DC00 | (m)<<16 | (n)<<5 | (d)) // fmul d.4s, n.4s, m.4s
#define FDIV4S(m, n, d)        WORD $(0x6E20FC00 | (m)<<16 | (n)<<5 | (d)) // fdiv d.4s, n.4s, m.4s
#define FMLA4S(m, n, d)        WORD $(0x4E20CC00 | (m)<<16 | (n)<<5 | (d)) // fmla d.4s, n.4s, m.4s
#define FMLAL4S(m, n, d)       WORD $(0x4E20EC00 | (m)<<16 | (n)<<5 | (d)) // fmlal d.4s, n.4h, m.4h
#define FMLAL2_4S(m, n, d)     WORD $(0x6E20CC00 | (m)<<16 | (n)<<5 | (d)) // fmlal2 d.4s, n.4h, m.4h
#define BFMLALB4S(m, n, d)     WORD $(0x2EC0FC00 | (m)<<16 | (n)<<5 | (d)) // bfmlalb d.4s, n.8h, m.8h
#define BFMLALT4S(m, n, d)     WORD $(0x6EC0FC00 | (m)<<16 | (n)<<5 | (d)) // bfmlalt d.4s, n.8h, m.8h
#define FMULI4S(i, m, n, d)    WORD $(0x4F809000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmul d.4s, n.4s, m.s[i]
#define FMLAI4S(i, m, n, d)    WORD $(0x4F801000 | ((i)&1)<<21 | ((i)>>1)<<11 | (m)<<16 | (n)<<5 | (d)) // fmla d.4s, n.4s, m.s[i]
#define FMIN4S(m, n, d)        WORD $(0x4EA0F400 | (m)<<16 | (n)<<5 | (d)) // fmin d.4s, n.4s, m.4s
#define FABS4S(n, d)           WORD $(0x4EA0F800 | (n)<<5 | (d)) // fabs d.4s, n.4s
#define FNEG4S(n, d)           WORD $(0x6EA0F800 | (n)<<5 | (d)) // fneg d.4s, n.4s
#define FADDP4S(m, n, d)       WORD $(0x6E20D400 | (m)<<16 | (n)<<5 | (d)) // faddp d.4s, n.4s, m.4s
#define FMAXNMV4S(n, d)        WORD $(0x6E30C800 | (n)<<5 | (d)) // fmaxnmv d(s), n.4s
#define FCMGT4S(m, n, d)       WORD $(0x6EA0E400 | (m)<<16 | (n)<<5 | (d)) // fcmgt d.4s, n.4s, m.4s
#define FCMGE4S(m, n, d)       WORD $(0x6E20E400 | (m)<<16 | (n)<<5 | (d)) // fcmge d.4s, n.4s, m.4s
#define FMAXNM4S(m, n, d)      WORD $(0x4E20C400 | (m)<<16 | (n)<<5 | (d)) // fmaxnm d.4s, n.4s, m.4s

// Float conversions; SCVTFI's integers are in units of 2^-i; the NS form rounds to nearest, ties to even.
#define SCVTF4S(n, d)          WORD $(0x4E21D800 | (n)<<5 | (d)) // scvtf d.4s, n.4s
#define SCVTFI4S(i, n, d)      WORD $(0x4F00E400 | (64-(i))<<16 | (n)<<5 | (d)) // scvtf d.4s, n.4s, #i
#define FCVTNS4S(n, d)         WORD $(0x4E21A800 | (n)<<5 | (d)) // fcvtns d.4s, n.4s
#define FCVTL4S(n, d)          WORD $(0x0E217800 | (n)<<5 | (d)) // fcvtl d.4s, n.4h
#define FCVTL2_4S(n, d)        WORD $(0x4E217800 | (n)<<5 | (d)) // fcvtl2 d.4s, n.8h
#define FCVTN4H(n, d)          WORD $(0x0E216800 | (n)<<5 | (d)) // fcvtn d.4h, n.4s
#define FCVTN2_8H(n, d)        WORD $(0x4E216800 | (n)<<5 | (d)) // fcvtn2 d.8h, n.4s
#define BFCVTN4H(n, d)         WORD $(0x0EA16800 | (n)<<5 | (d)) // bfcvtn d.4h, n.4s
#define BFCVTN2_8H(n, d)       WORD $(0x4EA16800 | (n)<<5 | (d)) // bfcvtn2 d.8h, n.4s

// Loads that Go's assembler lacks; n is a general register number.
#define LDRH(i, n, d)          WORD $(0x7D400000 | ((i)/2)<<10 | (n)<<5 | (d)) // ldr d(h), [x(n), #i]
#define LDRH_P(i, n, d)        WORD $(0x7C400400 | ((i)&511)<<12 | (n)<<5 | (d)) // ldr d(h), [x(n)], #i
#define LDRB_P(i, n, d)        WORD $(0x3C400400 | ((i)&511)<<12 | (n)<<5 | (d)) // ldr d(b), [x(n)], #i
#define LDURQ(i, n, d)         WORD $(0x3CC00000 | ((i)&511)<<12 | (n)<<5 | (d)) // ldur d(q), [x(n), #i]
