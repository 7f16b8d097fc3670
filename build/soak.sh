#!/usr/bin/env bash
# The long tests of the library: 1,000 load and free rounds, 60 s of many
# threads, 200 stops and 20,000 calls with the machine busy, and FUZZTIME
# (default 10m) of random call sequences. Half an hour in all. Latencies are
# compared with their limits: nothing else should run on the machine.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_go
cd "$root"
build/library.sh host >&2
export HPLLM_LIB=$root/build/lib/host/libhappyphonellm.so
HPLLM_SOAK=1 HPLLM_REQUIRE=1 go test -count=1 -timeout 60m -v -run 'TestLoadAndFree|TestManyThreads|TestStop|TestCallsWhileComputing' ./capi/abitest |
  grep -v '^=== '
go test -run '^$' -fuzz FuzzCalls -fuzztime "${FUZZTIME:-10m}" -fuzzminimizetime 1x -parallel 1 ./capi/abitest
