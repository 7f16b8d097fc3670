# Functions that the scripts of build/ share; sourced, never run.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
case $(uname -s) in
  Darwin) caches=$HOME/Library/Caches ;;
  *) caches=${XDG_CACHE_HOME:-$HOME/.cache} ;;
esac
# Where models, peers and everything else that is fetched or made once stays.
cache=${HPLLM_CACHE:-$caches/happy-phone-llm}
sid=$cache/sid

say() { printf '%s\n' "$*" >&2; }
die() {
  say "$(basename "$0"): $*"
  exit 1
}

# need TOOL COMMAND: end with the command that installs TOOL, if it is missing.
need() { command -v "$1" >/dev/null || die "$1 is missing; install it: $2"; }

# need_go: Go of at least go.mod's version. (Go 1.21 and newer fetch the version
# that go.mod asks for by themselves, where GOTOOLCHAIN allows it; Debian 12's
# 1.19 does not.)
need_go() {
  local want have os machine
  want=$(awk '$1 == "go" { print $2 }' "$root/go.mod")
  have=$(cd "$root" && go env GOVERSION 2>/dev/null) || have=
  have=${have#go}
  [[ $have && $(printf '%s\n' "$want" "${have%% *}" | sort -V | head -n 1) == "$want" ]] && return
  os=$(uname -s | tr '[:upper:]' '[:lower:]')
  machine=$(uname -m | sed 's/x86_64/amd64/; s/aarch64/arm64/')
  die "Go $want or newer is needed, ${have:-none} is here; install it: curl -L https://go.dev/dl/go$want.$os-$machine.tar.gz | sudo tar -C /usr/local -xz, and add /usr/local/go/bin to PATH"
}

# apt PACKAGE...: install what is missing, where we may; else say how, and fail.
apt() {
  local missing=() p
  for p in "$@"; do
    [[ $(dpkg-query -W -f '${Status}' "$p" 2>/dev/null) == *' installed' ]] || missing+=("$p")
  done
  ((${#missing[@]})) || return 0
  if ! command -v apt-get >/dev/null || ((EUID != 0)); then
    say "missing packages; install them: sudo apt-get install ${missing[*]}"
    return 1
  fi
  say "Installing ${missing[*]} ..."
  apt-get update -qq
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
}

# in_sid COMMAND...: run inside the Debian folder that build/sid.sh made.
in_sid() { "$root/build/peer/enter.sh" "$sid" "$@"; }
