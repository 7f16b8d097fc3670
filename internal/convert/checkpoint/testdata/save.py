# Writes the golden files of TestTorch into the folder that is named:
# zip.pt, legacy.pt and nested.pt by torch.save, and want.json.
import json, os, sys
from collections import OrderedDict

import torch

out = sys.argv[1]
torch.manual_seed(1)
plain = torch.randn(3, 5)
old = OrderedDict(
    plain=plain,
    half=torch.randn(4, 2).half(),
    bf16=torch.randn(7).bfloat16(),
    transposed=torch.randn(4, 6).t(),
    slice=torch.arange(24, dtype=torch.float32).reshape(4, 6)[1:3, 2:5],
    shared=plain,
    param=torch.nn.Parameter(torch.randn(2, 2)),
    scalar=torch.tensor(5),
    permuted=torch.arange(24, dtype=torch.float64).reshape(2, 3, 4).permute(2, 0, 1),
    int8=torch.tensor([-3, 4], dtype=torch.int8),
    bool=torch.tensor([True, False]),
)
old._metadata = OrderedDict({"": {"version": 1}})
new = OrderedDict(old, float8=torch.tensor([1.5, -2.0]).to(torch.float8_e4m3fn), uint16=torch.tensor([65535, 1]).to(torch.uint16))
new._metadata = old._metadata
torch.save(new, os.path.join(out, "zip.pt"))
torch.save(old, os.path.join(out, "legacy.pt"), _use_new_zipfile_serialization=False)
torch.save({"epoch": 3, "loss": 0.5, "model": dict(new), "optimizer": None}, os.path.join(out, "nested.pt"), pickle_protocol=4)
want = {k: {"shape": list(v.shape), "values": v.detach().float().flatten().tolist()} for k, v in new.items()}
json.dump(want, open(os.path.join(out, "want.json"), "w"))
