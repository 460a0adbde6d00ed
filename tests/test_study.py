"""Studies: whether figures are there, and of what ships."""

import json
import re
from pathlib import Path

import pytest
from made_up_studies import write
from report_pages import options, own_studies, page_of
from studies import run_command

from quantize.commands import report
from quantize.evaluation.evaluate import Report
from quantize.studies.study import Study, StudyState

pytestmark = pytest.mark.slow


def test_what_is_not_measured_is_said_with_the_command_that_measures_it(tmp_path: Path) -> None:
    run_command(report, options(tmp_path))
    page = page_of((tmp_path / "report.html").read_text(encoding="utf-8"))
    for study in own_studies(tmp_path):
        assert f"{study.about}: not measured yet: run {study.command}" in page.text


def test_figures_of_an_older_file_are_called_that(tmp_path: Path) -> None:
    old = next(study for study in own_studies(tmp_path) if study.kind == "fairness")
    write(old, tmp_path)
    path = tmp_path / f"{old.name}.json"
    path.write_text(path.read_text(encoding="utf-8").replace(old.made_of[0].sha256, "0" * 64), encoding="utf-8")
    assert old.state(tmp_path) is StudyState.OLD
    run_command(report, options(tmp_path))
    text = page_of((tmp_path / "report.html").read_text(encoding="utf-8")).text
    assert f"{old.about}: measured on an older file" in text


def split_leakage(tmp_path: Path) -> Study:
    return next(study for study in own_studies(tmp_path) if study.kind == "split-leakage")


def test_figures_of_a_recipe_that_has_changed_since_are_old(tmp_path: Path) -> None:
    study = split_leakage(tmp_path)
    write(study, tmp_path)
    assert study.state(tmp_path) is StudyState.CURRENT
    path = tmp_path / f"{study.name}.json"
    figures = json.loads(path.read_text(encoding="utf-8"))
    for changed in ("net", "recipe", "features", "epochs", "model"):
        made_of = {**figures["made_of"], changed: "of an earlier net"}
        path.write_text(json.dumps({**figures, "made_of": made_of}), encoding="utf-8")
        assert study.state(tmp_path) is StudyState.OLD
    path.write_text(json.dumps({name: figures[name] for name in ("seed", "rows")}), encoding="utf-8")
    assert study.state(tmp_path) is StudyState.OLD


@pytest.mark.parametrize("content", ["{}", "[]", "7", "null", '"sha256"', '{"rows": ['])
def test_no_study_takes_just_any_file_for_its_figures(tmp_path: Path, content: str) -> None:
    for study in own_studies(tmp_path):
        (tmp_path / f"{study.name}.json").write_text(content, encoding="utf-8")
        assert study.state(tmp_path) is StudyState.OLD, study.name


def test_a_study_that_names_nothing_that_its_figures_are_of_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="nothing says of what its figures are, so any would do"):
        Study("made-up", "made-up", "a net", ("made-up",), (), Report)


def test_a_hash_that_stands_elsewhere_in_the_figures_proves_nothing(tmp_path: Path) -> None:
    for study in own_studies(tmp_path):
        if study.kind == "split-leakage":
            continue
        write(study, tmp_path)
        path = tmp_path / f"{study.name}.json"
        text = path.read_text(encoding="utf-8")
        sha256 = re.search("[1-9a-f][0-9a-f]{63}", text)
        assert sha256
        changed = {**json.loads(text.replace(sha256[0], "0" * 64)), "remarks": [f"not {sha256[0]}"]}
        path.write_text(json.dumps(changed), encoding="utf-8")
        assert study.state(tmp_path) is StudyState.OLD, study.name


def test_figures_of_the_same_file_of_which_something_else_was_served_are_old(tmp_path: Path) -> None:
    apart = ("split-leakage", "prosody", "served")  # of these no figure depends on it
    for study in own_studies(tmp_path):
        if study.kind in apart:
            continue
        write(study, tmp_path)
        path = tmp_path / f"{study.name}.json"
        text = path.read_text(encoding="utf-8")
        path.write_text(re.sub(r'"temperature": [\d.]+', '"temperature": 7.5', text), encoding="utf-8")
        assert study.state(tmp_path) is StudyState.OLD, study.name


def test_figures_of_voices_that_were_heard_otherwise_are_old(tmp_path: Path) -> None:
    heard = [study for study in own_studies(tmp_path) if study.sound]
    assert {study.kind for study in heard} == {
        "scores", "formats", "sensitivity", "robustness", "fairness", "fusion", "better-than", "split-leakage"
    }  # fmt: skip
    assert not any("face" in study.name for study in heard)
    for study in heard:
        write(study, tmp_path)
        path = tmp_path / f"{study.name}.json"
        figures = json.loads(path.read_text(encoding="utf-8"))
        assert study.state(tmp_path) is StudyState.CURRENT
        del figures["sound"]
        path.write_text(json.dumps(figures), encoding="utf-8")
        assert study.state(tmp_path) is StudyState.OLD, study.name
