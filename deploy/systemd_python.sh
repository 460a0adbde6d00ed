#!/usr/bin/env bash
# systemd-python is built from source, so it goes where the headers are; elsewhere affectd runs without telling systemd.
set -eu
if pkg-config --exists libsystemd 2>/dev/null; then
    "$1" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --require-hashes \
        -r "$(dirname "$0")/../requirements/systemd.txt"
else
    echo "No systemd headers (libsystemd-dev, pkg-config): affectd is installed without its systemd notifier."
fi
