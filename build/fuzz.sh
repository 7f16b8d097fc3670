#!/usr/bin/env bash
# Run every native fuzz target for FUZZTIME (default 5m), one after the other.
# Inputs are made smaller for a few runs only: by default each that is new takes a
# minute of that, which is most of the time, and ends in "minimizing: EOF" at its end.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_go
cd "$root"
for package in $(go list ./internal/... ./capi/abitest); do
  folder=$root/${package#happyphonellm/}
  targets=$(cat "$folder"/*_test.go 2>/dev/null | sed -nE 's/^func (Fuzz[A-Za-z0-9_]*).*/\1/p')
  for target in $targets; do
    say "$package $target"
    go test "$package" -run '^$' -fuzz "^$target\$" -fuzztime "${FUZZTIME:-5m}" -fuzzminimizetime 100x
  done
done
