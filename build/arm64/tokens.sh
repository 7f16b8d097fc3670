#!/usr/bin/env bash
# Exact arm64 instructions per token of the whole program, in millions, one thread:
# decode is the difference between 24 and 8 tokens one by one, prefill that
# between 64 and 32 tokens at once, divided by their number.
# usage: build/arm64/tokens.sh [-cpu MODEL] [NAME...]     names of CACHE/models, without .gguf
set -euo pipefail
source "$(dirname "$0")/../lib.sh"
cd "$root"
cpu=max,sve=off,sme=off
if [[ ${1:-} == -cpu ]]; then cpu=$2; shift 2; fi
names=("$@")
((${#names[@]})) || names=(smollm2-{q4_0,q8_0,q4_1,q5_0,q6_k,iq4_nl,f16} gemma3-q4_k_m)
need qemu-aarch64 "sudo apt-get install qemu-user"
need cc "sudo apt-get install gcc libc6-dev"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC -o "$work/insncount.so" build/arm64/plugin/insncount.c
GOARCH=arm64 CGO_ENABLED=0 go build -o "$work/hpllm-cli" ./cmd/hpllm-cli

# count ARGUMENT...: instructions of one run, without the garbage collector and the
# scheduler's timer, which would blur them.
count() {
  GOGC=off GOMAXPROCS=1 GODEBUG=asyncpreemptoff=1 qemu-aarch64 -cpu "$cpu" -plugin "$work/insncount.so" \
    "$work/hpllm-cli" bench -m "$model" -t 1 -r 1 --no-warmup "$@" 2>&1 | sed -n 's/^guest instructions: //p'
}

printf '%-20s %8s %8s\n' file decode prefill
for name in "${names[@]}"; do
  model=$cache/models/$name.gguf
  [[ -e $model ]] || die "$model is missing; make it: make deps"
  awk -v name="$name" -v a="$(count -p 0 -n 8)" -v b="$(count -p 0 -n 24)" -v c="$(count -n 0 -p 32)" -v d="$(count -n 0 -p 64)" \
    'BEGIN { printf "%-20s %8.1f %8.1f\n", name, (b - a) / 16e6, (d - c) / 32e6 }'
done
