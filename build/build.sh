#!/usr/bin/env bash
# Build the command line program into build/bin; prints nothing when all is well.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_go
cd "$root"
CGO_ENABLED=0 go build -trimpath -o build/bin/ ./cmd/hpllm-cli
