# The app as a program for this desktop, in release mode: ahead-of-time compiled,
# with the CMake project that the flutter tool would build.
# usage of desktop.sh: desktop FOLDER [ENTRY]   (ENTRY: default lib/main.dart)
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set

# build_desktop ENTRY: make the program, in $work/example_app/build/bundle.
build_desktop() {
  local out=$inside/example_app/build ephemeral=$work/example_app/linux/flutter/ephemeral
  library "$work/example_app/build/native_assets/linux"
  mkdir -p "$work/example_app/build/lib" "$ephemeral"
  say "Compiling $1 ..."
  frontend "$out/app.dill" "$inside/example_app/$1" --sdk-root="$engine/flutter_patched_sdk_product/" \
    --aot --tfa -Ddart.vm.product=true --target-os linux --no-enable-asserts ||
    die "the app does not compile"
  in_sid "${engine}-release/gen_snapshot" --deterministic --snapshot_kind=app-aot-elf --strip \
    --elf="$out/lib/libapp.so" "$out/app.dill" 2>"$work/snapshot.log" || {
    cat "$work/snapshot.log" >&2
    die "the app cannot be made into a library"
  }

  assets "$out/flutter_assets" || die "the asset bundle cannot be made"
  # What the flutter tool writes when the build hook has found the library.
  printf '{"format-version":[1,0,0],"native-assets":{"linux_x64":{"%s":["relative","libhappyphonellm.so"]}}}\n' \
    package:happy_phone_llm_flutter/src/asset_symbols.dart >"$sid$out/flutter_assets/NativeAssetsManifest.json"

  # What the flutter tool puts into the CMake project; it has nothing left to do.
  cp -r "$sid/usr/include/flutter_linux" "$ephemeral/"
  cp -L "$sid/usr/lib/x86_64-linux-gnu/libflutter_linux_gtk.so" "$ephemeral/"
  printf 'set(FLUTTER_ROOT "%s/tool")\nset(PROJECT_DIR "%s/example_app")\nset(FLUTTER_TARGET_PLATFORM linux-x64)\n' \
    "$inside" "$inside" >"$ephemeral/generated_config.cmake"
  mkdir -p "$work/tool/packages/flutter_tools/bin"
  printf '#!/bin/sh\n' >"$work/tool/packages/flutter_tools/bin/tool_backend.sh"
  chmod +x "$work/tool/packages/flutter_tools/bin/tool_backend.sh"
  say "Building the runner ..."
  in_sid sh -c "cmake -S '$inside/example_app/linux' -B '$out/cmake' -G Ninja -DCMAKE_BUILD_TYPE=Release \
    -DCMAKE_INSTALL_PREFIX='$out/bundle' && cmake --build '$out/cmake' --target install" >"$work/cmake.log" 2>&1 || {
    cat "$work/cmake.log" >&2
    die "the runner cannot be built"
  }
}

if [[ $command == desktop ]]; then
  (($#)) || die "usage: flutter.sh desktop FOLDER [ENTRY]"
  enter_work
  build_desktop "${2:-lib/main.dart}"
  mkdir -p "$1"
  rm -rf "${1:?}"/{data,lib,happy_phone}
  cp -r "$work/example_app/build/bundle/." "$1/"
  say "wrote $1/happy_phone: $(du -sh "$1" | cut -f 1) in all"
fi
