#!/usr/bin/env bash
# Builds the Debian package, for Debian 12 and 13 and both machines in one go; no root needed:
#
#     deploy/debian/build.sh PYTHON [ARCH…]       ARCH: amd64 and arm64 unless named → dist/affectd_<version>_<ARCH>.deb
#
# PYTHON has pip and what requirements/build.txt locks. One package serves both releases, so that a node survives the
# upgrade from one to the other: wheels that fit any Python lie in lib/common, the others once for each release's Python.
# Nothing is compiled, so arm64 needs no compiler and no emulator. Built again from the same commit, it is the same file.
set -euo pipefail
python=$(realpath --no-symlinks "${1:?PYTHON missing, as in: deploy/debian/build.sh .venv-test/bin/python}")
shift
here=$(cd "$(dirname "$0")" && pwd)
checkout=$(cd "$here/../.." && pwd)
releases=(3.11 3.13)
glibc=36 # Debian 12's C library is 2.36

command -v dh > /dev/null || { echo "build.sh: no debhelper; run: apt-get install debhelper" >&2; exit 1; }
cd "$checkout"
version=$("$python" -c 'import tomllib; print(tomllib.load(open("pyproject.toml", "rb"))["project"]["version"])')
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
export SOURCE_DATE_EPOCH PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_QUIET=2

# A lock's entry goes over several lines that end in a backslash. python-speech-features is locked as source alone.
lock() { sed -e ':a' -e '/\\$/N; s/\\\n//; ta' requirements/pi.txt | grep "$@" '^python-speech-features=='; }

own_wheels() { # → FOLDER: affectd itself, and what must be built
    "$python" -m pip wheel --no-deps --no-build-isolation --wheel-dir "$1" .
    "$python" -m pip wheel --no-deps --no-build-isolation --require-hashes --wheel-dir "$1" -r <(lock)
}

fit() { # RELEASE MACHINE: pip's options for wheels of another Python and machine
    echo --only-binary=:all: --no-deps --implementation cp --python-version "$1" --platform "manylinux2014_$2"
    seq --format "--platform manylinux_2_%g_$2" 17 $glibc
}

fetch() { # RELEASE MACHINE FOLDER
    # shellcheck disable=SC2046 # many words
    "$python" -m pip download $(fit "$1" "$2") --require-hashes --dest "$3" -r <(lock --invert-match)
}

unpack() { # RELEASE MACHINE TARGET WHEEL…
    local fits
    fits=$(fit "$1" "$2")
    # shellcheck disable=SC2086 # many words
    "$python" -m pip install $fits --no-index --no-compile --target "$3" "${@:4}"
    # Programs that say where they were installed, and records that dpkg keeps better.
    rm -rf "${3:?}"/{bin,share} "$3"/*.dist-info/{RECORD,INSTALLER,REQUESTED,direct_url.json}
}

libraries() { # MACHINE WHEELS LIB
    local release each
    for release in "${releases[@]}"; do
        fetch "$release" "$1" "$2/$release"
    done
    mapfile -t each < <(comm -12 <(ls "$2/${releases[0]}") <(ls "$2/${releases[1]}"))
    unpack "${releases[0]}" "$1" "$3/common" "${each[@]/#/$2/${releases[0]}/}" "$2"/own/*.whl
    for release in "${releases[@]}"; do
        (cd "$2/$release" && rm "${each[@]}")
        unpack "$release" "$1" "$3/python$release/site-packages" "$2/$release"/*.whl
        echo ../../common > "$3/python$release/site-packages/common.pth"
    done
    # The desktop's and the workshop's code is no part of the appliance.
    rm -r "$3"/common/{desktop_server,quantize}
    # Compilers for the accelerators of phones.
    rm -rf "$3"/python*/site-packages/ai_edge_litert/{vendors,tools}
    find "$3" -type f -exec chmod a-x {} +
}

environment() { # FOLDER: a virtual environment of the system's own Python, whichever of the two that is
    mkdir -p "$1/bin" "$1/share/affectd"
    ln -s /usr/bin/python3 "$1/bin/python3"
    printf 'home = /usr/bin\ninclude-system-site-packages = true\n' > "$1/pyvenv.cfg"
    install "$here/affectd" "$1/bin/affectd"
    "$python" deploy/provision_models.py > /dev/null
    cp -r models_tflite "$1/share/affectd/"
}

changelog() {
    printf 'affectd (%s) unstable; urgency=medium\n\n  * See CHANGELOG.md.\n\n' "$version"
    printf ' -- affectd <maintainers@affectd.invalid>  %s\n' "$(date --utc --rfc-email --date="@$SOURCE_DATE_EPOCH")"
}

package() { # ARCH
    local machine=x86_64 work=$checkout/build/deb/$1
    [ "$1" = arm64 ] && machine=aarch64
    rm -rf "$work"
    mkdir -p "$work/affectd" "$work/wheels/own"
    own_wheels "$work/wheels/own"
    environment "$work/affectd/opt/affectd"
    libraries "$machine" "$work/wheels" "$work/affectd/opt/affectd/lib"
    cp -r "$here/package" "$work/affectd/debian"
    changelog > "$work/affectd/debian/changelog"
    cp systemd/affectd{,-firstboot,-trial}.service "$work/affectd/debian/"
    cp deploy/affectd{,-setup}.toml "$here"/{affectd.rtupdate,broker-only.conf} "$work/affectd/"
    install "$here/trial.py" "$work/affectd/trial"
    install -D --mode=644 "$here/sysusers.conf" "$work/affectd/sysusers.d/affectd.conf"
    install -D --mode=644 --target-directory="$work/affectd/about" README.md CHANGELOG.md NOTICE
    install -D --mode=644 --target-directory="$work/affectd/about/docs" docs/*.md
    install -D --mode=644 deploy/manuals/affectd.bash "$work/affectd/share/bash-completion/completions/affectd"
    install -D --mode=644 deploy/manuals/_affectd "$work/affectd/share/zsh/vendor-completions/_affectd"
    cp deploy/manuals/affectd.1 "$work/affectd/"
    (cd "$work/affectd" && dpkg-buildpackage --build=binary --host-arch="$1" --unsigned-changes --no-check-builddeps) \
        > "$work/log" 2>&1 || { tail -20 "$work/log" >&2; exit 1; }
    mkdir -p dist
    mv "$work"/affectd_*_"$1".deb dist/
    ls -s --block-size=kB dist/affectd_"$version"_"$1".deb
}

[ $# -gt 0 ] || set -- amd64 arm64
for arch in "$@"; do
    package "$arch"
done
