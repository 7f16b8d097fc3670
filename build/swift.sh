#!/usr/bin/env bash
# Install Swift into the Debian folder CACHE/sid, for examples/swift and its test.
# usage: swift.sh          (idempotent; needs root and Debian; 2.7 GB, 1 minute)
# Nothing to do on macOS: Xcode has Swift.
set -euo pipefail
source "$(dirname "$0")/lib.sh"

"$root/build/sid.sh"
[[ -x $sid/usr/bin/swiftc ]] && exit
say "Installing Swift into $sid (2.7 GB) ..."
log=$cache/swift.log
trap 'tail -n 5 "$log" >&2' ERR
in_sid apt-get update -qq >"$log" 2>&1
DEBIAN_FRONTEND=noninteractive in_sid apt-get install -y -qq --no-install-recommends swiftlang >>"$log" 2>&1
in_sid apt-get clean
