#!/usr/bin/env bash
# Run build/lib/android-arm64/libhappyphonellm.so under qemu, over glibc: it
# loads MODEL and goes on with PROMPT. usage: run.sh MODEL PROMPT TOKENS
set -euo pipefail
source "$(dirname "$0")/../../lib.sh"
here=$root/build/android/shim
library=$root/build/lib/android-arm64/libhappyphonellm.so
[[ -f $library ]] || die "no $library: make lib-android-arm64"
for tool in clang ld.lld; do need "$tool" "sudo apt-get install clang lld libc6-dev-arm64-cross libgcc-12-dev-arm64-cross"; done
need qemu-aarch64-static "sudo apt-get install qemu-user-static"
to=$root/build/lib/shim
mkdir -p "$to"
cc=(clang --target=aarch64-linux-gnu -fuse-ld=lld -O1 -Wall -Werror)
for name in libc libdl liblog; do
  "${cc[@]}" -fPIC -fno-builtin -shared -Wl,-soname,$name.so -Wl,--version-script="$here/versions.map" \
    -o "$to/$name.so" "$here/$name.c"
done
"${cc[@]}" -I"$root/include" -o "$to/host" "$here/host.c" -ldl
exec qemu-aarch64-static -cpu max,sve=off,sme=off -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$to" \
  "$to/host" "$library" "$@"
