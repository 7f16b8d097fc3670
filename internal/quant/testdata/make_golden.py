#!/usr/bin/env python3
"""Writes the golden vectors of this folder with the Python package "gguf".

    pip install gguf==0.19.0 && python3 internal/quant/testdata/make_golden.py

NAME.dequantize: uint32 count of blocks, the blocks, their float32 elements.
NAME.quantize:   uint32 count of blocks, float32 elements, the blocks.
All little-endian. Blocks are random bytes; their half precision scales are
random finite numbers of all sizes, subnormals and zeros among them.
"""
import pathlib
import struct

import numpy as np
from gguf import GGML_QUANT_SIZES, GGMLQuantizationType as T
from gguf.quants import dequantize, quantize

here = pathlib.Path(__file__).parent
rng = np.random.default_rng(20260101)

# Where the half precision numbers of a block are.
HALVES = {
    "Q4_0": [0], "Q4_1": [0, 2], "Q5_0": [0], "Q5_1": [0, 2], "Q8_0": [0],
    "Q2_K": [80, 82], "Q3_K": [108], "Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208],
    "IQ4_NL": [0], "IQ4_XS": [0],
}


def half(i):
    """One random finite half: any bits, or subnormal, or zero, or of a usual size."""
    kind = i % 5
    if kind == 0:
        return np.uint16((int(rng.integers(0, 2)) << 15) | int(rng.integers(0, 0x7c00)))
    if kind == 1:
        return np.uint16((int(rng.integers(0, 2)) << 15) | int(rng.integers(0, 0x400)))
    if kind == 2 and i > 5:
        return np.uint16(0x8000 if i % 2 else 0)
    return np.float16(rng.normal() * 0.01).view(np.uint16)


def write(name, elems, data_first, blocks, n):
    parts = [blocks.tobytes(), elems.astype("<f4").tobytes()]
    if not data_first:
        parts.reverse()
    (here / name).write_bytes(struct.pack("<I", n) + b"".join(parts))


for name, at in HALVES.items():
    t = T[name]
    size = GGML_QUANT_SIZES[t][1]
    n = 8 if GGML_QUANT_SIZES[t][0] == 256 else 24
    blocks = rng.integers(0, 256, (n, size), dtype=np.uint8)
    for b in range(n):
        for j, o in enumerate(at):
            blocks[b, o:o + 2] = np.array([half(b + 3 * j)], dtype="<u2").view(np.uint8)
    write(name + ".dequantize", dequantize(blocks, t), True, blocks, n)

for name in ["F16", "BF16"]:
    t = T[name]
    words = np.arange(0, 65536, 61, dtype="<u2").reshape(1, -1)
    x = dequantize(words.view(np.float16) if name == "F16" else words.view(np.uint8), t)
    words = words[~np.isnan(x)].reshape(1, -1)
    x = x[~np.isnan(x)]
    write(name + ".dequantize", x, True, words.view(np.uint8), words.size)

with np.errstate(over="ignore"):
    for name in ["F32", "F16", "BF16", "Q8_0"]:
        n = 24
        scale = np.float32(10.0) ** rng.integers(-9, 6, (n, 1)).astype(np.float32)
        x = (rng.normal(size=(n, 32)).astype(np.float32) * scale).astype(np.float32)
        x[3] = 0
        x[4, 7] = 0
        x[5] = np.arange(-16, 16)             # scale 16/127: many halves
        x[6] = np.arange(32) * 4.0 + 3.0      # largest is 127: exact steps
        x[7] = np.arange(32) * 0.5 - 7.5
        x[7, 0] = 127                         # scale 1: ties
        out = quantize(x, T[name])
        write(name + ".quantize", x, False, out, n * 32 // GGML_QUANT_SIZES[T[name]][0])

# The types that came later, with numbers of their own so that the files above stay as they are.
rng = np.random.default_rng(20260202)


def q1_0(blocks):
    """The package has neither of these two: by their definition in ggml-common.h."""
    d = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    bits = np.unpackbits(blocks[:, 2:], axis=1, bitorder="little").astype(np.float32)
    return d * (2 * bits - 1)


def q2_0(blocks):
    d = blocks[:, :2].copy().view(np.float16).astype(np.float32)
    q = blocks[:, 2:, None] >> np.array([0, 2, 4, 6], dtype=np.uint8) & 3
    return d * (q.reshape(len(blocks), -1).astype(np.float32) - 1)


LATER = {
    "IQ1_S": [0], "IQ1_M": [], "IQ2_XXS": [0], "IQ2_XS": [0], "IQ2_S": [0], "IQ3_XXS": [0], "IQ3_S": [0],
    "TQ1_0": [52], "TQ2_0": [64], "MXFP4": [], "NVFP4": [], "Q1_0": [0], "Q2_0": [0],
}
OWN = {"Q1_0": (q1_0, 18), "Q2_0": (q2_0, 18)}
for name, at in LATER.items():
    own = OWN.get(name)
    size = own[1] if own else GGML_QUANT_SIZES[T[name]][1]
    n = 24 if name in ("IQ1_M", "MXFP4", "NVFP4") or own else 12
    blocks = rng.integers(0, 256, (n, size), dtype=np.uint8)
    for b in range(n):
        if name == "IQ1_M":  # a half in the top four bits of four words
            h = int(half(b))
            for i in range(4):
                blocks[b, 49 + 2 * i] = blocks[b, 49 + 2 * i] & 15 | (h >> 4 * i & 15) << 4
        for j, o in enumerate(at):
            blocks[b, o:o + 2] = np.array([half(b + 3 * j)], dtype="<u2").view(np.uint8)
    if name == "MXFP4":
        blocks[:4, 0] = [0, 1, 2, 253]
    if name == "NVFP4":
        blocks[:4, :4] = [[0, 1, 7, 8], [126, 127, 128, 255], [9, 15, 16, 120], [129, 254, 64, 63]]
    write(name + ".dequantize", own[0](blocks) if own else dequantize(blocks, T[name]), True, blocks, n)
