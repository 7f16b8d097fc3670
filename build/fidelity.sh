#!/usr/bin/env bash
# Measure the engine against llama.cpp on every tensor type, and write what was
# measured to docs/fidelity.md. Takes an hour the first time.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
"$root/build/deps.sh"
cd "$root"
HPLLM_FIDELITY=full HPLLM_REQUIRE=1 go test ./internal/fidelity -count=1 -v -timeout 4h
