#!/usr/bin/env bash
# llama-bench of the Debian folder that build/sid.sh made, with the files of this
# machine: for `hpllm-cli bench --vs build/peer/llama-bench.sh`. Needs root.
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
in_sid llama-bench "${args[@]}" 2>/dev/null
