#!/usr/bin/env bash
# Format, analyze and test the Dart package on the real Dart SDK, which is in the
# Debian folder of build/sid.sh; end with 'N passed, N failed'.
# usage: dart.sh [-v] [TEST...]    (test/TEST_test.dart; default: everything)
# -v: every test, with its time.
# FFIGEN: a command that runs ffigen in that folder (there is no pub server to get
# it from): the bindings are made anew and compared, too.
set -uo pipefail
source "$(dirname "$0")/lib.sh"
verbose=
[[ ${1:-} != -v ]] || { verbose=1 && shift; }
[[ -x $sid/usr/bin/dart && -e $sid/usr/share/dart/packages/test_api ]] ||
  die "the Dart SDK is missing in $sid; install it: make deps"
for model in "$cache/models/smollm2-q4_1.gguf" "$cache/archs/llama-dense.gguf"; do
  [[ -e $model ]] || die "$model is missing; make it: make deps"
done
"$root/build/library.sh" host >&2 || die "the library cannot be built"

# Everything is copied: the Debian folder does not see the checkout, and nothing
# is to be written there.
work=$(mktemp -d "$sid/tmp/hpllm-dart.XXXXXX")
trap 'rm -rf "$work"' EXIT
inside=/${work#"$sid"/}
mkdir -p "$work/build/lib/host" "$work/models"
cp -r "$root/include" "$root/dart" "$root/Makefile" "$work/"
cp "$root/build/lib/host/libhappyphonellm.so" "$work/build/lib/host/"
cp -L "$cache/models/smollm2-q4_1.gguf" "$cache/archs/llama-dense.gguf" "$work/models/"
package=$work/dart/happy_phone_llm_flutter

# What pub would write, but from Debian's packages.
packages() {
  local name separator=
  printf '{"configVersion": 2, "packages": ['
  for name in "$sid"/usr/share/dart/packages/*; do
    name=$(basename "$name")
    printf '%s\n{"name": "%s", "rootUri": "file:///usr/share/dart/packages/%s", "packageUri": "lib/", "languageVersion": "3.7"}' \
      "$separator" "$name" "$name"
    separator=,
  done
  printf ',\n{"name": "%s", "rootUri": "file://%s", "packageUri": "lib/", "languageVersion": "3.10"}' \
    happy_phone_llm_flutter "$inside/dart/happy_phone_llm_flutter" test "$inside/dart/tools/test"
  printf '\n]}\n'
}
rm -rf "$work"/dart/*/.dart_tool "$work"/dart/*/*/.dart_tool
for place in "$work/dart" "$package"; do
  mkdir -p "$place/.dart_tool"
  packages >"$place/.dart_tool/package_config.json"
done

passed=0 failed=0

# dart ARGUMENT...: in the package's folder.
dart() {
  # shellcheck disable=SC2016 # for the inner shell
  in_sid env HOME="$inside" TMPDIR="$inside" \
    HPLLM_TEST_LIBRARY="$inside/build/lib/host/libhappyphonellm.so" \
    HPLLM_TEST_MODEL="$inside/models/smollm2-q4_1.gguf" \
    HPLLM_TEST_TINY="$inside/models/llama-dense.gguf" \
    sh -c 'cd "$1" && shift && exec dart "$@"' sh "$inside/dart/happy_phone_llm_flutter" "$@"
}

# step NAME COMMAND...: one check; quiet unless it fails.
step() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    say "   ok   dart $name"
    passed=$((passed + 1))
  else
    say "   FAIL dart $name"
    sed 's/^/      /' "$work/log" >&2
    failed=$((failed + 1))
  fi
}

# compile_tests: all files into one program, which runs the one that is named.
compile_tests() {
  local name main=$package/test/.main.dart
  {
    for name in "${tests[@]}"; do
      echo "import '${name}_test.dart' as ${name}_;"
    done
    echo "const _tests = {"
    for name in "${tests[@]}"; do
      echo "  '$name': ${name}_.main,"
    done
    echo "};"
    echo "void main(List<String> arguments) => _tests[arguments.single]!();"
  } >"$main"
  dart compile kernel --packages="$inside/dart/.dart_tool/package_config.json" \
    --output="$inside/tests.dill" test/.main.dart >"$work/log" 2>&1 && return
  sed "s|^$inside/||; s/^/      /" "$work/log" >&2
  die "the tests do not compile"
}

# suite NAME: a test program, counted by its last line. One that ends without it,
# or with another exit code than that line means, has failed once more.
suite() {
  local code last
  dart --packages="$inside/dart/.dart_tool/package_config.json" "$inside/tests.dill" "$1" >"$work/log" 2>&1
  code=$?
  last=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$work/log" | tail -n 1)
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed$ ]]; then
    passed=$((passed + BASH_REMATCH[1]))
    failed=$((failed + BASH_REMATCH[2]))
    ((code == 0 || BASH_REMATCH[2] > 0)) || failed=$((failed + 1))
  else
    failed=$((failed + 1))
  fi
  if ((code)); then
    say "   FAIL dart $1_test.dart: ${last:-it broke off} (exit code $code)"
    sed 's/^/      /' "$work/log" >&2
  else
    say "   ok   dart $1_test.dart: $last"
    if [[ $verbose ]]; then sed 's/^/      /' "$work/log" >&2; else grep '^      ' "$work/log" >&2; fi
  fi
}

bindings() {
  local file=lib/src/bindings.g.dart
  in_sid sh -c "cd '$inside/dart/happy_phone_llm_flutter' && $FFIGEN --config ffigen.yaml" &&
    dart format "$file" && diff -u "$root/dart/happy_phone_llm_flutter/$file" "$package/$file"
}

tests=("$@")
if ((${#tests[@]} == 0)); then
  for file in "$package"/test/*_test.dart; do
    tests+=("$(basename "$file" _test.dart)")
  done
  step format dart format --output=none --set-exit-if-changed . ../tools
  step "analyze (the package)" dart analyze --fatal-infos .
  step "analyze (its tools)" dart analyze --fatal-infos ../tools
  [[ -z ${FFIGEN:-} ]] || step "bindings, made anew" bindings
fi
compile_tests
for name in "${tests[@]}"; do
  suite "$name"
done

echo "$passed passed, $failed failed"
((failed == 0 && passed > 0))
