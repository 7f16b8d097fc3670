#!/usr/bin/env bash
# Speed: the kernels' benchmarks, then the demo model (prompt of 512, 128 generated).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
"$root/build/build.sh"
cd "$root"
go test ./internal/kernels -run '^$' -bench . -benchtime "${BENCHTIME:-200ms}"
model=${MODEL:-$(python3 build/fetch.py "$cache" smollm2-q4_1)}
build/bin/hpllm-cli bench -m "$model" "$@"
