# ruff: noqa: D103 - test names are sentences
"""Files of telephones, programs and bad luck, read by the package with Debian 12's and 13's own libraries."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import Any

import media_twins
import pytest
import test_media_cases as cases
from machine import PROJECT, Machine, booted

Told = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> media_twins.Twins:
    return media_twins.make(tmp_path_factory.mktemp("twins"))


@pytest.fixture(scope="module")
def told(installed: str, twins: media_twins.Twins, tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What the installed package tells of each file, by its name."""
    names = cases.names_of(twins)
    with booted(installed, tmp_path_factory.mktemp("media") / "machine") as machine:
        return read(machine, [twins.folder / name for name in names])


def read(machine: Machine, files: list[Path]) -> Told:
    machine.put("srv/media_reader.py", cases.READER.read_bytes())
    for file in files:
        machine.put(f"srv/media/{file.name}", file.read_bytes())
    names = " ".join(shlex.quote(file.name) for file in files)
    answer = machine.run(f"cd /srv/media && /opt/affectd/bin/python3 -P /srv/media_reader.py {names}")
    return dict(zip([file.name for file in files], json.loads(answer.splitlines()[-1]), strict=True))


def test_films_are_upright_and_whole(told: Told, twins: media_twins.Twins) -> None:
    cases.test_a_film_is_upright_and_as_wide_as_it_was_and_whole_however_it_is_stored(told, twins)


def test_pictures_are_upright(told: Told, twins: media_twins.Twins) -> None:
    cases.test_a_picture_is_upright_whatever_kind_it_is_and_whatever_it_is_called(told, twins)
    cases.test_a_small_face_is_found_in_a_large_picture(told)
    cases.test_a_telephones_own_kind_of_picture_is_refused_by_name_with_what_to_do(told)


def test_sounds_state_what_they_reported(told: Told, twins: media_twins.Twins) -> None:
    cases.test_a_sound_states_what_it_reported_however_it_came(told, twins)


def test_every_shared_case_gives_its_right_value(installed: str, tmp_path: Path) -> None:
    shared_cases = PROJECT.parent / "shared" / "cases"
    if not shared_cases.is_dir():
        pytest.skip(f"no cases at {shared_cases}")
    with booted(installed, tmp_path / "machine") as machine:
        cases.require_right_values(read(machine, cases.files_of(shared_cases, tmp_path)))
