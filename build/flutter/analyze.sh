# The app's sources: Dart formatted, and analyzed as strictly as the package's;
# Kotlin compiled against stand-ins, Swift parsed.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set
enter_work
passed=0 failed=0

# step NAME COMMAND...: one check; quiet unless it fails.
step() {
  local name=$1
  shift
  if "$@" >"$work/log" 2>&1; then
    say "   ok   flutter $name"
    passed=$((passed + 1))
  else
    say "   FAIL flutter $name"
    sed 's/^/      /' "$work/log" >&2
    failed=$((failed + 1))
  fi
}

# dart ARGUMENT...: in the app's folder.
dart() {
  # shellcheck disable=SC2016 # for the inner shell
  in_sid env HOME="$inside" TMPDIR="$inside" \
    sh -c 'cd "$1" && shift && exec dart "$@"' sh "$inside/example_app" "$@"
}

# kotlin FOLDER: the sources below it compile.
kotlin() {
  local jars compiler
  jars=$("$root/build/kotlin.sh") || return
  compiler=$(printf '%s:' "$jars"/*.jar)
  find "$1" "$root/build/flutter/standins" -name '*.kt' -print0 |
    xargs -0 java -XX:TieredStopAtLevel=1 -cp "${compiler%:}" org.jetbrains.kotlin.cli.jvm.K2JVMCompiler \
      -no-stdlib -no-reflect -jvm-target 17 -Werror -cp "$(echo "$jars"/kotlin-stdlib-*.jar)" -d "$work/classes"
}

# swift FOLDER: the sources below it parse; their frameworks are on a Mac only.
swift() {
  [[ -x $sid/usr/bin/swiftc ]] || die "swiftc is missing in $sid; install it: make deps"
  in_sid find "$1" -name '*.swift' -exec swiftc -frontend -parse {} +
}

step format dart format --output=none --set-exit-if-changed .
step analyze dart analyze --fatal-infos .
step "android's Kotlin compiles" kotlin "$app/android"
step "ios' and macos' Swift parses" swift "$inside/example_app"
echo "$passed passed, $failed failed"
((failed == 0))
