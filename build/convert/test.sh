#!/usr/bin/env bash
# Convert the tiny checkpoints of every family and compare the files, and the
# logits that they give, with transformers' and llama.cpp's.
# usage: test.sh [NAME...]     (only these checkpoints are made again and compared)
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need_go
"$root/build/convert/checkpoints.sh" "$@"
cd "$root"
run=TestPeerCheckpoints
(($# == 0)) || run="$run/^($(IFS='|' && echo "$*"))"
HPLLM_REQUIRE=1 exec go test ./internal/convert -run "$run" -count=1 -v
