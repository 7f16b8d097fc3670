#!/usr/bin/env bash
# Print the path of Flutter's own icon font in the cache folder; fetch it once.
# Debian has Google's font, in which the same icons have other numbers. The wheel
# of flet-web (a Flutter app as a web page) carries the one that Flutter's SDK has.
# usage: font.sh           (idempotent; 27 MB)
set -euo pipefail
source "$(dirname "$0")/../lib.sh"
package=flet-web==1.0.5
member=flet_web/web/assets/fonts/MaterialIcons-Regular.otf
sum=e2db925853e13f87523787ccbc992688cfec9a33805a6c6b711e3f79c3311268
font=$cache/fonts/$(basename "$member")

if [[ ! -e $font ]]; then
  need python3 "sudo apt-get install python3 python3-pip"
  mkdir -p "$cache/fonts"
  work=$(mktemp -d "$cache/fonts/.work-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "Fetching Flutter's icon font ($package, 27 MB) from PyPI, once ..."
  TMPDIR=$work python3 -m pip download --quiet --no-deps --no-cache-dir --disable-pip-version-check \
    --dest "$work" "$package" >&2 || die "pip cannot download $package"
  python3 -m zipfile -e "$work"/flet_web-*.whl "$work/wheel"
  echo "$sum  $work/wheel/$member" | sha256sum --quiet --strict -c >&2 ||
    die "the font in $package is not the one that is known"
  mv "$work/wheel/$member" "$font"
fi
echo "$font"
