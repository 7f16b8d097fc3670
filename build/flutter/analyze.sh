# The app's sources: formatted, and analyzed as strictly as the package's.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set
enter_work
passed=0 failed=0

# step NAME COMMAND...: one check; quiet unless it fails.
step() {
  local name=$1
  shift
  # shellcheck disable=SC2016 # for the inner shell
  if in_sid env HOME="$inside" TMPDIR="$inside" \
    sh -c 'cd "$1" && shift && exec dart "$@"' sh "$inside/example_app" "$@" >"$work/log" 2>&1; then
    say "   ok   flutter $name"
    passed=$((passed + 1))
  else
    say "   FAIL flutter $name"
    sed 's/^/      /' "$work/log" >&2
    failed=$((failed + 1))
  fi
}

step format format --output=none --set-exit-if-changed .
step analyze analyze --fatal-infos .
echo "$passed passed, $failed failed"
((failed == 0))
