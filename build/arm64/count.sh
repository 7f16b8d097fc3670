#!/bin/bash
# Exact arm64 instructions of the kernels, per weight and token or per value:
# every benchmark Count* of internal/kernels runs under qemu with two iteration
# counts, and the difference of their instructions is divided by its work.
# usage: build/arm64/count.sh [-cpu MODEL] [REGEXP of benchmarks]
set -euo pipefail
cd "$(dirname "$0")/../.."

cpu=max,sve=off,sme=off
if [ "${1:-}" = -cpu ]; then cpu=$2; shift 2; fi
only=${1:-.}

need() { command -v "$1" >/dev/null || { echo "count.sh: $1 is missing: apt-get install $2" >&2; exit 1; }; }
need qemu-aarch64 qemu-user
need cc gcc

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc -O2 -shared -fPIC -o "$work/insncount.so" build/arm64/plugin/insncount.c
GOARCH=arm64 CGO_ENABLED=0 go test -c -o "$work/kernels.test" ./internal/kernels/

# The garbage collector and the scheduler's timer would blur the counts.
run() {
    GOGC=off GOMAXPROCS=1 GODEBUG=asyncpreemptoff=1 qemu-aarch64 -cpu "$cpu" -plugin "$work/insncount.so" \
        "$work/kernels.test" -test.run '^$' -test.bench "$1" -test.benchtime "${2}x" 2>&1
}
count() { run "$1" "$2" | sed -n 's/^guest instructions: //p'; }

run 'BenchmarkCount' 1 | sed -n 's/^\(BenchmarkCount[^ \t]*\).*/\1/p' | grep -E -- "$only" | while read -r name; do
    pattern="^${name//\//\$/^}\$"
    few=100 more=2100
    case $name in *tokens=[2-9]*|*Attend*) few=5 more=55 ;; esac
    a=$(count "$pattern" $few)
    b=$(count "$pattern" $more)
    awk -v name="${name#BenchmarkCount}" -v a="$a" -v b="$b" -v n=$((more - few)) 'BEGIN {
        work = name; sub(/.*work=/, "", work); sub(/\/work=.*/, "", name)
        printf "%-24s %8.4f\n", name, (b - a) / n / work }'
done
