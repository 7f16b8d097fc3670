#!/usr/bin/env python3
"""Writes internal/quant/grids.bin, the grids of the IQ1, IQ2 and IQ3 types.

    pip install gguf==0.19.0 && python3 internal/quant/testdata/make_grids.py

A grid is a list of points, each a uint16 (little-endian) of small numbers, the
first in the lowest bits: 8 numbers of 2 bits (IQ1, IQ2), or 4 numbers of 4
bits (IQ3). What the numbers stand for is in grid.go.
"""
import pathlib

import numpy as np
from gguf import quants

out = b""
for name, points in [("IQ2_XXS", 256), ("IQ2_XS", 512), ("IQ2_S", 1024), ("IQ1_S", 2048), ("IQ3_XXS", 256), ("IQ3_S", 512)]:
    q = getattr(quants, name)
    q.init_grid()
    grid = q.grid.reshape(points, -1)
    number = {v: i for i, v in enumerate(q.grid_map)}
    bits = 16 // grid.shape[1]
    words = [sum(number[v] << (bits * i) for i, v in enumerate(point)) for point in grid]
    out += np.array(words, dtype="<u2").tobytes()
(pathlib.Path(__file__).parent.parent / "grids.bin").write_bytes(out)
