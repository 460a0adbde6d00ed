#!/usr/bin/env python3
"""What the appliance costs on a Raspberry Pi 4, as arm64 instructions counted under emulation.

    count.py --root DIR --plugin FILE [--json FILE]

DIR holds a small Debian 12 for arm64, made by root.sh when it is not there. FILE is a compiled plugin for
qemu-aarch64 that prints "INSNS n" to stderr at the end of each process. Needs mmdebstrap and qemu-user.
Counts repeat to a thousandth on any machine; the milliseconds are estimated from them, not measured on a Pi.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from inside import CALLS, MODELS
from numpy.typing import NDArray

from device.capture.container import sound_blocks
from device.capture.replay import BLOCK_MS, open_media
from device.features.face import face_crop
from device.features.speech import SPEECH_FEATURES
from device.features.speech_windows import SpeechWindower
from device.models.detect import FaceDetector
from device.models.sets import ModelSet, load_set
from device.models.tflite import TfliteModel
from device.models.track import FaceTracker
from device.process.program import run_program
from device.readings import Modality

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
CLIPS = sorted((HERE.parent / "demo" / "crema_d").glob("*.flv"))
PICTURE_PX = (640, 480)
"""The appliance's default camera; the clips are 480 × 360."""
CROPS_HZ = 2.0

MS_PER_MILLION = 0.6
"""A Cortex-A72 core at 1.5 GHz and 1.1 instructions a cycle, which XNNPACK's published figures for a Pi 4 imply."""
PER_SECOND = {
    "one_second": {
        "a frame of a tracked face, whole": 10.0,
        "offset and hum out, 3 s of sound": 1 / 3,
        "voice gate, 1 s of sound": 1.0,
        "speech features of a 0.75 s hop": 1 / 0.75,
        "speech net": 1 / 0.75,
    },
    "one_second_of_an_empty_room": {
        "a frame of an empty, still room": 10.0,
        "offset and hum out, 3 s of sound": 1 / 3,
        "voice gate, 1 s of a quiet room": 1.0,
    },
}
"""How often each runs while a face is seen and somebody speaks without a pause, and while nothing moves; capture and
publishing come on top."""
SAID = {
    "one_second": "one second, face seen and speech",
    "one_second_of_an_empty_room": "one second of an empty room",
}
CORES = 4

Json = dict[str, Any]


