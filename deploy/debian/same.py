#!/usr/bin/env python3
"""Whether two machines made the same of the same pictures: ``same.py FILE FILE``, each of `affectd replay --json`.

Labels must be equal, and probabilities within 2/256: what is left is how two processors round. What each modality said
before both were fused and smoothed is compared too and told, but not judged: where the detector's point lies between
two eighths of a pixel, the face net is given two crops.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

TOLERANCE = 2 / 256

Said = dict[str, Any]


def main(paths: list[str]) -> int:
    """Compare and say how close they are; the exit status is 1 if that is not close enough."""
    one, other = (_estimates(Path(path)) for path in paths)
    if not one or len(one) != len(other):
        sys.exit(f"same.py: {len(one)} and {len(other)} estimates; both machines must give the same number")
    pairs = list(zip(one, other, strict=True))
    labels = sum(a["label"] == b["label"] for a, b in pairs)
    fused = [_distance(a, b) for a, b in pairs]
    print(f"{len(pairs)} estimates: {labels} labels equal; probabilities {_told(fused)}")
    for name in one[0]["modalities"]:
        print(f"  {name} alone: {_told([_distance(a['modalities'][name], b['modalities'][name]) for a, b in pairs])}")
    return 0 if labels == len(pairs) and max(fused) <= TOLERANCE else 1


def _estimates(path: Path) -> list[Said]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def _distance(one: Said, other: Said) -> float:
    """Of the furthest probability; 1 if only one machine said anything: without, all are 0."""
    a, b = (said["probs"] for said in (one, other))
    return max(abs(a[emotion] - b[emotion]) for emotion in a) if any(a.values()) == any(b.values()) else 1.0


def _told(distances: list[float]) -> str:
    within = sum(distance <= TOLERANCE for distance in distances)
    return f"{within} within 2/256, the furthest at {max(distances) * 256:.2f}/256"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
