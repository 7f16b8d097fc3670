#!/bin/sh
# Runs COMMAND inside the Debian folder that build/sid.sh made. It sees /proc and
# /dev there alone: were they mounted for all to see, whoever deletes the cache
# would delete this machine's devices with it. Needs root.
# usage: enter.sh FOLDER COMMAND [ARGUMENT]...
set -e
# PATH may be meant for COMMAND.
find() { PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin command -v "$1"; }
unshare=$(find unshare) mount=$(find mount) chroot=$(find chroot)
# shellcheck disable=SC2016 # for the inner shell to expand
exec "$unshare" --mount --propagation private /bin/sh -c '
  mount=$0 chroot=$1 folder=$2
  shift 2
  "$mount" -t proc proc "$folder/proc" && "$mount" --bind /dev "$folder/dev" && exec "$chroot" "$folder" "$@"' \
  "$mount" "$chroot" "$@"
