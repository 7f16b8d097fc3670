#!/bin/sh
# Runs COMMAND inside the Debian folder that build/sid.sh made. It sees /proc and
# /dev there alone: were they mounted for all to see, whoever deletes the cache
# would delete this machine's devices with it. Needs root.
# usage: enter.sh FOLDER COMMAND [ARGUMENT]...
# shellcheck disable=SC2016 # for the inner shell to expand
exec unshare --mount --propagation private sh -c '
  mount -t proc proc "$0/proc" && mount --bind /dev "$0/dev" && exec chroot "$0" "$@"' "$@"
