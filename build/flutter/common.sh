# What the parts of build/flutter.sh share; sourced, never run. It needs
# build/lib.sh, and works in a folder inside the Debian folder of build/sid.sh,
# which does not see the checkout.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set

# Functions that run in the Debian folder get paths as they are in there.
engine=/usr/lib/flutter-engine/linux-x64
# Flutter's icons: build/flutter/font.sh fetches them.
icons=$cache/fonts/MaterialIcons-Regular.otf

# need_flutter: end, if Debian's Flutter is not there.
need_flutter() {
  [[ -x $sid$engine/flutter_tester && -e $sid/usr/share/dart/packages/flutter_test ]] ||
    die "Flutter is missing in $sid; install it: make deps (with an SDK of your own: docs/flutter.md)"
  ((EUID == 0)) || die "to work in $sid you must be root: sudo -E build/flutter.sh (with an SDK of your own: docs/flutter.md)"
  [[ -e $icons ]] || die "$icons is missing; fetch it: make deps"
  [[ -e $app/pubspec.yaml ]] || die "there is no app in $app"
}

# enter_work: make $work, a folder with copies of the app and the package, which
# is $inside to programs in the Debian folder. It is removed at the end.
enter_work() {
  work=$(mktemp -d "$sid/tmp/hpllm-flutter.XXXXXX")
  trap leave_work EXIT
  inside=${work#"$sid"}
  mkdir -p "$work/dart" "$work/example_app"
  cp -r "$root/dart/happy_phone_llm_flutter" "$work/dart/"
  cp -r "$app"/* "$work/example_app/"
  rm -rf "$work/example_app/.dart_tool" "$work/example_app/build"
  write_packages "$work/example_app/.dart_tool/package_config.json"
}

# leave_work: programs that still run in there would go on without their files.
leave_work() {
  [[ -z $running ]] || { kill "$running" && wait "$running"; } 2>/dev/null
  rm -rf "$work"
}

# within SECONDS COMMAND...: run COMMAND in the Debian folder, and end it when it
# takes longer, or when this script is ended.
running=
within() {
  local code
  (exec "$root/build/peer/enter.sh" "$sid" timeout --kill-after=5 "$@") &
  running=$!
  wait "$running"
  code=$?
  running=
  return "$code"
}

# language FOLDER: the language version that its pubspec.yaml asks for.
language() {
  local version
  version=$(sed -n 's/^  sdk: *[^0-9]*\([0-9]*\.[0-9]*\).*/\1/p' "$1/pubspec.yaml" 2>/dev/null | head -n 1)
  echo "${version:-3.7}"
}

# write_packages FILE: what pub would write, but from Debian's packages.
write_packages() {
  local folder
  mkdir -p "$(dirname "$1")"
  {
    printf '{"configVersion": 2, "packages": ['
    for folder in "$sid"/usr/share/dart/packages/*; do
      package_entry "$(basename "$folder")" "$folder" "${folder#"$sid"}"
      printf ','
    done
    package_entry happy_phone_llm_flutter "$work/dart/happy_phone_llm_flutter" "$inside/dart/happy_phone_llm_flutter"
    printf ','
    package_entry "$(app_name)" "$work/example_app" "$inside/example_app"
    printf '\n]}\n'
  } >"$1"
}

# package_entry NAME FOLDER INSIDE: one line of package_config.json.
package_entry() {
  printf '\n{"name": "%s", "rootUri": "file://%s", "packageUri": "lib/", "languageVersion": "%s"}' \
    "$1" "$3" "$(language "$2")"
}

app_name() { sed -n 's/^name: *//p' "$app/pubspec.yaml"; }

# library FOLDER: the engine's library for this machine, made anew unless
# HPLLM_LIBRARY names one.
library() {
  [[ ${HPLLM_LIBRARY:-} ]] || "$root/build/library.sh" host >&2 || die "the library cannot be built"
  mkdir -p "$1"
  cp "${HPLLM_LIBRARY:-$root/build/lib/host/libhappyphonellm.so}" "$1/libhappyphonellm.so"
}

# frontend OUTPUT ENTRY OPTION...: compile ENTRY to a kernel file; quiet unless
# it fails.
frontend() {
  local output=$1 entry=$2
  shift 2
  rm -f "$sid$output"
  in_sid /usr/lib/dart/bin/dartaotruntime "$engine/frontend_server_aot.dart.snapshot" \
    --target=flutter --no-print-incremental-dependencies --verbosity=error \
    --packages="$inside/example_app/.dart_tool/package_config.json" "$@" \
    --output-dill "$output" "$entry" >"$work/frontend.log" 2>&1 && [[ -e $sid$output ]] && return
  sed "s|file://$inside/||; s|$inside/||g" "$work/frontend.log" >&2
  return 1
}

# assets FOLDER: the asset bundle of an app that has Material's icons and no more.
assets() {
  local shader packages=/usr/share/dart/packages
  mkdir -p "$sid$1/fonts" "$sid$1/shaders"
  cp "$icons" "$sid$1/fonts/" || return
  echo '[{"family":"MaterialIcons","fonts":[{"asset":"fonts/MaterialIcons-Regular.otf"}]}]' >"$sid$1/FontManifest.json"
  # An empty map, as Flutter's standard message codec writes it.
  printf '\x0d\x00' >"$sid$1/AssetManifest.bin"
  echo '{}' >"$sid$1/AssetManifest.json"
  : >"$sid$1/NOTICES.Z"
  for shader in ink_sparkle stretch_effect; do
    in_sid "$engine/impellerc" --sksl --iplr --runtime-stage-gles --runtime-stage-gles3 --runtime-stage-vulkan \
      --sl="$1/shaders/$shader.frag" --spirv="$1/shaders/$shader.spirv" \
      --input="$packages/flutter/lib/src/material/shaders/$shader.frag" --input-type=frag \
      --include="$packages/flutter/lib/src/material/shaders" --include="$engine/shader_lib"
    rm -f "$sid$1/shaders/$shader.spirv"
  done
}
