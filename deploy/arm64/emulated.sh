#!/usr/bin/env bash
# Runs a command in a world where arm64 programs run, by qemu as a Cortex-A72, without touching this machine's settings:
#
#     deploy/arm64/emulated.sh COMMAND [ARGUMENT…]
#
# The kernel keeps its list of emulators (binfmt_misc) per user namespace since Linux 6.7, so this makes one, in which
# every user has the number it has outside. Needs root and qemu-user-static.
set -euo pipefail

register() {
    local magic='\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00'
    local mask='\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff'
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    # F: the emulator is opened now, so that a changed root need not hold it. OC: set-user-id programs are that.
    printf '%s' ":affectd-arm64:M::$magic:$mask:$(command -v qemu-aarch64-static):OCF" \
        > /proc/sys/fs/binfmt_misc/register
}

if [ "${1:-}" = --inside ]; then
    shift
    register
    QEMU_CPU=cortex-a72 exec "$@"
fi
[ "$(id -u)" -eq 0 ] || { echo "emulated.sh: must be root; use sudo" >&2; exit 1; }
command -v qemu-aarch64-static > /dev/null ||
    { echo "emulated.sh: no qemu-aarch64-static; run: apt-get install qemu-user-static" >&2; exit 1; }

gate=$(mktemp --dry-run)
mkfifo "$gate"
# shellcheck disable=SC2016 # for the inner shell
unshare --user sh -c 'read -r _ < "$0"; exec unshare --mount --pid --fork --kill-child --mount-proc "$@"' \
    "$gate" "$(realpath "$0")" --inside "$@" &
child=$!
until [ "$(readlink /proc/$child/ns/user)" != "$(readlink /proc/self/ns/user)" ]; do :; done
echo 0 0 65536 > /proc/$child/uid_map
echo 0 0 65536 > /proc/$child/gid_map
echo go > "$gate"
rm "$gate"
wait $child
