# The app's tests, in Flutter's engine: all files are compiled into one kernel,
# and each runs in a process of its own, as `flutter test` has it. The last line
# is 'N passed, N failed'.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set

# A file that takes longer has hung: it is killed, and has failed.
limit=${HPLLM_FLUTTER_LIMIT:-300}

name='' verbose=
while getopts vn: option; do
  case $option in
    n) name=$OPTARG ;;
    v) verbose=1 ;;
    *) exit 2 ;;
  esac
done
shift $((OPTIND - 1))

for model in "$cache/models/smollm2-q4_1.gguf" "$cache/archs/llama-dense.gguf"; do
  [[ -e $model ]] || die "$model is missing; make it: make deps"
done
enter_work
library "$work/lib"
mkdir -p "$work/models" "$work/fonts" "$work/home"
cp -L "$cache/models/smollm2-q4_1.gguf" "$cache/archs/llama-dense.gguf" "$work/models/"
cp "$sid"/usr/share/fonts/truetype/roboto/unhinted/RobotoTTF/Roboto-{Regular,Italic,Medium,Bold}.ttf \
  "$sid"/usr/share/fonts/truetype/dejavu/DejaVuSans{,Mono}.ttf "$work/fonts/"
cp "$icons" "$work/fonts/"
assets "$inside/flutter_assets" || die "the asset bundle cannot be made"

files=()
for file in "$@"; do
  file=$(realpath -m --relative-to="$app" "$file")
  [[ -e $app/$file ]] || file=test/$(basename "$file")
  [[ -e $app/$file ]] || die "there is no $file in $app"
  files+=("$file")
done
if ((${#files[@]} == 0)); then
  mapfile -t files < <(cd "$app" && find test -name '*_test.dart' | LC_ALL=C sort)
  # The program of docs/flutter.md is tested with them.
  awk '/^```dart$/ { on = 1; next } /^```$/ { on = 0 } on' "$root/docs/flutter.md" >"$work/example_app/lib/first_hour.dart"
  cp "$root/build/flutter/first_hour_test.dart" "$work/example_app/test/"
  files+=(test/first_hour_test.dart)
fi

# write_main: the program that has all the files, and runs the one that the
# environment names.
write_main() {
  local i
  cp "$root/build/flutter/runner.dart" "$work/example_app/.runner.dart"
  {
    echo "import '.runner.dart';"
    [[ ! -e $app/test/flutter_test_config.dart ]] ||
      echo "import 'test/flutter_test_config.dart' as config;"
    for i in "${!files[@]}"; do
      echo "import '${files[i]}' as t$i;"
    done
    echo "Future<void> main() => runTests({"
    for i in "${!files[@]}"; do
      echo "  '${files[i]}': t$i.main,"
    done
    [[ -e $app/test/flutter_test_config.dart ]] && echo "}, config.testExecutable);" || echo "});"
  } >"$work/example_app/.main.dart"
}
write_main
say "Compiling ${#files[@]} files ..."
frontend "$inside/tests.dill" "$inside/example_app/.main.dart" \
  --sdk-root="$engine/flutter_patched_sdk/" --enable-asserts || die "the tests do not compile"

# engine_run FILE: flutter_tester with one file. It never leaves by itself when
# the program does not end it.
engine_run() {
  # shellcheck disable=SC2016 # for the inner shell
  within "$limit" env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$inside/home" TMPDIR="$inside/home" LD_LIBRARY_PATH="$inside/lib" \
    FLUTTER_TEST=true APP_NAME="$(app_name)" UNIT_TEST_ASSETS="$inside/flutter_assets" \
    HPLLM_FLUTTER_FILE="$1" HPLLM_FLUTTER_NAME="$name" \
    HPLLM_FLUTTER_GOLDENS="$([[ $command == goldens ]] && echo update)" \
    HPLLM_TEST_FONTS="$inside/fonts" \
    HPLLM_TEST_LIBRARY="$inside/lib/libhappyphonellm.so" \
    HPLLM_TEST_MODEL="$inside/models/smollm2-q4_1.gguf" \
    HPLLM_TEST_TINY="$inside/models/llama-dense.gguf" \
    sh -c 'cd "$1" && shift && exec "$@"' sh "$inside/example_app" \
    "$engine/flutter_tester" --run-forever --disable-vm-service --enable-checked-mode \
    --enable-software-rendering --skia-deterministic-rendering --non-interactive --use-test-fonts \
    --disable-asset-fonts --packages="$inside/example_app/.dart_tool/package_config.json" \
    --flutter-assets-dir="$inside/flutter_assets" "$inside/tests.dill"
}

passed=0 failed=0
# report FILE CODE LOG: count a file by the last line of its program. One that
# ends without it, or with another exit code than it means, has failed once more.
report() {
  local last before=$failed
  last=$(grep -E '^[0-9]+ passed, [0-9]+ failed' "$3" | tail -n 1)
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    (($2 == 0 || BASH_REMATCH[2] > 0)) || failed=$((failed + 1))
  else
    failed=$((failed + 1))
    last="it broke off in: $(sed -n 's/^=== RUN   //p' "$3" | tail -n 1)"
    (($2 != 124 && $2 != 137)) || last="it hung for $limit s; $last"
  fi
  if ((failed > before)); then
    say "   FAIL $1: $last (exit code $2)"
    sed '/^=== RUN/d; s/^/      /' "$3" >&2
  else
    say "   ok   $1: $last"
    [[ -z $verbose ]] || sed '/^=== RUN/d; s/^/      /' "$3" >&2
  fi
}

for file in "${files[@]}"; do
  engine_run "$file" >"$work/log" 2>&1
  report "$file" $? "$work/log"
done

# What a test of pictures leaves: the new ones, or how they differ.
(cd "$work/example_app" && find test -name '*.png') | while read -r picture; do
  case $picture in
    */failures/*) kept=$root/build/bin/goldens/$(basename "$picture") ;;
    *)
      [[ $command == goldens ]] || continue
      kept=$app/$picture
      ;;
  esac
  cmp -s "$work/example_app/$picture" "$kept" && continue
  mkdir -p "$(dirname "$kept")"
  cp "$work/example_app/$picture" "$kept"
  say "   wrote ${kept#"$root"/}"
done

echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
