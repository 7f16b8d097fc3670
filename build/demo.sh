#!/usr/bin/env bash
# From a clone to an answer: build, fetch SmolLM2-135M-Instruct once, ask it.
# MODEL=path uses that file instead; PROMPT=text asks something else.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
prompt=${PROMPT:-Why is the sky blue? Answer in two sentences.}

"$root/build/build.sh"
model=${MODEL:-}
if [[ -z $model ]]; then
  need python3 "sudo apt-get install python3 python3-pip"
  model=$(python3 "$root/build/fetch.py" "$cache" smollm2-q4_1)
fi
say "> $prompt"
exec "$root/build/bin/hpllm-cli" run -m "$model" -p "$prompt" -n 200 --stats text
