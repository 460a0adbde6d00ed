#!/usr/bin/env python3
"""Writes into README.md and its pages what other files know: the models' figures, the benchmark's, the MQTT contract.

``--check`` changes nothing and exits with 1 if a page says something else.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from device.models.card import Card
from device.models.sets import list_sets, load_set
from device.publish.topics import topic_table

ROOT = Path(__file__).resolve().parents[1]
PAGES = [ROOT / "README.md", ROOT / "docs" / "measured.md", ROOT / "docs" / "contract.md"]
BENCHMARK = ROOT / "docs" / "benchmark.json"
PI = ROOT / "docs" / "instructions.json"

Json = dict[str, Any]


def main(arguments: list[str]) -> int:
    """Write, or compare."""
    before = {page: page.read_text(encoding="utf-8") for page in PAGES}
    after = {page: filled_in(text) for page, text in before.items()}
    if arguments == ["--check"]:
        return int(before != after)
    for page, text in after.items():
        page.write_text(text, encoding="utf-8")
    return 0


def filled_in(text: str) -> str:
    """The text with each ``<!-- name -->…<!-- /name -->`` made anew."""
    bench, pi = (json.loads(path.read_text(encoding="utf-8")) for path in (BENCHMARK, PI))
    parts = {
        "figures:honest": honest_table(),
        "figures:models": model_table(),
        "figures:speed": speed_line(bench, pi),
        "figures:bench": bench_table(bench, pi),
        "contract": topic_table(),
    }
    for name, content in parts.items():
        head, start, rest = text.partition(f"<!-- {name} -->\n")
        _, end, tail = rest.partition(f"<!-- /{name} -->\n")
        if end:
            text = f"{head}{start}{content}{end}{tail}"
    return text


def honest_table() -> str:
    """What a subscriber gets of the default set, how often it is right, and where it is not."""
    models = load_set(ROOT / "models_tflite", "").models
    right = {kind: _shares(card) for kind, card in models.items()}
    rows = (
        (
            "a face",
            "an estimate a picture, up to ten a second",
            right["face"],
            "smaller than 6.5 % of the picture, in the dark, turned away; fear, of which it misses two thirds",
        ),
        (
            "a voice",
            "an estimate each 0.75 s of speech",
            right["speech"],
            "in noise, far from the microphone; a voice or language unlike those of training: 46 to 69 % of *four*",
        ),
        (
            "both",
            "one estimate by a fusion rule, with each one's weight",
            "more than each alone, where both are of one person",
            "a television that talks while somebody sits there",
        ),
        ("neither", "`nobody`; `uncertain` where no emotion leads; `unknown` with its reason", "", ""),
    )
    head = "| of | a subscriber gets | right, of seven emotions | do not count on it |\n|---|---|---|---|\n"
    return head + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _shares(card: Card) -> str:
    scores = card.about["metrics"]["int8"]
    shares = [
        f"{_percent(scores[corpus][part]['accuracy'])} % ({data})"
        for (corpus, part), data in TESTS[card.kind].items()
        if corpus in scores and part == "test"
    ]
    return "; ".join(shares)


def speed_line(bench: Json, pi: Json) -> str:
    """Speed and memory in one sentence."""
    whole, share = bench["end_to_end"], 100 * pi["one_second"]["estimated_share_of_four_cores"]
    return (
        f"From capture to a subscriber half of the estimates take {whole['latency_ms'][0]:.0f} ms or less on a PC, "
        f"with {whole['peak_memory_mib']:.0f} MiB of memory; a Pi 4 is *estimated* to be busy to {share:.0f} %, and\n"
        "has not been measured.\n"
    )


def model_table() -> str:
    """Accuracy of each int8 file on its test split, from its card."""
    folder = ROOT / "models_tflite"
    rows = [
        row
        for name in list_sets(folder)
        for card in load_set(folder, name).models.values()
        for row in _rows(name, card)
    ]
    head = "| set | model | test data | accuracy % | UAR % | float accuracy % | file |\n|---|---|---|---|---|---|---|\n"
    return head + "".join(rows)


def _rows(name: str, card: Card) -> Iterator[str]:
    metrics = card.about["metrics"]
    for (corpus, part), data in TESTS[card.kind].items():
        if corpus not in metrics["int8"]:
            continue
        scored, floating = metrics["int8"][corpus][part], metrics["float32"][corpus][part]
        yield (
            f"| {name} | {card.kind} | {data}, {scored['samples']} | {_percent(scored['accuracy'])} | "
            f"{_percent(scored['uar'])} | {100 * floating['accuracy']['value']:.1f} | "
            f"`{card.file}` {card.sha256[:8]} |\n"
        )


TESTS = {
    "face": {
        ("fer2013", "test"): "FER2013 PrivateTest",
        ("fer2013", "clean"): "… without pictures that also stand in its training part",
        ("ferplus", "test"): "the same faces, as most of FER+'s ten people saw them",
    },
    "speech": {
        ("ravdess", "test"): "RAVDESS, five actors never heard in training",
        ("ravdess-f3", "test"): "RAVDESS, five actors never heard in training",
    },
}


def _percent(interval: Json) -> str:
    return f"{100 * interval['value']:.1f} [{100 * interval['low']:.1f}, {100 * interval['high']:.1f}]"


def bench_table(bench: Json, pi: Json) -> str:
    """Speed and memory as ``make bench`` measured them on the machine it names, and as ``make arm64`` counted them."""
    stages = "".join(
        f"| {name} | {ms:.2f} ms | {pi['stages'][name]['instructions'] / 1e6:.1f} M | "
        f"{pi['stages'][name]['estimated_ms']:.0f} ms |\n"
        for name, ms in bench["stages_ms"].items()
    )
    whole = "".join(f"| {what} | {measured} |\n" for what, measured in _whole_rows(bench))
    second, empty = pi["one_second"], pi["one_second_of_an_empty_room"]
    cores = f"{100 * second['estimated_share_of_four_cores']:.1f} %"
    return f"""\
