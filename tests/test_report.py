"""One page of all that is measured, that says what is not."""

import json
import re
from dataclasses import asdict
from pathlib import Path
from xml.etree import ElementTree

import pytest
from made_up_studies import write
from report_pages import MODELS, options, own_studies, page_of
from studies import run_command

from device.errors import AffectdError
from quantize.commands import report
from quantize.report.page import html, markdown, svg_files
from quantize.report.parts import Plots, Section, Table
from quantize.report.results import read_results
from quantize.report.sections import sections
from quantize.studies.registry import studies
from quantize.studies.study import StudyState

pytestmark = pytest.mark.slow


@pytest.fixture
def measured(tmp_path: Path) -> Path:
    """A folder with figures of every study."""
    for study in own_studies(tmp_path):
        write(study, tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> list[Section]:
    """The report of every study."""
    folder = tmp_path_factory.mktemp("measured")
    for study in own_studies(folder):
        write(study, folder)
    return sections(read_results(MODELS, folder, folder / "cross_validation"))


def test_the_page_shows_every_table_and_plot_and_needs_nothing_from_elsewhere(whole: list[Section]) -> None:
    text = html(whole)
    page = page_of(text)
    assert not page.opened
    assert page.asked_for
    assert all(address.startswith("#") for address in page.asked_for)
    assert not re.search(r"@import|url\((?!#)", text)
    assert "not measured yet" not in page.text
    for shown in (shown for part in whole for shown in part.content.shown):
        titles = [shown.caption.replace("`", ""), *shown.columns] if isinstance(shown, Table) else titles_of(shown)
        assert [title for title in titles if title not in page.text] == []
    assert len(text) < 2_000_000


def titles_of(plots: Plots) -> list[str]:
    return [plots.caption, *(panel.title for panel in plots.panels)]


def test_the_markdown_shows_the_same_tables_and_only_drawings_that_lie_beside_it(whole: list[Section]) -> None:
    text = markdown(whole, "report")
    shown = re.findall(r'<img src="([^"]+)" width="(\d+)%" alt="[^"]{20,}">', text)
    assert {f"report/{name}" for name in svg_files(whole)} == {source for source, _ in shown}
    assert {width for _, width in shown} == {"32", "48"}  # three or two a row
    alts = re.findall(r'alt="([^"]+)"', text)
    assert [alt for alt in alts if alt.count(alt[:16]) > 1] == []  # a screen reader would say it twice
    assert "![" not in text
    assert "| by actor | no actor is on both sides |" in text


def test_every_plot_is_sound_and_says_in_words_what_it_shows(whole: list[Section]) -> None:
    panels = [p for part in whole for shown in part.content.shown if isinstance(shown, Plots) for p in shown.panels]
    assert len({panel.name for panel in panels}) == len(panels)
    assert all(len(panel.alt) > 20 for panel in panels)
    for panel, svg in zip(panels, svg_files(whole).values(), strict=True):
        root = ElementTree.fromstring(svg)
        assert panel.title in list(root.itertext())
        assert root.attrib["width"] == "259.2pt"
        assert len(panel.title) < 50  # it fits into one line


def test_a_net_that_grew_is_shown_from_the_first_epoch_of_what_it_grew_from(whole: list[Section]) -> None:
    told = [
        panel.alt
        for part in whole
        for shown in part.content.shown
        if isinstance(shown, Plots)
        for panel in shown.panels
    ]
    assert "affectd-1-face: training loss from 3.40 to 1.83 in 206 epochs." in told
    assert "affectd-1-face: validation accuracy 68.0 % at epoch 206, which was kept." in told


def tables_of(whole: list[Section], part: str) -> list[Table]:
    (found,) = (own for own in whole if own.id == part)
    return [shown for shown in found.content.shown if isinstance(shown, Table)]


def test_the_set_that_ships_is_tested_against_the_published_one_on_the_same_samples(whole: list[Section]) -> None:
    (table,) = tables_of(whole, "better-than")
    rows = [dict(zip(table.columns, row, strict=True)) for row in table.rows]
    assert [(row["file, answer"].split()[0], row["corpus"]) for row in rows] == [
        ("affectd-1-face", "fer2013"),
        ("affectd-1-face", "ferplus"),
        ("affectd-1-speech", "ravdess"),
    ]
    assert {row["right alone"] for row in rows} == {"12 / 23"}
    assert rows[0]["difference, points"].startswith("−15.7 [")
    assert [row["t / Wilcoxon p"] == "–" for row in rows] == [True, True, False]


def test_where_the_published_set_is_the_default_it_is_not_tested_against_itself(tmp_path: Path) -> None:
    for path in MODELS.glob("*"):
        (tmp_path / path.name).symlink_to(path)
    chosen = json.loads((MODELS / "sets.json").read_text(encoding="utf-8"))
    (tmp_path / "sets.json").unlink()
    (tmp_path / "sets.json").write_text(json.dumps({**chosen, "default": "baseline"}), encoding="utf-8")
    assert "better-than" not in {study.kind for study in studies(tmp_path, tmp_path / "cross_validation")}


def test_each_fusion_rule_is_tested_over_the_better_net_and_over_the_average(whole: list[Section]) -> None:
    table = next(table for table in tables_of(whole, "fusion") if "over average, points" in table.columns)
    at = list(table.columns).index("over average, points")
    told = {row[0]: (row[at - 2], row[at]) for row in table.rows}
    assert told["speech"][0] == "–" != told["speech"][1]
    assert told["average"][0] != "–" == told["average"][1]
    assert "–" not in told["product"]


def test_the_same_figures_give_the_same_page_and_a_drawing_no_longer_shown_is_removed(tmp_path: Path) -> None:
    write(next(study for study in own_studies(tmp_path) if study.kind == "robustness"), tmp_path)
    pages = []
    for _ in range(2):
        run_command(report, options(tmp_path))
        pages.append((tmp_path / "report.html").read_bytes())
        (tmp_path / "report" / "of-a-former-model.svg").write_text("<svg/>", encoding="utf-8")
    assert pages[0] == pages[1]
    run_command(report, options(tmp_path))
    assert not (tmp_path / "report" / "of-a-former-model.svg").exists()
    assert (tmp_path / "report.md").exists()


def test_what_is_served_is_shown_with_all_that_was_tried_and_held_against_the_card(whole: list[Section]) -> None:
    (table,) = tables_of(whole, "served")
    assert [row[0] for row in table.rows] == ["this", "that"]
    (part,) = (own for own in whole if own.id == "served")
    assert any("does not serve what the rule says (this)" in told for told in part.content.sentences)


def test_a_check_is_content_with_figures_of_the_present_files_and_writes_nothing(measured: Path) -> None:
    run_command(report, options(measured, "--check"))
    assert not (measured / "report.html").exists()


def test_a_check_fails_where_a_study_is_missing(tmp_path: Path) -> None:
    with pytest.raises(AffectdError, match="missing or old"):
        run_command(report, options(tmp_path, "--check"))


def test_figures_of_another_version_are_named_and_not_guessed_at(measured: Path, tmp_path: Path) -> None:
    study = next(study for study in own_studies(tmp_path) if study.name == "scores-baseline-face-fer2013")
    text = json.dumps({"rows": [{}], **asdict(study.made_of[0])})
    (measured / "scores-baseline-face-fer2013.json").write_text(text, encoding="utf-8")
    with pytest.raises(AffectdError, match="no figures of this version can be read"):
        run_command(report, options(measured))


def test_figures_that_are_half_a_file_are_named(measured: Path) -> None:
    (measured / "split-leakage.json").write_text('{"rows": [', encoding="utf-8")
    with pytest.raises(AffectdError, match=r"split-leakage\.json: no figures of this version can be read"):
        run_command(report, options(measured))


def test_with_data_only_what_is_missing_is_measured_and_what_fails_is_said(
    measured: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (measured / "scores-baseline-face-fer2013.json").unlink()
    with pytest.raises(AffectdError, match="1 studies could not be made: scores-baseline-face-fer2013"):
        run_command(report, options(measured, "--root", str(measured / "nothing")))
    assert "1 of 1: python -m quantize evaluate" in capsys.readouterr().out
    assert "baseline-face: not measured yet" in (measured / "report.html").read_text(encoding="utf-8")


def test_a_study_that_cannot_be_made_again_keeps_its_figures_but_does_not_pass_for_up_to_date(
    measured: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(measured)
    with pytest.raises(AffectdError, match=r"studies could not be made: .*; the report says so"):
        run_command(report, options(measured, "--again", "--root", "nothing"))
    text = page_of((measured / "report.html").read_text(encoding="utf-8")).text
    for study in own_studies(measured):
        assert f"{study.about}: could not be measured again" in text
        assert study.state(measured) is StudyState.CURRENT
    assert "up to date" not in text


def write_fold_net(folder: Path, model: str, name: str) -> None:
    """A file that is no net, and the card of a net."""
    (folder / f"{model}-{name}.tflite").write_bytes(name.encode())
    (folder / f"{model}-{name}.json").write_bytes((MODELS / f"{model}.json").read_bytes())


def test_nets_that_never_met_a_fold_are_scored_on_it_and_stand_in_for_everybody(tmp_path: Path) -> None:
    cross_validation = tmp_path / "cross_validation"
    cross_validation.mkdir()
    for name in ("f0", "f1", "f2", "f4", "without-tess"):
        write_fold_net(cross_validation, "baseline-speech", name)
    found = {study.name: study for study in own_studies(tmp_path)}
    assert "ravdess-f4" in found["scores-baseline-speech-f4-ravdess-f4"].arguments
    assert "tess" in found["scores-baseline-speech-without-tess-tess"].arguments
    assert found["robustness-baseline-speech"].arguments.count("--model") == 5
    assert "--speech-folds" in found["fusion-baseline"].arguments


def test_what_prosody_counts_is_shown(tmp_path: Path) -> None:
    cross_validation = tmp_path / "cross_validation"
    cross_validation.mkdir()
    for name in ("f0", "f1", "f2", "f4", "without-tess", "without-nemo"):
        write_fold_net(cross_validation, "affectd-1-speech", name)
    study = next(study for study in own_studies(tmp_path) if study.kind == "prosody")
    assert len(set(study.made_of.values())) == 7
    write(study, tmp_path)
    shown = sections(read_results(MODELS, tmp_path, cross_validation))
    tables = {part.id: [own for own in part.content.shown if isinstance(own, Table)] for part in shown}
    assert tables["prosody"][0].rows == [["0", "70.0", "50.0", "37.0"], ["3, as it ships", "70.0", "50.0", "37.0"]]
