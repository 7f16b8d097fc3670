#!/usr/bin/env bash
# Measure prefill and decode against llama-bench in turn, on every model file, and
# write the table and the picture of docs/performance.md. Wants a quiet machine
# and root; half an hour. REPS, THREADS, FILES="name..." (of the cache's models).
set -euo pipefail
source "$(dirname "$0")/lib.sh"
types=(q4_0 q4_1 q8_0 q4_k_m q6_k q5_0 q5_k_m iq4_nl q3_k_m q2_k f16 bf16)
big=(q4_0 q4_k_m q8_0 q4_1)
"$root/build/models.sh"
"$root/build/build.sh"
cd "$root"

# The random model of 1B weights, and its quantized forms.
for type in "${big[@]}"; do
  to=$cache/models/random1b-$type.gguf
  [[ -e $to ]] && continue
  mkdir -p "$sid/tmp/hpllm/bench"
  f16=$sid/tmp/hpllm/bench/random1b-f16.gguf
  [[ -e $f16 ]] || go run ./build/random1b "$cache/models/smollm2-q4_1.gguf" "$f16"
  in_sid llama-quantize "/tmp/hpllm/bench/random1b-f16.gguf" "/tmp/hpllm/bench/out.gguf" "${type^^}" >/dev/null 2>&1
  mv "$sid/tmp/hpllm/bench/out.gguf" "$to"
done
rm -f "$sid/tmp/hpllm/bench/random1b-f16.gguf"

results=$cache/performance
mkdir -p "$results"

# measure SECTION NAME...: the files of the cache's models, into a section of the page.
measure() {
  local section=$1 name files=()
  shift
  for name; do
    say "$section $name ..."
    # Read from the disk again: a file that was just written is in memory in small pages.
    sync "$cache/models/$name.gguf"
    dd if="$cache/models/$name.gguf" iflag=nocache count=0 status=none
    cat "$cache/models/$name.gguf" >/dev/null
    build/bin/hpllm-cli bench "${flags[@]}" -m "$cache/models/$name.gguf" -t "${THREADS:-2}" -p 512 -n 64 -r "${REPS:-5}" \
      --vs build/peer/llama-bench.sh -o json >"$results/part"
    mkdir -p "$results/$section"
    mv "$results/part" "$results/$section/$name.json"
    files+=("$results/$section/$name.json")
  done
  [[ ${FILES:-} ]] || go run ./build/perfdoc docs/performance.md "$section" "${files[@]}"
}

names=("${types[@]/#/smollm2-}" gemma3-q4_k_m gemma3-q4_0 gemma3-q8_0 "${big[@]/#/random1b-}")
read -ra names <<<"${FILES:-${names[*]}}"
flags=()
measure measured "${names[@]}"

# Both sides as on a processor without AVX-512.
names=("${types[@]/#/smollm2-}" gemma3-q4_k_m)
read -ra names <<<"${FILES:-${names[*]}}"
flags=(--kernels avx2)
PEER_CPU=haswell measure avx2 "${names[@]}"
