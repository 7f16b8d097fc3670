# Hot restarts in mid-generation: the process lives on, what the old isolates held
# is freed, and the app generates again. The last line is 'N passed, N failed'.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set
[[ -e $cache/models/smollm2-q4_1.gguf ]] || die "$cache/models/smollm2-q4_1.gguf is missing; make it: make deps"
enter_work
library "$work/lib"
mkdir -p "$work/home"
cp -L "$cache/models/smollm2-q4_1.gguf" "$work/"
cp "$root/build/flutter/restart.dart" "$work/"
cp "$root/build/flutter/restart_app.dart" "$work/example_app/"
assets "$inside/flutter_assets" || die "the asset bundle cannot be made"
frontend "$inside/app.dill" "$inside/example_app/restart_app.dart" \
  --sdk-root="$engine/flutter_patched_sdk/" --enable-asserts || die "the app does not compile"
within 600 env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$inside/home" TMPDIR="$inside/home" \
  HPLLM_TEST_LIBRARY="$inside/lib/libhappyphonellm.so" HPLLM_TEST_MODEL="$inside/smollm2-q4_1.gguf" \
  dart "$inside/restart.dart" "$inside/app.dill" \
  "$engine/flutter_tester" --run-forever --vm-service-port=0 --disable-service-auth-codes \
  --disable-vm-service-publication --enable-checked-mode --enable-software-rendering --non-interactive \
  --flutter-assets-dir="$inside/flutter_assets"
