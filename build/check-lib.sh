#!/usr/bin/env bash
# Check a libhappyphonellm.so: what it exports and imports, how it is laid out,
# how large it is. The last line says so. usage: check-lib.sh FILE
set -uo pipefail
source "$(dirname "$0")/lib.sh"
file=${1:?usage: check-lib.sh FILE}
need readelf "sudo apt-get install binutils"
[[ -f $file ]] || die "$file: no such file"

problems=0
problem() {
  say "$file: $*"
  problems=$((problems + 1))
}

header=$(readelf -hW "$file") || die "$file: not an ELF file"
segments=$(readelf -lW "$file")
dynamic=$(readelf -dW "$file")
symbols=$(readelf --dyn-syms -W "$file")
machine=$(sed -n 's/^ *Machine: *//p' <<<"$header")
android=
grep -q 'note.android.ident' <<<"$segments" && android=1

# Exported: defined, global, not hidden.
exported=$(awk '$7 != "UND" && ($5 == "GLOBAL" || $5 == "WEAK") && $4 != "SECTION" && NF >= 8 { sub(/@.*/, "", $8); print $8 }' <<<"$symbols" |
  LC_ALL=C sort -u)
diff -u "$root/build/exports.txt" <(echo "$exported") >&2 || problem "it does not export just the functions of build/exports.txt (above: - is missing, + is too much)"
declared=$(sed -n 's/^HP_LLM_API .*\<\(hp_llm_[a-z_]*\)(.*/\1/p' "$root/include/hp_llm.h" | LC_ALL=C sort -u)
diff -u "$root/build/exports.txt" <(echo "$declared") >&2 || problem "build/exports.txt and include/hp_llm.h name different functions"

grep -q 'SONAME.*\[libhappyphonellm\.so\]' <<<"$dynamic" || problem "its soname is not libhappyphonellm.so"
# glibc's own names on Linux beside Android's.
allowed='^(libc|libm|libdl|liblog)\.so$'
[[ $android ]] || allowed='^(libc\.so\.6|libm\.so\.6|libdl\.so\.2|libpthread\.so\.0|ld-linux-(x86-64|aarch64)\.so\.[12])$'
while read -r library; do
  [[ $library =~ $allowed ]] || problem "it needs $library"
done < <(sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' <<<"$dynamic")
grep -Eq '\(TEXTREL\)|\bTEXTREL\b' <<<"$dynamic" && problem "it has relocations in its text"
while read -r align; do
  ((align >= 0x4000)) || problem "a LOAD segment is aligned to $align, less than 16 KiB"
done < <(awk '$1 == "LOAD" { print $NF }' <<<"$segments")
awk '$1 == "GNU_STACK" && / RWE / { bad = 1 } END { exit !bad }' <<<"$segments" && problem "its stack is executable"
awk '$1 == "LOAD" && / RWE / { bad = 1 } END { exit !bad }' <<<"$segments" && problem "a segment is writable and executable"
if [[ $android ]]; then
  grep -q '^ *TLS ' <<<"$segments" && problem "it has a TLS segment, which old Androids do not load"
  imported=$(awk '$7 == "UND" && NF >= 8 { sub(/@.*/, "", $8); print $8 }' <<<"$symbols" | LC_ALL=C sort -u)
  unlisted=$(comm -23 <(echo "$imported") <(LC_ALL=C sort -u "$root"/build/android/symbols/*.txt))
  [[ -z $unlisted ]] || problem "it imports what build/android/symbols does not list: ${unlisted//$'\n'/ }"
fi
# Phones are arm64; amd64, which has two sets of larger kernels, is for desks and emulators.
max_bytes=6000000
[[ $machine == AArch64 ]] || max_bytes=7000000
bytes=$(stat -c %s "$file")
readelf -SW "$file" | grep -q '\.symtab' && problem "it is not stripped"
if ((bytes > max_bytes)); then
  problem "it has $bytes bytes, the limit is $max_bytes"
fi

if ((problems)); then
  echo "$file: $problems problems"
  exit 1
fi
printf '%s: %s%s, %d functions, %d.%02d MB\n' "${file#"$root"/}" "$machine" "${android:+, Android}" \
  "$(wc -l <<<"$exported")" $((bytes / 1000000)) $((bytes % 1000000 / 10000))
