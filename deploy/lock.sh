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
# All that `affectd-server` can do on one machine, in the very versions that are tested.
compile pyproject.toml --extra compare --constraint requirements/test.txt -o requirements/server.txt
# The same on a GPU. Only `make serve-gpu` and its image install it; two packages cannot both bring onnxruntime.
compile pyproject.toml --extra gpu --extra compare --no-emit-package onnxruntime \
    --constraint requirements/server.txt -o requirements/gpu.txt
compile pyproject.toml --extra test --extra scale -o requirements/scale.txt
compile pyproject.toml --extra docs --constraint requirements/test.txt -o requirements/docs.txt
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
