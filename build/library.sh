#!/usr/bin/env bash
# Build libhappyphonellm.so into build/lib/TARGET, stripped, and check it.
# TARGET: host (the default), android-arm64, android-amd64, linux-arm64. With ANDROID_NDK_HOME the
# Android targets use the NDK, otherwise clang and the stub libraries of build/android.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
need_go
target=${1:-host}
out=$root/build/lib/$target
api=21
mkdir -p "$out"
cd "$root"

name=libhappyphonellm.so
link=("-Wl,-soname,$name" "-Wl,--version-script=$root/build/exports.map" "-Wl,-z,max-page-size=16384"
  "-Wl,-z,noexecstack" "-Wl,-z,relro" "-Wl,-z,now" "-Wl,--build-id=sha1")
export CGO_ENABLED=1

# android TRIPLE NDKARCH: set CC for it.
android() {
  local ndk tool system
  export GOOS=android
  link+=("-Wl,--no-undefined" "-Wl,--hash-style=both")
  if [[ ${ANDROID_NDK_HOME:-} ]]; then
    ndk=$ANDROID_NDK_HOME
    tool=$(echo "$ndk"/toolchains/llvm/prebuilt/*/bin/"$1$api-clang")
    [[ -x $tool ]] || die "no $1$api-clang in ANDROID_NDK_HOME=$ndk"
    export CC=$tool
    return
  fi
  system=$root/build/lib/sysroot-$target
  "$root/build/android/sysroot.sh" "$1$api" "$system"
  CC="clang --target=$1$api --sysroot=$system -fuse-ld=lld -nostdlib -Wno-unused-command-line-argument"
  [[ $1 == aarch64* ]] && CC+=" -mno-outline-atomics"
  export CC CGO_LDFLAGS="-L$system/usr/lib -lc -ldl"
  link+=("$system/usr/lib/crtbegin_so.o")
}

case $target in
  host)
    case $(uname -s) in
      Darwin)
        name=libhappyphonellm.dylib
        # Who bundles it, as the flutter tool does, gives it another install name.
        link=("-Wl,-install_name,@rpath/$name" "-Wl,-headerpad_max_install_names" "-Wl,-exported_symbol,_hp_llm_*")
        ;;
      Linux) ;;
      *) die "no host library for $(uname -s): tell us what you need" ;;
    esac
    need "${CC:-cc}" "sudo apt-get install gcc libc6-dev"
    ;;
  linux-arm64)
    need clang "sudo apt-get install clang lld libc6-dev-arm64-cross libgcc-12-dev-arm64-cross"
    export GOOS=linux GOARCH=arm64
    export CC="clang --target=aarch64-linux-gnu -fuse-ld=lld -Wno-unused-command-line-argument"
    ;;
  android-arm64)
    export GOARCH=arm64
    android aarch64-linux-android
    ;;
  android-amd64)
    export GOARCH=amd64
    android x86_64-linux-android
    ;;
  *) die "unknown target $target: host, android-arm64, android-amd64, linux-arm64" ;;
esac

go build -buildmode=c-shared -trimpath -buildvcs=false -ldflags "-s -w -extldflags '${link[*]}'" -o "$out/$name" ./capi
rm -f "$out/${name%.*}.h" # cgo's; ours is include/hp_llm.h
[[ $name == *.so ]] && "$root/build/check-lib.sh" "$out/$name"
