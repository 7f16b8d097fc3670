#!/usr/bin/env bash
# Build build/lib/happyphonellm.xcframework for iOS, its simulator and macOS, and
# what it is made of, which the Dart package's hook looks for: one library for
# each, build/lib/OS-ARCHITECTURE/libhappyphonellm.dylib. On a Mac with Xcode only.
# Go builds archives for iOS, not libraries, so each is linked into a dynamic
# library with just our functions exported.
set -euo pipefail
source "$(dirname "$0")/lib.sh"
[[ $(uname -s) == Darwin ]] || die "an xcframework is built on a Mac with Xcode; this is $(uname -s)"
for tool in xcrun xcodebuild lipo; do need "$tool" "xcode-select --install, and Xcode from the App Store"; done
need_go
cd "$root"
out=$root/build/lib/apple
xcframework=$root/build/lib/happyphonellm.xcframework
rm -rf "$out" "$xcframework"
frameworks=()

# library SDK GOOS GOARCH ARCH MINIMUM FILE: one machine's. Who bundles it alone
# gives it another name, which must find room.
library() {
  local sdk=$1 goos=$2 goarch=$3 arch=$4 minimum=$5 file=$6 clang sysroot target
  clang=$(xcrun --sdk "$sdk" --find clang)
  sysroot=$(xcrun --sdk "$sdk" --show-sdk-path)
  case $sdk in
    iphoneos) target=$arch-apple-ios$minimum ;;
    iphonesimulator) target=$arch-apple-ios$minimum-simulator ;;
    macosx) target=$arch-apple-macos$minimum ;;
  esac
  mkdir -p "$(dirname "$file")"
  CGO_ENABLED=1 GOOS=$goos GOARCH=$goarch CC="$clang -target $target -isysroot $sysroot" \
    go build -buildmode=c-archive -trimpath -buildvcs=false -ldflags "-s -w" -o "$file.a" ./capi
  "$clang" -target "$target" -isysroot "$sysroot" -dynamiclib -Wl,-force_load,"$file.a" \
    -Wl,-exported_symbol,'_hp_llm_*' -Wl,-dead_strip \
    -Wl,-headerpad_max_install_names -install_name @rpath/happyphonellm.framework/happyphonellm \
    -framework CoreFoundation -framework Security -lresolv -o "$file"
  rm -f "$file.a" "$file.h"
}

# framework NAME MINIMUM LIBRARY...: a framework of one or more machines' libraries.
framework() {
  local name=$1 minimum=$2 dir resources
  shift 2
  dir=$out/$name/happyphonellm.framework
  resources=$dir
  mkdir -p "$dir"
  if [[ $name == macos ]]; then # these have versions inside
    resources=$dir/Versions/A/Resources
    mkdir -p "$resources" "$dir/Versions/A/Headers" "$dir/Versions/A/Modules"
    ln -s A "$dir/Versions/Current"
    for link in happyphonellm Headers Modules Resources; do ln -s "Versions/Current/$link" "$dir/$link"; done
    lipo -create "$@" -output "$dir/Versions/A/happyphonellm"
  else
    mkdir -p "$dir/Headers" "$dir/Modules"
    lipo -create "$@" -output "$dir/happyphonellm"
  fi
  cp include/hp_llm.h "$dir/Headers/"
  cp build/apple/module.modulemap "$dir/Modules/"
  sed "s/@MINIMUM@/$minimum/" build/apple/Info.plist >"$resources/Info.plist"
  cp build/apple/PrivacyInfo.xcprivacy "$resources/"
  frameworks+=(-framework "$dir")
}

ios=13.0 macos=11.0
place() { echo "$root/build/lib/$1/libhappyphonellm.dylib"; }
library iphoneos ios arm64 arm64 $ios "$(place ios-arm64)"
library iphonesimulator ios arm64 arm64 $ios "$(place ios-simulator-arm64)"
library iphonesimulator ios amd64 x86_64 $ios "$(place ios-simulator-amd64)"
library macosx darwin arm64 arm64 $macos "$(place macos-arm64)"
library macosx darwin amd64 x86_64 $macos "$(place macos-amd64)"
framework ios $ios "$(place ios-arm64)"
framework simulator $ios "$(place ios-simulator-arm64)" "$(place ios-simulator-amd64)"
framework macos $macos "$(place macos-arm64)" "$(place macos-amd64)"
xcodebuild -create-xcframework "${frameworks[@]}" -output "$xcframework"
echo "${xcframework#"$root"/}"
