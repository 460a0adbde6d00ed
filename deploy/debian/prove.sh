#!/usr/bin/env bash
# Proves the packages of dist/ on both machines: in a Debian root of each, apt installs the package; then affectd examines
# itself, verifies its models and replays the sample. arm64 runs as an emulated Cortex-A72. The estimates must be equal.
#
#     deploy/debian/prove.sh SUITE…             bookworm, trixie
#
# Needs root, mmdebstrap, qemu-user-static and ffmpeg. Roots lie in build/roots; making one for arm64 takes a quarter of an hour.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
roots=$checkout/build/roots

enter() { # ROOT ARCH COMMAND…: in mount and process namespaces of its own
    local root=$1 arch=$2
    shift 2
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    mount --bind "$checkout/dist" "$root/mnt"
    if [ "$arch" = arm64 ]; then
        "$here/../arm64/pi4.sh" "$roots/pi4"
        mount --bind "$roots/pi4/proc/cpuinfo" "$root/proc/cpuinfo"
        mount --bind "$roots/pi4/sys/devices/system/cpu" "$root/sys/devices/system/cpu"
    fi
    env --ignore-environment PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 TERM=dumb \
        DEBIAN_FRONTEND=noninteractive ${QEMU_CPU:+QEMU_CPU=$QEMU_CPU} chroot "$root" "$@"
}

sample() { # each clip as pictures and sound without loss: FFmpeg itself does not decode a film the same on both machines
    local clip folder
    for clip in "$checkout"/deploy/demo/crema_d/*.flv; do
        folder=$roots/sample/$(basename "$clip" .flv)
        mkdir -p "$folder/film"
        ffmpeg -v error -y -i "$clip" -r 10 "$folder/film/%03d.png"
        ffmpeg -v error -y -i "$clip" -ac 1 -ar 16000 "$folder/voice.wav"
    done
}

prove() { # ARCH SUITE
    local root=$roots/$2-$1 packages
    packages=("$checkout"/dist/affectd_*_"$1".deb)
    "$here/root.sh" "$root" "$1" "$2"
    mkdir -p "$root/sys/devices/system/cpu"
    rm -rf "$root/srv/sample"
    cp -r "$roots/sample" "$root/srv/"
    # shellcheck disable=SC2016 # for the shell in the root
    enter "$root" "$1" sh -euc '
        apt-get update --quiet --quiet
        apt-get install --yes --quiet --quiet --reinstall --allow-downgrades --no-install-recommends "/mnt/$0"
        echo "doctor:"
        affectd doctor > /srv/doctor || true    # there is no camera, no microphone and no broker
        cat /srv/doctor
        for subject in python runtime configuration models "state folder"; do
            grep --quiet "^ok *$subject" /srv/doctor
        done
        affectd models verify
        : > /srv/estimates
        for clip in /srv/sample/*; do
            affectd replay --json --rate 10 "$clip/film" --audio "$clip/voice.wav" >> /srv/estimates
        done
    ' "$(basename "${packages[-1]}")"
}

if [ "${1:-}" = --inside ]; then
    prove "$2" "$3"
    exit
fi
[ "$(id -u)" -eq 0 ] || { echo "prove.sh: must be root, to make and enter a Debian root; use sudo" >&2; exit 1; }
command -v ffmpeg > /dev/null || { echo "prove.sh: no ffmpeg; run: apt-get install ffmpeg" >&2; exit 1; }
mkdir -p "$roots"
sample
for suite in "$@"; do
    "$here/../arm64/emulated.sh" "$0" --inside arm64 "$suite"
    unshare --mount --pid --fork --kill-child --mount-proc "$0" --inside amd64 "$suite"
    "$here/same.py" "$roots/$suite"-{arm64,amd64}/srv/estimates
done
