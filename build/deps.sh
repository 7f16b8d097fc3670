#!/usr/bin/env bash
# Install or make everything that tests use: packages (where we may), models
# and llama.cpp's tools. Each thing missing is one line; exit 1 if any is.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
need_go
failed=0

# tool COMMAND PACKAGE...: COMMAND must be there; PACKAGE... has it.
tool() {
  command -v "$1" >/dev/null && return
  apt "${@:2}" || failed=1
}
tool python3 python3
python3 -m pip --version >/dev/null 2>&1 || apt python3-pip || failed=1
python3 -m venv --help >/dev/null 2>&1 && python3 -c 'import ensurepip' 2>/dev/null || apt python3-venv || failed=1
tool gcc gcc libc6-dev
tool g++ g++
tool clang clang
tool ld.lld lld
tool zip zip
tool llvm-mc llvm
[[ -e /usr/aarch64-linux-gnu/include/stdio.h ]] || apt libc6-dev-arm64-cross libgcc-12-dev-arm64-cross || failed=1
tool qemu-aarch64-static qemu-user-static
tool shellcheck shellcheck

"$root/build/sid.sh" || failed=1
"$root/build/models.sh" || failed=1
"$root/build/convert/checkpoints.sh" || failed=1
"$root/build/flutter/font.sh" >/dev/null || failed=1
"$root/build/kotlin.sh" >/dev/null || failed=1
"$root/build/swift.sh" || failed=1
exit "$failed"
