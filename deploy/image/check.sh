#!/usr/bin/env bash
# What of the recipe can be tried without rpi-image-gen and without a Pi: its packages, files and hook in a Debian 13 root
# of this machine's architecture. check.sh DEB; needs root, mmdebstrap, and Debian's archive. Takes some minutes.
set -euo pipefail
deb=$(readlink -f "${1:?usage: sudo $0 affectd_<version>_$(dpkg --print-architecture).deb}")
here=$(cd "$(dirname "$0")" && pwd)
layer=$here/layer/affectd-appliance
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root

# picamera2 is in Raspberry Pi's own archive.
packages=$(sed -n 's/^    - //p' "$layer.yaml" | grep -v picamera2 | paste -sd,)
mkdir "$work/keys"
echo 'untrusted comment: a key' > "$work/keys/owner.pub"
cat > "$work/customize" <<'HOOK'
#!/bin/sh
set -eu
mkdir -p "$1/boot/firmware"
echo '# firmware' > "$1/boot/firmware/config.txt"
cp -a "$LAYER.d/customize.overlay/." "$1/"
"$LAYER.d/hooks/customize50-appliance" "$1"
HOOK
chmod +x "$work/customize"
export LAYER=$layer IGconf_affectd_deb=$deb IGconf_affectd_keys=$work/keys
mmdebstrap --quiet --variant=apt --include="systemd-sysv,udev,dbus,$packages" --customize-hook="$work/customize \"\$1\"" \
    trixie "$root"
mount --bind /proc "$root/proc"
trap 'umount "$root/proc"; rm -rf "$work"' EXIT

fail() { echo "FAIL: $*" >&2; exit 1; }
in_root() { chroot "$root" "$@"; }
is() { [ "$(in_root systemctl is-enabled "$1" || true)" = "$2" ] || fail "$1 is not $2"; }
is affectd.service enabled
is affectd-firstboot.service enabled
is affectd-trial.service "$([ "${IGconf_affectd_updates:-y}" = y ] && echo enabled || echo masked)"
is apt-daily.timer masked
is getty@tty1.service masked
is bluetooth.service masked
[ "$(in_root systemctl get-default)" = multi-user.target ] || fail "the default target"
says() { grep -qxF -- "$1" <<< "$(in_root "${@:2}")" || fail "$1"; }
says Storage=volatile systemd-analyze cat-config systemd/journald.conf
says RuntimeWatchdogSec=14s systemd-analyze cat-config systemd/system.conf
says 'APT::Periodic::Enable "0";' apt-config dump
in_root systemd-analyze verify --man=no affectd.service || fail "the unit"
grep -qx 'dtoverlay=disable-bt' "$root/boot/firmware/config.txt" || fail "config.txt"
[ -e "$root/etc/affectd/keys/owner.pub" ] || fail "the key"
[ ! -e "$root/tmp/affectd.deb" ] || fail "the package was left behind"
in_root /opt/affectd/bin/affectd models verify || fail "the models"
in_root /opt/affectd/bin/affectd --version
umount "$root/proc"
trap 'rm -rf "$work"' EXIT
echo "the recipe's root: $(du -sxm "$root" | cut -f1) MB, all as it should be"
