#!/usr/bin/env python3
"""Static estimates of the arm64 kernels' inner loops, in cycles per weight and
token, by llvm-mca: what a core could do if nothing had to be waited for but its own
units. usage: cycles.py [LLVM-BIN-FOLDER]     (LLVM 23 separates the cores best)

A kernel's inner loop is the longest piece of its code that jumps back to its own
beginning and has no such piece inside."""
import os
import re
import subprocess
import sys
import tempfile

# Kernel: weights times tokens that one round of its inner loop handles.
KERNELS = {
    "fewQ4_0DotProd": 1024, "fewQ4_1DotProd": 512, "fewQ5_0DotProd": 1024, "fewQ8_0DotProd": 1024, "fewIQ4_NLDotProd": 1024,
    "fewQ4_KDotProd": 1024, "fewQ6_KDotProd": 1024, "fewF16NEON": 64,
    "fewF16FHM": 128, "fewBF16Pairs": 128,
    "gemmScaleI8MM": 2048, "gemmMinI8MM": 2048, "gemmSubI8MM": 2048, "gemmScaleDotProd": 2048, "gemmFloatNEON": 96,
    "gemmF16FHM": 96, "gemmBF16Pairs": 192,
}
CORES = ["cortex-a78", "cortex-x4", "apple-m1"]

root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
tools = sys.argv[1] if len(sys.argv) > 1 else ""


def tool(name):
    return os.path.join(tools, name) if tools else name


def innermost(lines):
    """The longest loop without a loop inside, of [(address, text)]."""
    loops = []
    for i, (at, text) in enumerate(lines):
        jump = re.match(r"(?:b\.\w+|cbn?z\s+\w+,|tbn?z\s+\w+, #\w+,)\s*(0x[0-9a-f]+)", text)
        if jump and int(jump[1], 16) <= at:
            begin = next((j for j, (a, _) in enumerate(lines) if a == int(jump[1], 16)), None)
            if begin is not None:
                loops.append((begin, i))
    inner = [(b, e) for b, e in loops if not any((c, d) != (b, e) and b <= c and d <= e for c, d in loops)]
    begin, end = max(inner, key=lambda loop: loop[1] - loop[0])
    return [text for _, text in lines[begin : end + 1]]


def disassemble(program, kernel):
    symbol = f"happyphonellm/internal/kernels.{kernel}.abi0"
    out = subprocess.run([tool("llvm-objdump"), "-d", "--no-show-raw-insn", "--mattr=+all", f"--disassemble-symbols={symbol}", program],
                         capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^\s*([0-9a-f]+):\s+(\S.*?)\s*(?:<.*)?$", out, re.M)
    return [(int(at, 16), re.sub(r"\s+", " ", text)) for at, text in lines]


def cycles(loop, core):
    """Cycles of one round, or None where the core has not all instructions."""
    text = "\n".join(re.sub(r"0x[0-9a-f]{5,}$", "away", line) for line in loop)
    run = subprocess.run([tool("llvm-mca"), "--mtriple=aarch64", f"--mcpu={core}", "--iterations=400"],
                         input=text + "\n", capture_output=True, text=True)
    if run.returncode or "error:" in run.stderr:
        return None
    return int(re.search(r"Total Cycles:\s+(\d+)", run.stdout)[1]) / 400


with tempfile.TemporaryDirectory() as work:
    program = os.path.join(work, "kernels.test")
    subprocess.run(["go", "test", "-c", "-o", program, "./internal/kernels"], cwd=root, check=True,
                   env={**os.environ, "GOARCH": "arm64", "CGO_ENABLED": "0"})
    print("| kernel | instructions | " + " | ".join(CORES) + " |")
    print("| --- | ---: |" + " ---: |" * len(CORES))
    for kernel, weights in KERNELS.items():
        loop = innermost(disassemble(program, kernel))
        cells = [f"{len(loop) / weights:.3f}"]
        for core in CORES:
            c = cycles(loop, core)
            cells.append("" if c is None else f"{c / weights:.3f} ({len(loop) / c:.1f} IPC)")
        print(f"| `{kernel}` | " + " | ".join(cells) + " |")