def main() -> int:
    """Make the root, count, compare, print and write."""
    parser = argparse.ArgumentParser(description="Count arm64 instructions of each stage under emulation.")
    parser.add_argument("--root", type=Path, required=True, metavar="DIR", help="an arm64 root; made if not there")
    parser.add_argument("--plugin", type=Path, required=True, metavar="FILE", help="qemu plugin that prints INSNS n")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    options = parser.parse_args()
    if subprocess.run([HERE / "root.sh", options.root, sys.executable], check=False).returncode:
        sys.exit(f"count.py: no arm64 root in {options.root}; the lines above say why")
    with tempfile.TemporaryDirectory(prefix="affectd-arm64-") as folder:
        figures = measured(options.root.resolve(), options.plugin.resolve(), Path(folder) / "inputs.npz")
    sys.stdout.write(table(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    return 0


def measured(root: Path, plugin: Path, inputs: Path) -> Json:
    """All figures of the default model set."""
    models = load_set(MODELS)
    write_inputs(models, inputs)
    emulator = ["qemu-aarch64", "-cpu", "cortex-a72", "-L", str(root)]
    arm = [*emulator, str(root / "usr" / "bin" / "python3.11")]
    counts = instructions(run([*emulator, "-plugin", str(plugin), arm[-1]], "count", inputs, root))
    return {
        "command": "deploy/arm64/count.py --root DIR --plugin FILE --json docs/instructions.json",
        "emulator": first_line("qemu-aarch64", "--version") + ", -cpu cortex-a72",
        "packages": sorted(line.split()[0] for line in (root / "lock").read_text(encoding="utf-8").splitlines()),
        "models": {card.id: card.sha256 for card in models.cards},
        "picture_px": list(PICTURE_PX),
        "ms_per_million": MS_PER_MILLION,
        "stages": {name: {"instructions": n, "estimated_ms": _ms(n)} for name, n in counts.items()},
        **{scene: _second(counts, rates) for scene, rates in PER_SECOND.items()},
        "same_as_x86": agreement(
            json.loads(run(arm, "answers", inputs, root).stdout),
            json.loads(run([sys.executable], "answers", inputs, None).stdout),
        ),
    }


def _second(counts: dict[str, int], rates_hz: dict[str, float]) -> Json:
    count = sum(counts[name] * rate_hz for name, rate_hz in rates_hz.items())
    return {
        "instructions": round(count),
        "estimated_ms": _ms(count),
        "estimated_share_of_four_cores": round(_ms(count) / 1000 / CORES, 4),
    }


def write_inputs(models: ModelSet, inputs: Path) -> None:
    """What is counted on, and what the nets are asked: the emulated machine decodes no media."""
    media = open_media(CLIPS, rate_hz=CROPS_HZ)
    assert media.video is not None, "the demo's clips are films"
    assert media.audio is not None, "the demo's clips have sound"
    with media.video as video:
        pictures = list(video)
    with media.audio as audio:
        blocks = list(audio)
    tracker = FaceTracker(FaceDetector(TfliteModel(models.detector, models.folder)))
    seen = [(frame, face) for frame in pictures if (face := tracker(frame))]
    crops = [face_crop(f.grey, right_eye=x.right_eye, left_eye=x.left_eye, mouth=x.mouth) for f, x in seen]
    framer = SpeechWindower(SPEECH_FEATURES[models.card(Modality.SPEECH).features]())
    windows = [window for block in blocks for window in framer.push(block)] + framer.finish()
    np.savez(
        inputs,
        grey=cv2.resize(seen[0][0].grey, PICTURE_PX),
        samples=np.concatenate([block.samples for block in sound_blocks(CLIPS[0], BLOCK_MS)]),
        face=np.stack([crop.pixels for crop in crops if crop]),
        speech=np.stack([window.features[..., np.newaxis] for window in windows]),
    )


def run(python: list[str], what: str, inputs: Path, root: Path | None) -> subprocess.CompletedProcess[str]:
    """``inside.py`` by this Python. Ends the program with its last line if it fails."""
    path = [str(PROJECT), *([str(root / "packages")] if root else [])]
    environment = {
        **os.environ,
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONPATH": os.pathsep.join(path),
    }
    command = [*python, str(HERE / "inside.py"), what, str(inputs)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"count.py: {python[0]} inside.py {what} failed: {(done.stderr.strip() or 'no message')[-2000:]}")
    return done


def instructions(done: subprocess.CompletedProcess[str]) -> dict[str, int]:
    """Instructions a call of each stage, from the plugin's lines: two a stage, and the parent's own at the end."""
    counts = [int(n) for n in re.findall(r"INSNS (\d+)", done.stderr)]
    names = json.loads(done.stdout)
    if len(counts) != 2 * len(names) + 1:
        sys.exit("count.py: the plugin did not say INSNS n once a process; is it the one that counts instructions?")
    return {name: round((counts[2 * i + 1] - counts[2 * i]) / CALLS) for i, name in enumerate(names)}


def agreement(arm: Json, x86: Json) -> Json:
    """How the nets' probabilities of both machines compare."""
    return {net: _compared(np.array(arm[net]), np.array(x86[net])) for net in x86}


def _compared(arm: NDArray[np.float64], x86: NDArray[np.float64]) -> Json:
    return {
        "inputs": len(x86),
        "same_label": int((arm.argmax(axis=1) == x86.argmax(axis=1)).sum()),
        "largest_difference_256ths": round(float(np.abs(arm - x86).max()) * 256),
    }


def table(figures: Json) -> str:
    """For a terminal."""
    return "\n".join([*_lines(figures), ""])


def _lines(figures: Json) -> Iterator[str]:
    for name, stage in {**figures["stages"], **{said: figures[scene] for scene, said in SAID.items()}}.items():
        yield f"{name:34} {stage['instructions'] / 1e6:8.2f} M  estimated {stage['estimated_ms']:7.2f} ms"
    share = figures["one_second"]["estimated_share_of_four_cores"]
    yield f"of a Pi 4's four cores, without capture and publishing: estimated {100 * share:.1f} %"
    for net, found in figures["same_as_x86"].items():
        yield (
            f"{net}: {found['same_label']} of {found['inputs']} labels as on x86, "
            f"probabilities within {found['largest_difference_256ths']}/256"
        )


def _ms(count: float) -> float:
    return round(count / 1e6 * MS_PER_MILLION, 2)


def first_line(*command: str) -> str:
    """Of what a command prints."""
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[0]


if __name__ == "__main__":
    sys.exit(run_program("count.py", main))
