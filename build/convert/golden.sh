#!/usr/bin/env bash
# Make the small checkpoints of internal/convert/testdata/golden again: transformers
# makes them and their logits, llama.cpp's script the files whose tensors and keys
# TestGolden compares ours with. Needs root and what `make deps` fetches.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need_go

if [[ ! -e $sid/.ready || ! -e $sid/.transformers ]] || ((EUID != 0)); then
  die "transformers is missing in $sid, or you are not root: sudo -E make deps"
fi
inside=/tmp/hpllm/golden-$$
work=$sid$inside
trap 'rm -rf --one-file-system "$work"' EXIT
mkdir -p "$work/out"
cp "$root"/build/convert/*.py "$work/"
cp -R "$cache/peer-convert" "$work/peer"
: >"$work/have"
in_sid env PYTHONDONTWRITEBYTECODE=1 HF_HUB_OFFLINE=1 TOKENIZERS_PARALLELISM=false OMP_NUM_THREADS=1 \
  python3 "$inside/golden.py" "$inside/out" "$inside/peer" "$inside/have" >"$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
golden=$root/internal/convert/testdata/golden
rm -rf "$golden"
mkdir -p "$golden"
for folder in "$work"/out/*/; do
  name=$(basename "$folder")
  mkdir -p "$golden/$name/ref"
  cp "$folder"/*.json "$folder"/*.safetensors "$golden/$name/"
  cp "$folder"/ref/{ids.txt,logits.f32} "$golden/$name/ref/"
  [[ ! -e $folder/tokenizer.model ]] || cp "$folder/tokenizer.model" "$golden/$name/"
  chmod 644 "$golden/$name"/*.*
done
cd "$root"
HPLLM_GOLDEN=$work/out go test ./internal/convert -run TestGolden -count=1
