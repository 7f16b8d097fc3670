#!/usr/bin/env bash
# llama-bench of the Debian folder that build/sid.sh made, with the files of this
# machine: for `hpllm-cli bench --vs build/peer/llama-bench.sh`. Needs root.
# PEER_CPU=haswell (or another of its CPU backends) leaves it this backend alone.
set -euo pipefail
source "$(dirname "$0")/../lib.sh"
args=()
while (($#)); do
  args+=("$1")
  if [[ $1 == -m ]]; then
    shift
    mkdir -p "$sid/tmp/hpllm/bench"
    inside=/tmp/hpllm/bench/$(basename "$1")
    [[ "$sid$inside" -ef "$1" ]] || ln -fL "$1" "$sid$inside" 2>/dev/null || cp "$1" "$sid$inside"
    args+=("$inside")
  fi
  shift
done
if [[ -z ${PEER_CPU:-} ]]; then
  in_sid llama-bench "${args[@]}" 2>/dev/null
  exit
fi
# A folder with one backend covers the one with all, for this process only.
backends=$sid/usr/lib/$(uname -m)-linux-gnu/ggml/backends0
one=$sid/tmp/hpllm/backend-$PEER_CPU
mkdir -p "$one"
cp "$backends/libggml-cpu-$PEER_CPU.so" "$one"
# shellcheck disable=SC2016 # for the inner shell to expand
unshare --mount bash -c 'mount --bind "$1" "$2" && exec "${@:3}" 2>/dev/null' bash \
  "$one" "$backends" "$root/build/peer/enter.sh" "$sid" llama-bench "${args[@]}"
