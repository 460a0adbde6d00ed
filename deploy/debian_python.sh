#!/usr/bin/env bash
# Makes the environment that the Debian package is on this machine: NumPy, OpenCV and PyAV of the system under the locked
# wheels of the rest, and affectd from this checkout. Where the system has not got them it says so and makes nothing:
#
#     deploy/debian_python.sh .venv-debian
set -eu
cd "$(dirname "$0")/.."
folder=$1
pip_options=(--quiet --disable-pip-version-check --no-deps --no-build-isolation)

leave() { echo "$1: what reads media is tested with wheels alone." && exit 0; }

rm -rf "$folder"
[ -x /usr/bin/python3 ] || leave "No Python of the system"
/usr/bin/python3 -c 'import sys; sys.exit(sys.version_info[:2] not in ((3, 11), (3, 13)))' \
    || leave "The system's Python is neither Debian 12's nor 13's"
/usr/bin/python3 -c 'import av, cv2, ensurepip, numpy' 2>/dev/null \
    || leave "No python3-av, python3-opencv, python3-numpy or python3-venv"

/usr/bin/python3 -m venv --system-site-packages "$folder"
"$folder"/bin/python -m pip install "${pip_options[@]}" --require-hashes -r requirements/build.txt
"$folder"/bin/python -m pip install "${pip_options[@]}" --require-hashes -r requirements/pi.txt
"$folder"/bin/python -m pip install "${pip_options[@]}" --editable .
touch "$folder/ready"
