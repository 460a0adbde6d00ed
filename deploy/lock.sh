#!/usr/bin/env bash
# Writes requirements/*.txt anew: every package with its hashes, no addresses, for every supported Python and machine.
set -eu
uv=$1
cd "$(dirname "$0")/.."
compile() {
    "$uv" pip compile --universal --python-version 3.11 --generate-hashes --no-annotate --no-header \
        --no-emit-index-url --no-emit-find-links --quiet "$@"
}
compile --group build -o requirements/build.txt
compile --group fleet -o requirements/fleet.txt
compile pyproject.toml --extra demo -o requirements/demo.txt
compile pyproject.toml --extra test --extra quantize -o requirements/test.txt
compile pyproject.toml --extra server -o requirements/server.txt
compile pyproject.toml --extra test --extra scale -o requirements/scale.txt
# On a Pi the libraries near the hardware are the system's own: picamera2 is built against them.
compile pyproject.toml --extra device --no-emit-package numpy --no-emit-package opencv-python-headless \
    -o requirements/pi.txt
echo 'systemd-python==235' | compile --no-deps - -o requirements/systemd.txt
printf 'tflite-runtime==2.14.0\nnumpy<2\n' | compile - -o requirements/tflite.txt
# The peer of the benchmark. It declares CUDA builds that it needs for one of its detectors only; left out.
{
    echo 'fer==25.10.3' | compile --no-deps -
    printf '%s\n' tensorflow-cpu==2.21.0 'opencv-contrib-python-headless<5' pandas pillow requests tqdm matplotlib \
        'setuptools<81' | compile -
} > requirements/bench.txt
