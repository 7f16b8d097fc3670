#!/usr/bin/env bash
# Debian's Flutter, without the flutter tool, on the app in example_app: tests in
# the real engine, the program for this desktop, and a drive of it with a real
# model. Who has a Flutter SDK uses its tool instead: docs/flutter.md.
# usage: flutter.sh test [-v] [-n NAME] [FILE...]  test/**/*_test.dart; default: all
#        flutter.sh goldens [FILE...]   the same, and the pictures are made anew
#        flutter.sh analyze             format and analyze
#        flutter.sh desktop FOLDER      the program for Linux, in release mode
#        flutter.sh drive [FOLDER]      start it, ask it, stop it, measure it;
#                                       pictures into FOLDER
#        flutter.sh restart            hot restarts in mid-generation
# HPLLM_LIBRARY: a libhappyphonellm.so to use instead of one made anew.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
app=$root/example_app
source "$root/build/flutter/common.sh"

command=${1:-}
case $command in
  test | goldens | analyze | desktop | drive | restart) ;;
  *)
    sed -n 's/^# usage: /usage: /p; s/^#   *\(flutter.sh .*\)/       \1/p' "$0" >&2
    exit 2
    ;;
esac
shift
need_flutter
part=$command
[[ $part == goldens ]] && part="test"
# shellcheck disable=SC1090 # one of the files beside common.sh
source "$root/build/flutter/$part.sh"
