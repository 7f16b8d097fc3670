#!/usr/bin/env bash
# The tiny Hugging Face checkpoints of `make test-convert`, each with the logits
# that transformers computes and the file that llama.cpp's script makes of it:
# CACHE/checkpoints/NAME. Only those whose recipe has changed are made.
# usage: checkpoints.sh [NAME...]     (idempotent; needs root; a minute or two)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"

if [[ ! -e $sid/.ready || ! -e $sid/.transformers ]] || ((EUID != 0)); then
  die "transformers is missing in $sid, or you are not root: sudo -E make deps"
fi
[[ -e $cache/peer-convert ]] || die "llama.cpp's script is missing in $cache/peer-convert: sudo -E make deps"

# Inside the Debian folder everything lies under one name, which names of models come from.
inside=/tmp/hpllm/checkpoints-$$
work=$sid$inside
trap 'keep; rm -rf --one-file-system "$work"' EXIT

# keep moves the checkpoints that are complete to the cache, those of an interrupted run, too.
keep() {
  local key folder
  for key in "$work"/out/*/ref/key; do
    [[ -e $key ]] || continue
    folder=${key%/ref/key}
    rm -rf "$cache/checkpoints/$(basename "$folder")"
    mv "$folder" "$cache/checkpoints/"
  done
}
mkdir -p "$work/out" "$cache/checkpoints"
cp "$root"/build/convert/*.py "$work/"
cp -R "$cache/peer-convert" "$work/peer"
for key in "$cache"/checkpoints/*/ref/key; do
  [[ -e $key ]] || continue
  name=${key#"$cache/checkpoints/"}
  printf '%s %s\n' "${name%/ref/key}" "$(cat "$key")"
done >"$work/have"

status=0
in_sid env PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 \
  python3 "$inside/checkpoints.py" "$inside/out" "$inside/peer" "$inside/have" "$@" >&2 || status=1

keep
# What no recipe makes any more goes.
if [[ -e $work/out/names ]]; then
  for folder in "$cache"/checkpoints/*; do
    grep -qxF "$(basename "$folder")" "$work/out/names" || rm -rf "$folder"
  done
fi
exit "$status"