| stage, on one core | {bench["machine"]}, {bench["runtime"]} | arm64 instructions | Pi 4, *estimated* |
|---|---|---|---|
{stages}
A second with a face at 10 Hz and a voice costs {second["instructions"] / 1e6:.0f} M instructions: an estimated
{cores} of a Pi 4's four cores, capture and publishing apart; a second of an empty, quiet room
{empty["instructions"] / 1e6:.0f} M. On the PC:

| the whole appliance | measured |
|---|---|
{whole}"""


def _whole_rows(bench: Json) -> Iterator[tuple[str, str]]:
    whole = bench["end_to_end"]
    p50, p90, p99, most = whole["latency_ms"]
    for size, peer in bench["peer"].items():
        yield (
            f"a face in a picture of {size}, all in",
            f"{peer['ours_cpu_ms']:.1f} ms of processor, {peer['ours_peak_mib']:.0f} MiB",
        )
        yield (
            "… the same picture, `fer` 25.10.3",
            f"{peer['peer_cpu_ms']:.0f} ms of processor, {peer['peer_peak_mib']:.0f} MiB",
        )
        yield "… times cheaper, in the same run", "{value:.1f} [{low:.1f}, {high:.1f}]".format(**peer["times"])
    yield "capture → received by a subscriber", f"p50 {p50:.1f}, p90 {p90:.1f}, p99 {p99:.1f}, max {most:.1f} ms"
    yield (
        "… estimates that time alone brought, dated back",
        f"{whole['messages_of_time']} of {whole['messages']}, apart",
    )
    yield "processor, of one core", f"{100 * whole['cpu_share']:.0f} %"
    yield "peak memory while it plays films", f"{whole['peak_memory_mib']:.0f} MiB"
    yield "start to first message", f"{whole['start_to_first_message_s']:.1f} s"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
