#!/usr/bin/env bash
# Build the Kotlin library, or its native half.
# usage: build.sh classes FOLDER         happyphonellm.jar, examples.jar, and what they need
#        build.sh TARGET LIBRARY FOLDER  libhappyphonellm_jni.so, linked with LIBRARY/libhappyphonellm.so
# TARGET: host, android-arm64, android-amd64. With ANDROID_NDK_HOME the Android targets use the NDK, otherwise
# clang, the stub libraries of build/android, and the JDK's jni.h.
set -euo pipefail
source "$(dirname "$0")/../../build/lib.sh"
here=$root/examples/kotlin
api=21

java_home() {
  need javac "sudo apt-get install openjdk-17-jdk-headless"
  echo "${JAVA_HOME:-$(dirname "$(dirname "$(readlink -f "$(command -v javac)")")")}"
}

# kotlin JAR CLASSPATH SOURCE...
kotlin() {
  local compiler
  compiler=$(printf '%s:' "$jars"/*.jar)
  "$jdk/bin/java" -XX:TieredStopAtLevel=1 -cp "${compiler%:}" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
    -no-stdlib -no-reflect -jvm-target 11 -Werror -cp "$2" -d "$1" "${@:3}"
}

classes() {
  local out=$1 jars jdk needs
  jdk=$(java_home)
  jars=$("$root/build/kotlin.sh")
  needs=$(printf '%s:' "$jars"/kotlin-stdlib-*.jar "$jars"/kotlinx-coroutines-core-jvm-*.jar)
  mkdir -p "$out"
  kotlin "$out/happyphonellm.jar" "$needs" -module-name happyphonellm "$here"/src/com/happyphonellm/*.kt
  kotlin "$out/examples.jar" "$needs$out/happyphonellm.jar" "$here/chat/Chat.kt" "$here/check/Check.kt"
  cp "$jars"/kotlin-stdlib-*.jar "$jars"/kotlinx-coroutines-core-jvm-*.jar "$out/"
}

# glue TARGET LIBRARY FOLDER
glue() {
  local library=$2 out=$3 triple tool jdk system
  local flags=(-std=c11 -Wall -Wextra -Werror -pedantic -O2 -fPIC -fvisibility=hidden -shared "-I$root/include")
  # shellcheck disable=SC2054 # commas of the linker
  local link=(-Wl,-soname,libhappyphonellm_jni.so -Wl,-z,max-page-size=16384 -Wl,-z,noexecstack -Wl,-z,relro -Wl,-z,now
    -Wl,--no-undefined -s "-L$library" -lhappyphonellm)
  case $1 in
    host) triple= ;;
    android-arm64) triple=aarch64-linux-android$api ;;
    android-amd64) triple=x86_64-linux-android$api ;;
    *) die "unknown target $1: host, android-arm64, android-amd64" ;;
  esac
  mkdir -p "$out"
  if [[ $triple && ${ANDROID_NDK_HOME:-} ]]; then
    tool=$(echo "$ANDROID_NDK_HOME"/toolchains/llvm/prebuilt/*/bin/"$triple-clang")
    [[ -x $tool ]] || die "no $triple-clang in ANDROID_NDK_HOME=$ANDROID_NDK_HOME"
  else
    jdk=$(java_home)
    flags+=(-isystem "$jdk/include" -isystem "$jdk/include/linux")
    tool=${CC:-cc}
    [[ $triple ]] || link+=("-Wl,-rpath,\$ORIGIN")
  fi
  if [[ $triple && ! ${ANDROID_NDK_HOME:-} ]]; then
    system=$(mktemp -d)
    # shellcheck disable=SC2064 # the variable is gone at the end
    trap "rm -rf '$system'" EXIT
    "$root/build/android/sysroot.sh" "$triple" "$system/root"
    tool=clang
    flags+=("--target=$triple" "--sysroot=$system/root" -fuse-ld=lld -nostdlib -Wno-unused-command-line-argument)
    [[ $1 == android-arm64 ]] && flags+=(-mno-outline-atomics)
    link+=("$system/root/usr/lib/crtbegin_so.o" "-L$system/root/usr/lib" -lc)
  fi
  "$tool" "${flags[@]}" "$here/jni/hp_llm_jni.c" -o "$out/libhappyphonellm_jni.so" "${link[@]}"
}

case ${1:-} in
  classes) classes "${2:?a folder for the jars}" ;;
  *) glue "${1:?classes or a target}" "${2:?the folder of libhappyphonellm.so}" "${3:?a folder for the result}" ;;
esac
