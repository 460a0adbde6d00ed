#!/bin/sh -e
# A Debian 12 for arm64 in the folder ROOT, with Python and the locked packages that the recognisers need, to be run
# by qemu-aarch64. Packages are unpacked and not set up, so neither a privilege nor binfmt is needed. Run again, it
# makes anew only what requirements/demo.txt has changed.
#
#   deploy/arm64/root.sh ROOT PYTHON      PYTHON: one with pip and affectd's packages

root=$1 python=$2
lock=$(dirname "$0")/../../requirements/demo.txt
wanted='^(ai-edge-litert|msgspec|numpy|opencv-python-headless|webrtcvad-wheels)=='

for needed in mmdebstrap qemu-aarch64; do
    command -v $needed >/dev/null || { echo "root.sh: no $needed; install mmdebstrap and qemu-user" >&2; exit 1; }
done

if [ ! -x "$root/usr/bin/python3.11" ]; then
    mkdir -p "$root"
    # By way of an archive, so that everything belongs to whoever runs this.
    mmdebstrap --quiet --arch=arm64 --variant=extract --include=python3.11,libstdc++6,libgcc-s1 bookworm - |
        tar --extract --directory "$root" --no-same-owner --exclude './dev/*'
fi

"$(dirname "$0")/pi4.sh" "$root"

# A lock's entry goes over several lines that end in a backslash. Of numpy's two entries Python 3.11 takes the first,
# whatever Python runs pip.
sed -e ':a' -e '/\\$/N; s/\\\n//; ta' "$lock" | grep -E "$wanted" | grep -v "python_full_version >= '3.12'" |
    sed "s/ ; python_full_version < '3.12'//" >"$root/lock"
if ! cmp -s "$root/lock" "$root/packages/lock"; then
    platforms=$(seq -f '--platform manylinux_2_%g_aarch64' 17 36)    # 2.36 is Debian 12's C library
    rm -rf "$root/packages"
    # shellcheck disable=SC2086 # $platforms is many words
    "$python" -m pip install --quiet --no-deps --only-binary=:all: --require-hashes --python-version 3.11 \
        --implementation cp --platform manylinux2014_aarch64 $platforms --target "$root/packages" -r "$root/lock"
    # Pure Python, and locked only as a source archive: the one that is installed already.
    where='import importlib.util as u; print(u.find_spec("python_speech_features").submodule_search_locations[0])'
    cp -r "$("$python" -c "$where")" "$root/packages/"
    cp "$root/lock" "$root/packages/lock"
fi
