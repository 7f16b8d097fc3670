#!/usr/bin/env bash
# Put the Kotlin compiler and the libraries of examples/kotlin into CACHE/kotlin,
# from Maven Central, once. usage: kotlin.sh     (idempotent; 63 MB)
set -euo pipefail
source "$(dirname "$0")/lib.sh"
here=$root/examples/kotlin
plugin=org.apache.maven.plugins:maven-dependency-plugin:3.6.1
jars=$cache/kotlin/$(sed -n 's/.*kotlin-compiler-embeddable-\(.*\)\.jar/\1/p' "$here/jars.sha256")

check() { (cd "$1" && sha256sum --quiet --strict -c "$here/jars.sha256") >&2; }

if [[ ! -d $jars ]]; then
  command -v javac >/dev/null || apt openjdk-17-jdk-headless
  command -v mvn >/dev/null || apt maven
  mkdir -p "$cache/kotlin"
  work=$(mktemp -d "$cache/kotlin/.work-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "Fetching the Kotlin compiler (63 MB) from Maven Central, once ..."
  mvn -B -q -f "$here/pom.xml" "$plugin:copy-dependencies" -DoutputDirectory="$work" >&2
  check "$work" || die "what Maven fetched is not what examples/kotlin/jars.sha256 names"
  chmod 755 "$work"
  mv -T "$work" "$jars" 2>/dev/null || [[ -d $jars ]]
fi
echo "$jars"
