#!/usr/bin/env bash
# Speed with 1 to cores+2 threads, first on an idle machine, then with another
# program on one of its cores. From 2 threads on no row may be below 0.7 of the best:
# more threads than help, or a busy core, must not make a phone slow.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need taskset "sudo apt-get install util-linux"
"$root/build/build.sh"
cd "$root"
model=${MODEL:-$(python3 build/fetch.py "$cache" smollm2-q4_1)}
rows=$(mktemp)
hog=
trap 'rm -f "$rows"; [[ -z $hog ]] || kill "$hog"' EXIT

# measure KIND: one line per row: kind, threads asked for, test, median tok/s.
measure() {
  local threads
  for ((threads = 1; threads <= $(nproc) + 2; threads++)); do
    build/bin/hpllm-cli bench -m "$model" -t "$threads" -p 256 -n 128 -r "${REPS:-5}" -o json 2>/dev/null |
      python3 -c '
import json, statistics, sys
for row in json.load(sys.stdin):
    test = "pp%d" % row["n_prompt"] if row["n_prompt"] else "tg%d" % row["n_gen"]
    print(sys.argv[1], sys.argv[2], test, "%.1f" % statistics.median(row["samples_ts"]))' "$1" "$threads"
  done
}

measure idle >"$rows"
taskset -c 0 sh -c 'while :; do :; done' &
hog=$!
measure busy >>"$rows"
awk '{ kind = $1 " " $3; if ($4 > best[kind]) best[kind] = $4; line[NR] = $0 }
  END {
    print "| core 0 | threads | test | tok/s | of the best |\n| --- | ---: | --- | ---: | ---: |"
    for (i = 1; i <= NR; i++) {
      split(line[i], f)
      part = f[4] / best[f[1] " " f[3]]
      printf "| %s | %d | %s | %.1f | %.2f |\n", f[1], f[2], f[3], f[4], part
      if (f[2] > 1 && part < 0.7) bad++
    }
    if (bad) { printf "%d rows below 0.7 of the best\n", bad; exit 1 }
  }' "$rows"
