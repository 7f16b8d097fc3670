#!/usr/bin/env bash
# Everything that tests read from the cache folder, made once: two real models
# (PyPI), their requantized forms and one tiny model of every architecture
# (made by llama.cpp's tools in CACHE/sid), llama.cpp's vocabularies, chat
# templates, cases of what models answer and script that converts checkpoints
# (PyPI), and an English text (from the Go distribution).
# usage: models.sh            (idempotent; 8 GB; 13 minutes of 2 cores)
set -euo pipefail
source "$(dirname "$0")/lib.sh"

# Coarse types and new ones, of SmolLM2 alone; rows of its width take some of them
# in one matrix of seven. Q1_0 takes none, so that it is made of Gemma 3.
coarse="iq1_s iq1_m iq2_xxs iq2_xs iq2_s iq3_xxs iq3_s tq1_0 tq2_0 mxfp4 nvfp4 q2_0"
types="f16 bf16 q8_0 q4_0 q4_1 q5_0 q5_1 q2_k q3_k_m q4_k_m q5_k_m q6_k iq4_nl iq4_xs"
sdist=llama-cpp-python==0.3.36

need python3 "sudo apt-get install python3 python3-pip"
need_go
mkdir -p "$cache"/{models,text}
work=$(mktemp -d "$cache/.work-XXXXXX")
trap 'rm -rf "$work"' EXIT

# The two real models, and the short name that tests know the first one by.
smollm2=$(python3 "$root/build/fetch.py" "$cache" smollm2-q4_1)
python3 "$root/build/fetch.py" "$cache" gemma3-q4_k_m >/dev/null
ln -sfn "$(basename "$smollm2")" "$cache/models/smollm2-q4_1.gguf"

# 48 KB of Newton's Opticks (1730), which Go ships as test data: over 8,192
# tokens of prose for every tokenizer at hand.
if [[ ! -e $cache/text/english.txt ]]; then
  opticks=$(go env GOROOT)/src/testdata/Isaac.Newton-Opticks.txt
  [[ -e $opticks ]] || die "$opticks is missing; install the whole Go distribution: https://go.dev/dl"
  awk 'NR > 40 { bytes += length($0) + 1; if (bytes > 48000) exit; print }' "$opticks" >"$work/english.txt"
  mv "$work/english.txt" "$cache/text/"
fi

# llama.cpp's vocabularies, templates, cases and script: in the source package of its Python
# bindings. Asking pip for a source package makes it run the package's build
# backend for the metadata, which must be there first, with the CMake it wants.
if [[ ! -e $cache/vocabs || ! -e $cache/templates || ! -e $cache/peer-convert/convert_lora_to_gguf.py || ! -e $cache/chat-cases.jsonl ]]; then
  say "Fetching vocabularies and chat templates ($sdist, 77 MB) from PyPI, once ..."
  python3 -m venv "$work/venv" 2>/dev/null ||
    die "Python's venv is missing; install it: sudo apt-get install python3-venv"
  "$work/venv/bin/pip" install -q --disable-pip-version-check scikit-build-core cmake
  TMPDIR=$work PATH=$work/venv/bin:$PATH "$work/venv/bin/pip" download -q --disable-pip-version-check \
    --no-cache-dir --no-deps --no-binary :all: --no-build-isolation -d "$work" "$sdist"
  tar -C "$work" -xzf "$work"/llama_cpp_python-*.tar.gz
  python3 "$root/build/peer/chat_cases.py" "$work"/llama_cpp_python-*/vendor/llama.cpp >"$work/chat-cases.jsonl" ||
    die "the cases of llama.cpp's chat test cannot be read; is g++ there? sudo apt-get install g++"
  mkdir "$work/vocabs"
  mv "$work"/llama_cpp_python-*/vendor/llama.cpp/models/ggml-vocab-* "$work/vocabs/"
  mkdir "$work/peer-convert"
  mv "$work"/llama_cpp_python-*/vendor/llama.cpp/{conversion,gguf-py,convert_hf_to_gguf.py,convert_lora_to_gguf.py} "$work/peer-convert/"
  rm -rf "$cache/vocabs" "$cache/templates" "$cache/peer-convert"
  mv "$work"/llama_cpp_python-*/vendor/llama.cpp/models/templates "$work"/{vocabs,peer-convert,chat-cases.jsonl} "$cache/"
fi

if [[ ! -e $sid/.ready ]] || ((EUID != 0)); then
  say "llama.cpp's tools cannot be used here (see build/sid.sh), so no requantized models are made"
  exit 0
fi

# Inside the Debian folder the same work folder has this name.
inside=/tmp/hpllm/$(basename "$work")
mkdir -p "$sid$inside"
trap 'rm -rf "$work" "$sid$inside"' EXIT

# bring FILE NAME: show a file to the peers, by a link where that can be.
bring() { ln -fL "$1" "$sid$inside/$2" 2>/dev/null || cp -L "$1" "$sid$inside/$2"; }

# quantize FROM TO TYPE [OPTION...]: names in CACHE/models, without .gguf.
quantize() {
  [[ -e $cache/models/$2.gguf ]] && return
  say "Making $2 ..."
  bring "$cache/models/$1.gguf" "$1.gguf"
  if ! in_sid llama-quantize --allow-requantize "${@:4}" "$inside/$1.gguf" "$inside/out.gguf" "$3" >"$work/log" 2>&1; then
    tail -n 5 "$work/log" >&2
    die "llama-quantize could not make $2"
  fi
  mv "$sid$inside/out.gguf" "$work/out.gguf"
  mv "$work/out.gguf" "$cache/models/$2.gguf"
}

for type in f32 $types; do
  from=f32
  [[ $type == f32 ]] && from=q4_1
  [[ $type == q4_1 ]] || quantize "smollm2-$from" "smollm2-$type" "${type^^}"
  [[ $type == f32 ]] && from=q4_k_m
  [[ $type == q4_k_m ]] || quantize "gemma3-$from" "gemma3-$type" "${type^^}"
done

if [[ ! -e $cache/models/smollm2.imatrix ]]; then
  say "Collecting importances ..."
  bring "$cache/models/smollm2-q8_0.gguf" model.gguf
  bring "$cache/text/english.txt" english.txt
  in_sid llama-imatrix -m "$inside/model.gguf" -f "$inside/english.txt" -o "$inside/imatrix.gguf" -c 512 --chunks 8 --no-ppl \
    >"$work/log" 2>&1 || die "llama-imatrix failed: $(tail -n 5 "$work/log")"
  mv "$sid$inside/imatrix.gguf" "$cache/models/smollm2.imatrix"
fi
bring "$cache/models/smollm2.imatrix" imatrix.gguf
for type in $coarse; do
  case $type in
  mxfp4 | nvfp4) quantize smollm2-f32 "smollm2-$type" Q8_0 --tensor-type "blk.*=$type" ;; # no mixes of their own
  *) quantize smollm2-f32 "smollm2-$type" "${type^^}" --imatrix "$inside/imatrix.gguf" ;;
  esac
done
quantize gemma3-f32 gemma3-q1_0 Q1_0

if [[ ! -e $cache/archs ]]; then
  say "Making one tiny model of every architecture ..."
  mkdir "$sid$inside/archs"
  in_sid /usr/libexec/x86_64-linux-gnu/llama.cpp-tests/test-llama-archs -o "$inside/archs" -s 1 >"$work/log" 2>&1 || {
    tail -n 5 "$work/log" >&2
    die "test-llama-archs failed"
  }
  mv "$sid$inside/archs" "$cache/archs"
fi
