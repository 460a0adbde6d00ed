#!/usr/bin/env bash
# A Debian root in the folder ROOT, made if it is not there, with the packages named and what apt needs to add to it.
#
#     deploy/debian/root.sh ROOT ARCH SUITE [PACKAGE,…]
#
# Needs root and mmdebstrap. For a machine other than this one, run it by deploy/arm64/emulated.sh.
set -euo pipefail
root=$1 arch=$2 suite=$3 packages=${4:-}

command -v mmdebstrap > /dev/null || { echo "root.sh: no mmdebstrap; run: apt-get install mmdebstrap" >&2; exit 1; }
mkdir -p "$(dirname "$root")"
exec 9> "$root.lock" && flock 9 # tests on several workers ask for the same
[ "$(cat "$root.made" 2> /dev/null)" != "$arch $suite $packages" ] || exit 0
rm -rf "$root" "$root.made"
# apt's lists stay, so that a package can be installed without a network if what it needs is there.
mmdebstrap --quiet --mode=root --skip=check/qemu,cleanup/apt/lists --arch="$arch" --variant=apt \
    ${packages:+--include="$packages"} "$suite" "$root"
cp /etc/resolv.conf "$root/etc/"
echo "127.0.0.1 localhost" > "$root/etc/hosts"
echo "$arch $suite $packages" > "$root.made"
