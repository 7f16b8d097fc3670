#!/usr/bin/env bash
# A Debian sid root folder in CACHE/sid with what the tests compare against:
# llama.cpp's tools, tests and library, and a C compiler that builds our own
# small programs on it (build/peer/NAME.c becomes hpllm-peer-NAME); with the Dart
# SDK, on which the Dart package is tested; with Flutter and an X server, on which
# the app is; and with transformers, whose models convert is compared with.
# usage: sid.sh            (idempotent; needs root and Debian; 4 GB, 7 minutes)
set -euo pipefail
source "$(dirname "$0")/lib.sh"

peers="llama.cpp-tools llama.cpp-tools-extra llama.cpp-tests libllama-dev libggml-dev gcc libc6-dev python3 python3-jinja2"
# For build/dart.sh: the SDK, and what would come from a pub server.
dart="dart-sdk dart-ffi dart-meta dart-test-api dart-matcher"
# For build/flutter.sh: the framework and the engine, fonts, what builds a GTK
# program and what drives it.
flutter="flutter flutter-test flutter-tester flutter-patched-sdk flutter-engine-tools sky-engine
  libflutter-linux-gtk libflutter-linux-gtk-dev fonts-roboto-unhinted fonts-dejavu-core fonts-dejavu-mono
  g++ libgtk-3-dev cmake ninja-build pkgconf xvfb xauth xdotool dbus-daemon imagemagick libgl1-mesa-dri"
# For build/convert/checkpoints.sh: what makes and saves tiny models, and what
# llama.cpp's script imports.
transformers="python3-torch python3-transformers python3-safetensors python3-tokenizers python3-sentencepiece python3-protobuf python3-gguf python3-jinja2"

((EUID == 0)) || die "llama.cpp's tools need root to be installed: sudo -E make deps (or leave them out)"
command -v apt-get >/dev/null || die "llama.cpp's tools come from Debian packages, and this is no Debian: left out"
apt debootstrap

if [[ ! -e $sid/.ready ]]; then
  say "Making a Debian folder with llama.cpp's tools in $sid (1 GB) ..."
  mkdir -p "$sid"
  log=$cache/sid.log
  trap 'tail -n 5 "$log" >&2' ERR
  [[ -x $sid/usr/bin/apt-get ]] || {
    rm -rf --one-file-system "$sid"
    debootstrap --variant=minbase sid "$sid" >"$log" 2>&1
  }
  # The mirror's index may be older than its own date allows.
  echo 'Acquire::Check-Valid-Until "false";' >"$sid/etc/apt/apt.conf.d/99valid"
  in_sid apt-get update -qq >>"$log" 2>&1
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive in_sid apt-get install -y -qq --no-install-recommends $peers >>"$log" 2>&1
  in_sid apt-get clean
  trap - ERR
  touch "$sid/.ready"
fi

if [[ ! -e $sid/usr/bin/dart || ! -e $sid/usr/share/dart/packages/test_api ]]; then
  say "Installing the Dart SDK in $sid ..."
  in_sid apt-get update -qq >>"$cache/sid.log" 2>&1
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive in_sid apt-get install -y -qq --no-install-recommends $dart >>"$cache/sid.log" 2>&1 ||
    die "the Dart SDK cannot be installed: see $cache/sid.log"
fi

# The list itself is the mark, so that one that has grown is installed, too.
if [[ $(cat "$sid/.flutter" 2>/dev/null) != "$flutter" ]]; then
  say "Installing Flutter in $sid ..."
  in_sid apt-get update -qq >>"$cache/sid.log" 2>&1
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive in_sid apt-get install -y -qq --no-install-recommends $flutter >>"$cache/sid.log" 2>&1 ||
    die "Flutter cannot be installed: see $cache/sid.log"
  in_sid apt-get clean
  echo "$flutter" >"$sid/.flutter"
fi

if [[ $(cat "$sid/.transformers" 2>/dev/null) != "$transformers" ]]; then
  say "Installing transformers in $sid ..."
  in_sid apt-get update -qq >>"$cache/sid.log" 2>&1
  # shellcheck disable=SC2086 # a list of packages
  DEBIAN_FRONTEND=noninteractive in_sid apt-get install -y -qq --no-install-recommends $transformers >>"$cache/sid.log" 2>&1 ||
    die "transformers cannot be installed: see $cache/sid.log"
  in_sid apt-get clean
  echo "$transformers" >"$sid/.transformers"
fi

for source in "$root"/build/peer/*.c; do
  [[ -e $source ]] || continue
  name=hpllm-peer-$(basename "$source" .c)
  program=$sid/usr/local/bin/$name
  [[ $program -nt $source && $program -nt $root/build/peer/peer.h ]] && continue
  say "Building $name ..."
  mkdir -p "$sid/tmp/hpllm/peer"
  cp "$root"/build/peer/*.[ch] "$sid/tmp/hpllm/peer/"
  in_sid gcc -O2 -Wall -Wextra -o "/usr/local/bin/.$name" "/tmp/hpllm/peer/$(basename "$source")" \
    -lllama -lggml -lggml-base -lm
  mv "$sid/usr/local/bin/.$name" "$program"
done
