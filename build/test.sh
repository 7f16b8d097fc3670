#!/usr/bin/env bash
# Run the suites named (default: all) and end with 'N passed, N failed, N skipped'.
# usage: test.sh [lint|cross|scripts|native|purego|race|arm64|dart|flutter]...
set -uo pipefail
source "$(dirname "$0")/lib.sh"
staticcheck=honnef.co/go/tools/cmd/staticcheck@v0.8.2
engine=(quant gguf kernels parallel kvcache model tokenizer chat sample infer)

need_go
cd "$root" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
totals=$work/totals
go build -o "$work/count" ./build/count || exit 1

# step NAME COMMAND...: one check, passed or failed; quiet unless it fails.
step() {
  local name=$1
  shift
  if ("$@") >"$work/log" 2>&1; then
    say "   ok   $name"
    echo 1 0 0 >>"$totals"
  else
    say "   FAIL $name"
    sed 's/^/      /' "$work/log" >&2
    echo 0 1 0 >>"$totals"
  fi
}

# skip NAME WHY: one check that could not run.
skip() {
  say "   skip $1: $2"
  echo 0 0 1 >>"$totals"
}

# gotest SUITE ARGUMENT...: go test, counted.
gotest() {
  local name=$1
  shift
  go test -json -count=1 -timeout 20m "$@" 2>&1 | "$work/count" "$name" "$totals" >&2
}

formatted() {
  local files
  files=$(gofmt -l .) || return 1
  [[ -z $files ]] || { echo "not gofmt-formatted: $files"; return 1; }
}

# on_engine SUITE ARGUMENT...: gotest of the engine's own packages, without the
# comparisons with other programs (TestPeer...), which suite native makes.
on_engine() { gotest "$@" -short -skip '^TestPeer' "${engine[@]/#/./internal/}"; }

suite_lint() {
  step gofmt formatted
  step "go vet amd64" env GOARCH=amd64 go vet ./...
  step "go vet arm64" env GOARCH=arm64 CGO_ENABLED=0 go vet ./internal/... ./cmd/... ./build/...
  step "go vet purego" go vet -tags purego ./...
  step staticcheck go run "$staticcheck" ./...
  step "go mod verify" go mod verify
  if command -v shellcheck >/dev/null; then
    step shellcheck shellcheck build/*.sh build/*/*.sh examples/*/*.sh .ci/run
  else
    skip shellcheck "missing; install it: sudo apt-get install shellcheck"
  fi
}

suite_cross() {
  local target
  for target in linux/amd64 linux/arm64 android/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64; do
    step "build $target" cross "${target%/*}" "${target#*/}"
  done
  step "build ios/arm64" ios
}

# cross OS ARCH: the packages, and the program linked.
cross() {
  export CGO_ENABLED=0 GOOS=$1 GOARCH=$2
  go build ./internal/... && go build -o "$work/out/" ./cmd/...
}

# ios: an iOS program can be linked by Apple's tools only, and Go does not even
# compile one without them; so the program is compiled as if it were a package,
# and programs that only make source files are left out.
ios() {
  local file copy separator=
  mkdir -p "$work/ios"
  for file in cmd/hpllm-cli/*.go; do
    copy=$work/ios/$(basename "$file")
    sed 's/^package main$/package hpllmcli/' "$file" >"$copy"
    printf '%s"%s": "%s"' "$separator" "$root/$file" "$copy"
    separator=,
  done | sed '1s/^/{"Replace": {/; $s/$/}}/' >"$work/ios/overlay.json"
  go list -f '{{if ne .Name "main"}}{{.ImportPath}}{{end}}' ./internal/... |
    CGO_ENABLED=0 GOOS=ios GOARCH=arm64 xargs go build -overlay "$work/ios/overlay.json" ./cmd/...
}

suite_scripts() {
  step "build/fetch_test.py" python3 build/fetch_test.py
  step "build/flutter/runners_test.py" python3 build/flutter/runners_test.py
}

# One package at a time: some tests measure latencies on all cores.
suite_native() { gotest native -p 1 ./...; }

# counted COMMAND...: a script whose last line counts its checks.
counted() {
  "$@" >"$work/counted"
  sed '/^[0-9]* passed, [0-9]* failed$/d; s/^/   /' "$work/counted" >&2
  awk '/^[0-9]+ passed, [0-9]+ failed$/ { p = $1; f = $3; n = 1 } END { print n ? p " " f " 0" : "0 1 0" }' "$work/counted" >>"$totals"
}

suite_dart() {
  if [[ ! -x $sid/usr/bin/dart ]] || ((EUID != 0)); then
    skip dart "the Dart SDK in $sid is missing, or you are not root; make deps"
    return
  fi
  counted "$root/build/dart.sh"
}

suite_flutter() {
  local part
  if [[ ! -x $sid/usr/lib/flutter-engine/linux-x64/flutter_tester ]] || ((EUID != 0)); then
    skip flutter "Flutter in $sid is missing, or you are not root; make deps"
    return
  fi
  for part in analyze test drive restart; do
    counted "$root/build/flutter.sh" "$part"
  done
}

suite_purego() { on_engine purego -tags purego; }

# The race detector sees what Go reads and writes, not what assembly does: the model's
# workers are watched without it, where they meet in the same numbers.
suite_race() {
  if command -v gcc >/dev/null; then
    CGO_ENABLED=1 on_engine race -race
    CGO_ENABLED=1 gotest race-purego -race -tags purego ./internal/model
  else
    skip race "gcc is missing; install it: sudo apt-get install gcc libc6-dev"
  fi
}

suite_arm64() {
  if command -v qemu-aarch64-static >/dev/null; then
    GOARCH=arm64 CGO_ENABLED=0 on_engine arm64 -exec "qemu-aarch64-static -cpu max"
  else
    skip arm64 "qemu-aarch64-static is missing; install it: sudo apt-get install qemu-user-static"
  fi
}

suites=("$@")
if ((${#suites[@]} == 0)); then
  suites=(lint cross scripts native purego race arm64 dart flutter)
  # With everything in place a skipped comparison would be a hidden failure.
  if "$root/build/deps.sh"; then
    export HPLLM_REQUIRE=1
  else
    say "Some tools are missing (above): the tests that need them are skipped."
  fi
fi
for suite in "${suites[@]}"; do
  declare -F "suite_$suite" >/dev/null || die "no suite $suite"
  say "== $suite"
  "suite_$suite"
done

read -r passed failed skipped < <(awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }' "$totals")
if ((skipped)); then
  echo "$passed passed, $failed failed, $skipped skipped"
else
  echo "$passed passed, $failed failed"
fi
((failed == 0 && passed > 0))
