#!/usr/bin/env bash
# Make a folder against which clang can link a library for Android without the
# NDK: our own headers, and libraries that export just the names in symbols/.
# What is not in those lists does not link. symbols/ is what libhappyphonellm may
# import (check-lib.sh), symbols-jni/ what the JNI glue of examples/kotlin needs besides. usage: sysroot.sh TRIPLE FOLDER
set -euo pipefail
source "$(dirname "$0")/../lib.sh"
triple=$1 to=$2
here=$root/build/android
need clang "sudo apt-get install clang lld"
need ld.lld "sudo apt-get install clang lld"

rm -rf "$to"
mkdir -p "$to/usr/lib"
cp -r "$here/include" "$to/usr/include"
cc=(clang "--target=$triple" -fuse-ld=lld -nostdlib -fno-builtin -w)
echo 'LIBC { global: *; };' >"$to/versions"
for name in libc libdl liblog libm; do
  versions=("-Wl,--version-script=$to/versions")
  [[ $name == liblog ]] && versions=()
  cat "$here"/symbols*/"$name.txt" | LC_ALL=C sort -u |
    sed -e 's/^__sF$/char __sF[3 * 152];/; t' -e 's/.*/void &(void) {}/' |
    "${cc[@]}" -x c -shared -Wl,-soname,"$name.so" "${versions[@]}" -o "$to/usr/lib/$name.so" -
done
"${cc[@]}" -c -fPIC -O1 -o "$to/usr/lib/crtbegin_so.o" "$here/crtbegin_so.c"
