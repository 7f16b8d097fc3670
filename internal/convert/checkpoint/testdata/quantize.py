# Writes the golden checkpoints of TestQuantized into the folder that is named, a
# folder for each form: model.safetensors, config.json, and want.f32, the numbers
# of tensor "a.weight" computed in float64 from the codes before they are packed.
import json, os, sys

import numpy as np
import torch
from safetensors.torch import save_file

out = sys.argv[1]
rng = np.random.default_rng(1)
rows, cols = 16, 32


def write(name, tensors, config, want, dtype="bfloat16"):
    folder = os.path.join(out, name)
    os.makedirs(folder, exist_ok=True)
    tensors["norm.weight"] = torch.ones(3)
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, os.path.join(folder, "model.safetensors"))
    json.dump({"dtype": dtype, "quantization_config": config}, open(os.path.join(folder, "config.json"), "w"))
    np.asarray(want, dtype=np.float64).astype("<f4").tofile(os.path.join(folder, "want.f32"))


def wide(t):
    return t.to(torch.float64).numpy()


def floats(*shape):
    return torch.tensor(rng.normal(size=shape).astype(np.float32))


def words(codes, bits, axis, order=None):
    """Packs integers along an axis into int32, each word's first in the lowest bits; order permutes those of a word."""
    codes = np.moveaxis(codes, axis, -1)
    per = 32 // bits
    pad = -codes.shape[-1] % per
    codes = np.concatenate([codes, np.zeros((*codes.shape[:-1], pad), codes.dtype)], -1)
    codes = codes.reshape(*codes.shape[:-1], -1, per)
    if order is not None:
        codes = codes[..., order]
    packed = np.zeros(codes.shape[:-1], np.uint32)
    for i in range(per):
        packed |= codes[..., i].astype(np.uint32) << np.uint32(i * bits)
    return torch.tensor(np.moveaxis(packed, -1, axis).copy().view(np.int32))


def blocks(scale, r, c):
    return np.repeat(np.repeat(scale, r, 0), c, 1)[:rows, :cols]


# 8-bit floats
f8 = (floats(rows, cols) * 20).to(torch.float8_e4m3fn)
s = floats(2, 3).abs()
write("fp8-block", {"a.weight": f8, "a.weight_scale_inv": s}, {"quant_method": "fp8", "weight_block_size": [10, 12]}, wide(f8) * blocks(wide(s), 10, 12))
s = torch.tensor(rng.integers(118, 130, size=(4, 2)).astype(np.uint8)).view(torch.float8_e8m0fnu)
write("fp8-e8m0", {"a.weight": f8, "a.weight_scale_inv": s}, {"quant_method": "fp8", "weight_block_size": [4, 16], "scale_fmt": "ue8m0"}, wide(f8) * blocks(wide(s.float()), 4, 16))
s = torch.tensor(0.37)
write("fp8-tensor", {"a.weight": f8, "a.weight_scale_inv": s, "a.activation_scale": s}, {"quant_method": "fp8", "weight_block_size": None}, wide(f8) * float(s))
e5 = (floats(rows, cols) * 20).to(torch.float8_e5m2)
s = floats(rows, 1).abs().bfloat16()
write("ct-channel", {"a.weight": e5, "a.weight_scale": s, "a.input_scale": s[0]}, {"quant_method": "compressed-tensors", "format": "float-quantized"}, wide(e5) * wide(s))
i8 = torch.tensor(rng.integers(-128, 128, size=(rows, cols)).astype(np.int8))
write("ct-int8", {"a.weight": i8, "a.weight_scale": s, "a.weight_zero_point": torch.zeros(rows, 1, dtype=torch.int8)}, {"quant_method": "compressed-tensors", "format": "int-quantized"}, wide(i8) * wide(s))
s = torch.tensor([0.25])
write("modelopt-fp8", {"a.weight": f8, "a.weight_scale": s, "a.input_scale": s, "a.k_scale": s}, {"quant_method": "modelopt", "quant_algo": "FP8"}, wide(f8) * 0.25)
stack = (floats(4, 8, 16) * 20).to(torch.float8_e4m3fn)
s = floats(4, 2, 2).abs()
write("fp8-experts", {"a.weight": stack, "a.weight_scale_inv": s}, {"quant_method": "fp8", "weight_block_size": [4, 8]}, wide(stack) * np.repeat(np.repeat(wide(s), 4, 1), 8, 2))

