#!/usr/bin/env bash
# Runs the Pi's camera source against genuine picamera2 and libcamera, without a camera and without a Pi:
#
#     deploy/picamera2/run.sh [argument for pytest…]
#
# Makes a Debian 13 root in build/picamera2 once (one to three minutes, 0.3 GB), then takes seconds. Needs root, Linux on
# x86-64 or arm64, mmdebstrap (apt-get install mmdebstrap) and a Python with pip. It is no part of `make test`.
# What stands in for a Pi: stand_ins.py (Python), virtual.yaml (the cameras) and the two lines on memory below.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
work=$checkout/build/picamera2
packages=python3,python3-libcamera,libcamera-ipa,python3-numpy,python3-pil,python3-pytest
cameras=/usr/share/libcamera/pipeline/virtual

make_root() {
    rm -rf "$work/root" "$work/root.made"
    mkdir -p "$work"
    mmdebstrap --quiet --variant=apt --include="$packages" --customize-hook="mkdir -p \$1/affectd \$1/site \$1$cameras" \
        trixie "$work/root"
    echo "$packages" > "$work/root.made"
}

make_site() {
    rm -rf "$work/site" "$work/site.made"
    "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --root-user-action=ignore --no-deps \
        --only-binary :all: --python-version 3.13 --require-hashes --target "$work/site" -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$work/site.made"
}

# In mount, process and network namespaces of its own: the checkout read-only, no network, and of /dev and /sys only what
# Python needs, so that a camera of this machine is not found.
inside() {
    mount --bind "$checkout" "$work/root/affectd"
    mount -o remount,bind,ro "$work/root/affectd"
    mount --bind "$work/site" "$work/root/site"
    mount --bind "$here" "$work/root$cameras"
    mount -t proc proc "$work/root/proc"
    mount -t tmpfs tmpfs "$work/root/tmp"
    # libcamera 0.4's Virtual pipeline never sets a picture's status, and picamera2 throws away what is not a success (0):
    # memory that is zero when given out makes it one.
    exec chroot "$work/root" env -i -C /affectd PATH=/usr/bin:/bin HOME=/tmp LIBCAMERA_LOG_LEVELS='*:FATAL' \
        GLIBC_TUNABLES=glibc.malloc.perturb=255:glibc.malloc.tcache_count=0 \
        PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=/site:/affectd:/affectd/tests:/affectd/deploy/picamera2 \
        timeout --kill-after=5 300 "$@"
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
fi
[ "$(id -u)" -eq 0 ] || { echo "$0: must be root, to make and enter a Debian root; use sudo." >&2; exit 1; }
command -v mmdebstrap > /dev/null || { echo "$0: mmdebstrap is missing: apt-get install mmdebstrap" >&2; exit 1; }
[ "$(cat "$work/root.made" 2> /dev/null)" = "$packages" ] || make_root
cmp --quiet "$here/requirements.txt" "$work/site.made" || make_site
# Without pyproject.toml's settings of pytest, of which Debian's pytest does not know all.
# picamera2 itself sets threads up in a way that Python 3.13 warns of, and leaves a pipe open when a camera is in use.
exec unshare --mount --pid --net --fork --kill-child "$0" --inside \
    python3 -m pytest -c /dev/null --rootdir /affectd -p no:cacheprovider -p stand_ins -o faulthandler_timeout=60 \
    -W error -W ignore:setDaemon:DeprecationWarning -W ignore::pytest.PytestUnraisableExceptionWarning \
    deploy/picamera2/test_virtual.py tests/test_camera_pi.py "$@"
