# The real program on a screen that nobody sees: started with a model in its
# folder, asked, stopped, measured and closed, by keys and clicks alone. The last
# line is 'N passed, N failed'.
# shellcheck shell=bash disable=SC2154 # what flutter.sh and lib.sh set
source "$root/build/flutter/desktop.sh"

pictures=${1:-}
[[ -e $cache/models/smollm2-q4_1.gguf ]] || die "$cache/models/smollm2-q4_1.gguf is missing; make it: make deps"
enter_work
build_desktop test_driver/main.dart
mkdir -p "$work/home/data/happy_phone/models" "$work/drive" "$work/shots"
cp -L "$cache/models/smollm2-q4_1.gguf" "$work/home/data/happy_phone/models/SmolLM2-135M-Instruct.Q4_1.gguf"
# An answer that lasts longer than it is watched.
echo '{"maxTokens": 4096}' >"$work/home/data/happy_phone/settings.json"
cp "$root/build/flutter/drive.py" "$work/"

# xauth's file and the session's sockets are in $work, too.
within 600 env -i PATH=/usr/bin:/bin LANG=C.UTF-8 HOME="$inside/home" TMPDIR="$inside/home" \
  XDG_DATA_HOME="$inside/home/data" XDG_RUNTIME_DIR="$inside/home" GTK_A11Y=none NO_AT_BRIDGE=1 \
  LIBGL_ALWAYS_SOFTWARE=1 HPLLM_DRIVE="$inside/drive" \
  dbus-run-session -- xvfb-run -a -s "-screen 0 1280x900x24" \
  python3 "$inside/drive.py" "$inside/example_app/build/bundle/happy_phone" "$inside/shots" 2>"$work/log"
code=$?
((code == 0)) || tail -n 40 "$work/log" >&2
if [[ $pictures ]]; then
  mkdir -p "$pictures"
  cp "$work"/shots/*.png "$pictures/"
  say "pictures in $pictures"
fi
exit "$code"