# 4-bit floats
e2m1 = np.array([0, 0.5, 1, 1.5, 2, 3, 4, 6, -0.0, -0.5, -1, -1.5, -2, -3, -4, -6])
codes = rng.integers(0, 16, size=(rows, cols)).astype(np.uint8)
nibbles = torch.tensor(codes[:, 0::2] | codes[:, 1::2] << 4)
s = floats(rows, cols // 16).abs().to(torch.float8_e4m3fn)
g = torch.tensor(0.7)
write("modelopt-nvfp4", {"a.weight": nibbles, "a.weight_scale": s, "a.weight_scale_2": g, "a.input_scale": g}, {"quant_method": "modelopt", "quant_algo": "NVFP4"}, e2m1[codes] * np.repeat(wide(s), 16, 1) * float(g))
g = torch.tensor([3.1])
write("ct-nvfp4", {"a.weight_packed": nibbles, "a.weight_scale": s, "a.weight_global_scale": g, "a.input_global_scale": g}, {"quant_method": "compressed-tensors", "format": "nvfp4-pack-quantized"}, e2m1[codes] * np.repeat(wide(s), 16, 1) / float(g))
s = torch.tensor(rng.integers(120, 134, size=(rows, cols // 32)).astype(np.uint8))
write("ct-mxfp4", {"a.weight_packed": nibbles, "a.weight_scale": s}, {"quant_method": "compressed-tensors", "format": "mxfp4-pack-quantized"}, e2m1[codes] * np.repeat(2.0 ** (s.numpy().astype(np.float64) - 127), 32, 1))
write("fp8-fp4", {"a.weight": nibbles.view(torch.int8), "a.weight_scale_inv": s.view(torch.float8_e8m0fnu)}, {"quant_method": "fp8", "weight_block_size": [128, 128]}, e2m1[codes] * np.repeat(2.0 ** (s.numpy().astype(np.float64) - 127), 32, 1))

# GPTQ and AWQ: codes are [in, out]
for bits, name, config, less in [(4, "gptq-4", {}, 1), (8, "gptq-8", {}, 1), (2, "gptq-2", {}, 1), (4, "gptq-v2", {"checkpoint_format": "gptq_v2"}, 0)]:
    codes = rng.integers(0, 2**bits, size=(cols, rows))
    zeros = rng.integers(1, 2**bits, size=(4, rows))
    s = (floats(4, rows) * 0.1).half()
    order = rng.permutation(cols) % 4
    write(
        name,
        {"a.qweight": words(codes, bits, 0), "a.qzeros": words(zeros - less, bits, 1), "a.scales": s, "a.g_idx": torch.tensor(order.astype(np.int32))},
        {"quant_method": "gptq", "bits": bits, "group_size": 8, "desc_act": True, **config},
        ((codes - zeros[order]) * wide(s)[order]).T,
        "float16",
    )
codes = rng.integers(0, 16, size=(cols, rows))
zeros = rng.integers(0, 16, size=(2, rows))
s = (floats(2, rows) * 0.1).half()
order = [0, 2, 4, 6, 1, 3, 5, 7]  # a word's lowest bits have the first of eight, then the third, ...
write(
    "awq",
    {"a.qweight": words(codes, 4, 1, order), "a.qzeros": words(zeros, 4, 1, order), "a.scales": s},
    {"quant_method": "awq", "bits": 4, "group_size": 16, "version": "gemm", "zero_point": True},
    ((codes - np.repeat(zeros, 16, 0)) * np.repeat(wide(s), 16, 0)).T,
    "float16",
)

# compressed-tensors' packed integers
for bits, name, zero, index in [(4, "ct-int4", False, False), (8, "ct-packed-int8", False, False), (4, "ct-int4-zero", True, True)]:
    codes = rng.integers(0, 2**bits, size=(rows, cols))
    zeros = rng.integers(0, 2**bits, size=(rows, 4)) if zero else np.full((rows, 4), 2 ** (bits - 1))
    s = (floats(rows, 4) * 0.1).bfloat16()
    order = rng.permutation(cols) % 4 if index else np.arange(cols) // 8
    tensors = {"a.weight_packed": words(codes, bits, 1), "a.weight_scale": s, "a.weight_shape": torch.tensor([rows, cols])}
    if zero:
        tensors["a.weight_zero_point"] = words(zeros, bits, 0)
    if index:
        tensors["a.weight_g_idx"] = torch.tensor(order.astype(np.int32))
    write(name, tensors, {"quant_method": "compressed-tensors", "format": "pack-quantized"}, (codes - zeros[:, order]) * wide(s)[:, order])

# bitsandbytes
s = floats(rows).abs()
write("bnb-int8", {"a.weight": i8, "a.SCB": s, "a.weight_format": torch.tensor(0, dtype=torch.uint8)}, {"quant_method": "bitsandbytes", "load_in_8bit": True}, wide(i8) * wide(s)[:, None] / 127)
codes = rng.integers(0, 16, size=rows * cols).astype(np.uint8)
table = torch.sort(floats(16).clamp(-1, 1))[0]
packed = torch.tensor(codes[0::2] << 4 | codes[1::2]).reshape(-1, 1)


def state(**more):
    text = json.dumps({"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [rows, cols], **more})
    return torch.tensor(np.frombuffer(text.encode(), np.uint8).copy())


absmax = floats(rows * cols // 64).abs()
config = {"quant_method": "bitsandbytes", "load_in_4bit": True, "bnb_4bit_quant_type": "nf4"}
write(
    "bnb-nf4",
    {"a.weight": packed, "a.weight.absmax": absmax, "a.weight.quant_map": table, "a.weight.quant_state.bitsandbytes__nf4": state()},
    config,
    wide(table)[codes] * np.repeat(wide(absmax), 64),
)
nested = rng.integers(0, 256, size=rows * cols // 64).astype(np.uint8)
outer, scales = torch.linspace(-1, 1, 256), floats(3).abs()
factors = wide(outer)[nested] * np.repeat(wide(scales), 3)[: len(nested)] + 0.0625
write(
    "bnb-nested",
    {
        "a.weight": packed, "a.weight.absmax": torch.tensor(nested), "a.weight.quant_map": table, "a.weight.nested_absmax": scales,
        "a.weight.nested_quant_map": outer, "a.weight.quant_state.bitsandbytes__nf4": state(nested_blocksize=3, nested_dtype="float32", nested_offset=0.0625),
    },
    config,
    wide(table)[codes] * np.repeat(factors, 64),
)

# BitNet
codes = rng.integers(0, 3, size=(rows, cols)).astype(np.uint8)
packed = sum(codes[i * rows // 4 : (i + 1) * rows // 4] << 2 * i for i in range(4))
s = torch.tensor([3.3]).bfloat16()
write("bitnet", {"a.weight": torch.tensor(packed), "a.weight_scale": s}, {"quant_method": "bitnet"}, (codes.astype(np.float64) - 1) / wide(s))
