#!/usr/bin/env bash
# Measure the engine against llama.cpp on every tensor type, and write what was
# measured to docs/fidelity.md and docs/models.md. Takes an hour the first time.
# With the word "models": the architectures only, for docs/models.md.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
"$root/build/deps.sh"
cd "$root"
if [[ ${1:-} == models ]]; then
  HPLLM_FIDELITY=models HPLLM_REQUIRE=1 exec go test ./internal/fidelity -run TestArchitectures -count=1 -timeout 1h
fi
HPLLM_FIDELITY=full HPLLM_REQUIRE=1 go test ./internal/fidelity -count=1 -v -timeout 4h
