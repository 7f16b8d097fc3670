#!/usr/bin/env bash
# Build build/lib/happyphonellm.aar: the Android libraries, their JNI glue and the
# Kotlin classes of examples/kotlin, in the layout that Gradle takes.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need zip "sudo apt-get install zip"
aar=$root/build/lib/happyphonellm.aar
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for pair in android-arm64:arm64-v8a android-amd64:x86_64; do
  target=${pair%:*} to=$work/aar/jni/${pair#*:}
  "$root/build/library.sh" "$target" >&2
  mkdir -p "$to"
  cp "$root/build/lib/$target/libhappyphonellm.so" "$to/"
  "$root/examples/kotlin/build.sh" "$target" "$root/build/lib/$target" "$to"
done
"$root/examples/kotlin/build.sh" classes "$work/classes"
cp "$work/classes/happyphonellm.jar" "$work/aar/classes.jar"
cp "$root/examples/kotlin/consumer-rules.pro" "$work/aar/proguard.txt"
: >"$work/aar/R.txt"
cat >"$work/aar/AndroidManifest.xml" <<'XML'
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="com.happyphonellm">
    <uses-sdk android:minSdkVersion="21" />
</manifest>
XML
rm -f "$aar"
# The same bytes for the same contents.
find "$work/aar" -exec touch -d '2020-01-01 00:00:00 UTC' {} +
(cd "$work/aar" && find . -type f | LC_ALL=C sort | TZ=UTC zip -X -q "$aar" -@)

# What Gradle looks for must be there.
listed=$(unzip -Z1 "$aar")
for file in AndroidManifest.xml R.txt classes.jar proguard.txt jni/{arm64-v8a,x86_64}/lib{happyphonellm,happyphonellm_jni}.so; do
  grep -qxF "$file" <<<"$listed" || die "$aar has no $file"
done
printf '%s: %s files, %d.%02d MB\n' "${aar#"$root"/}" "$(wc -l <<<"$listed")" \
  $(($(stat -c %s "$aar") / 1000000)) $(($(stat -c %s "$aar") % 1000000 / 10000))
