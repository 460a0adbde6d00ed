import base64
import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from appliance import HAPPY_CLIP, ROOT, running
from appliance import write_config as write_node_config
from broker import HOST, Listener, Mosquitto, free_port
from browser import chromium, fake_devices, opened, sync_api
from estimates import estimate, probabilities
from media_twins import GROUP, group_picture
from perception import astronaut
from server_process import Running, affectd_server, encoded, serving, write_config

from desktop_server.schema.analysis import AnalysisResponse
from device.fusion.circumplex import COORDINATES
from device.publish.contract import encode
from device.publish.payload import MediaClock, Payloads
from device.readings import EMOTIONS, RULE_NAMES, Emotion

pytestmark = pytest.mark.slow

axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="the tests' packages are not there: pip install 'affectd[test]'"
)
expect = sync_api.expect

PICTURE = ROOT / "deploy" / "demo" / "astronaut.png"
PHONE = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "has_touch": True}


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fake_devices(HAPPY_CLIP, tmp_path_factory.mktemp("devices"))


@pytest.fixture(scope="module")
def browser(devices: Any) -> Iterator[Any]:
    with chromium(*devices) as started:
        yield started


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    with Mosquitto(tmp_path_factory.mktemp("broker")) as started:
        yield started


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, broker: Mosquitto) -> Iterator[Running]:
    with serving(tmp_path_factory.mktemp("server"), mqtt={"host": HOST, "port": broker.port}) as started:
        yield started


@pytest.fixture
def page(browser: Any, server: Running) -> Iterator[Any]:
    with opened(browser, server.url) as shown:
        yield shown


@pytest.fixture
def recording(tmp_path: Path, devices: Any) -> Path:
    """The clip's voice alone."""
    path = tmp_path / "voice.wav"
    path.write_bytes(Path(devices[-1].partition("=")[2]).read_bytes())
    return path


def give(page: Any, *files: Path) -> None:
    page.set_input_files("#file", [str(file) for file in files])


def headline(page: Any) -> Any:
    return page.locator("#headline .label")


def bars(page: Any) -> dict[str, str]:
    rows = page.locator("#bars tbody tr").all()
    return {row.locator("th").inner_text(): row.locator("td").first.inner_text() for row in rows}


def test_a_picture_is_read_and_its_face_is_framed(page: Any) -> None:
    give(page, PICTURE)
    expect(headline(page)).to_have_text("Happy")
    assert page.locator(".boxes").get_attribute("aria-label") == "One face: happy."
    assert [name.split()[0].lower() for name in bars(page)] == list(EMOTIONS)
    assert bars(page)["Sad"] == "0\u202f%"
    expect(page.locator("#modalities")).to_contain_text("Not read this time")
    expect(page.locator("#spoken")).to_contain_text("Happy")
    expect(page.locator("#provenance")).to_contain_text("affectd-1-face-float32")


def test_the_frame_lies_on_the_face_as_the_picture_is_shown(page: Any) -> None:
    give(page, PICTURE)
    expect(page.locator(".boxes .used")).to_be_attached()
    left, top = page.evaluate(
        """() => {  // at once: the page may be scrolling
          const shown = document.querySelector(".frame img").getBoundingClientRect();
          const frame = document.querySelector(".boxes .used rect").getBoundingClientRect();
          return [(frame.x - shown.x) / shown.width, (frame.y - shown.y) / shown.height];
        }"""
    )
    assert 0.3 < left < 0.45  # the astronaut's face is left of the middle, near the top
    assert 0.1 < top < 0.25


def test_a_recording_is_read_alone(page: Any, recording: Path) -> None:
    give(page, recording)
    expect(headline(page)).to_have_text(re.compile("Happy|Uncertain"))
    expect(page.locator("#headline")).not_to_contain_text("face and voice")
    assert page.locator("#media audio").count() == 1
    expect(page.locator("#headline .when")).to_have_text("On the whole")
    expect(page.locator("#provenance")).to_contain_text("averaged over all its readings")
    expect(page.locator("#timeline")).to_be_visible()


def test_a_film_is_read_whole_and_any_moment_of_it_can_be_chosen_by_keyboard(page: Any) -> None:
    give(page, HAPPY_CLIP)
    expect(headline(page)).to_have_text("Happy")
    expect(page.locator("#headline .when")).to_have_text("On the whole")
    expect(page.locator("#modalities .says")).to_have_count(2)
    expect(page.locator("#media")).to_contain_text("cannot show")  # Flash video
    page.locator("#timeline input").focus()
    for _ in range(8):
        page.keyboard.press("ArrowRight")
    expect(page.locator("#headline .when")).to_have_text("At 0.8\u202fs")
    assert re.match(r"0.8\u202fs: \w+", page.locator("#timeline input").get_attribute("aria-valuetext"))
    page.get_by_role("button", name="Show the whole").click()
    expect(page.locator("#headline .when")).to_have_text("On the whole")


def test_a_picture_and_a_recording_are_read_as_one_moment(page: Any, recording: Path) -> None:
    give(page, PICTURE, recording)
    expect(headline(page)).to_have_text("Happy")
    expect(page.locator("#headline .why")).to_contain_text("face and voice")


def test_what_is_dropped_or_pasted_is_taken_too(page: Any) -> None:
    for event, carrier in (("drop", "dataTransfer"), ("paste", "clipboardData")):
        page.evaluate(
            """async ([event, carrier]) => {
              const data = new DataTransfer();
              data.items.add(new File([await (await fetch("icon.svg")).blob()], "notes.svg", {type: "image/svg+xml"}));
              const kind = event === "drop" ? DragEvent : ClipboardEvent;
              document.dispatchEvent(new kind(event, {[carrier]: data, bubbles: true, cancelable: true}));
            }""",
            [event, carrier],
        )
        expect(page.get_by_role("alert")).to_contain_text("The file is of a kind that is not read here")
        page.locator("#problem").evaluate("(element) => element.replaceChildren()")


def test_between_two_files_the_former_answer_does_not_stand_beside_the_new_one(page: Any) -> None:
    give(page, PICTURE)
    expect(headline(page)).to_have_text("Happy")
    held: list[Any] = []

    def hold(route: Any) -> None:  # the server has not answered yet
        held.append(route)

    page.route("**/v1/fused*", hold)
    give(page, HAPPY_CLIP)
    expect(page.locator("#media")).to_contain_text(HAPPY_CLIP.name)
    expect(page.locator("#busy")).to_be_in_viewport()
    assert headline(page).count() == 0
    for part in ("bars", "plane", "modalities", "provenance"):
        assert page.locator(f"#{part}").inner_text() == ""
    held[0].continue_()
    expect(headline(page)).to_have_text("Happy")


def test_the_result_is_scrolled_to_its_first_line(browser: Any, server: Running) -> None:
    with opened(browser, server.url, reduced_motion="reduce") as page:
        give(page, HAPPY_CLIP)
        expect(headline(page)).to_have_text("Happy")
        padding_px = 16
        expect(page.locator("#busy")).to_be_hidden()
        assert abs(page.evaluate(TOP_OF_RESULT) - padding_px) < 2


TOP_OF_RESULT = "document.querySelector('#result').getBoundingClientRect().top"


def test_many_small_faces_beside_a_large_one_are_framed(page: Any, tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "group.png"), group_picture())
    give(page, tmp_path / "group.png")
    expect(page.locator(".boxes g")).to_have_count(GROUP)
    assert (
        page.locator(".boxes")
        .get_attribute("aria-label")
        .startswith(f"{GROUP} faces: happy, the largest, which was read;")
    )


def test_int8_stands_beside_float_on_the_same_input(page: Any) -> None:
    give(page, HAPPY_CLIP)
    expect(headline(page)).to_have_text("Happy")
    page.get_by_label("Compare with int8").check()
    table = page.locator("#comparison")
    expect(table).to_contain_text("Both say happy.")
    expect(table.locator("tbody tr")).to_have_count(7)
    cells = [float(cell.replace("\u2212", "-")) for cell in table.locator("td.number").all_inner_texts()]
    assert 0 < max(map(abs, cells)) < 10


def test_why_is_shown_over_the_face_and_the_voice_with_what_each_moved(page: Any) -> None:
    page.get_by_label("Explain").check()
    give(page, HAPPY_CLIP)
    why = page.get_by_role("region", name="Why happy?")
    expect(why.get_by_role("img", name="Face: Hottest")).to_be_visible()
    expect(why.get_by_role("img", name="Voice: Hottest")).to_be_visible()
    expect(why.locator(".contributions dt")).to_have_text(["Face moved it by", "Voice moved it by"])
    assert np.ptp(colours(why.locator("canvas").first), axis=2).max() > 50
    why.get_by_label("Heat").uncheck()
    assert np.ptp(colours(why.locator("canvas").first), axis=2).max() == 0  # the crop is grey


def colours(canvas: Any) -> Any:
    """What is drawn on it, uint8 (height, width, 3)."""
    png = base64.b64decode(canvas.evaluate("(canvas) => canvas.toDataURL()").partition(",")[2])
    return cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)


def test_another_mode_or_rule_reads_the_same_file_anew(page: Any) -> None:
    give(page, HAPPY_CLIP)
    expect(page.locator("#provenance")).to_contain_text("rule “product”")
    page.get_by_label("Fusion rule").select_option("average")
    expect(page.locator("#provenance")).to_contain_text("rule “average”")
    page.get_by_role("radio", name="Voice").check()
    expect(page.locator("#provenance")).to_contain_text("Read from voice;")


def reads(page: Any) -> list[str]:
    """The addresses that are asked to read something, from now on."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    return asked


def test_another_rule_needs_no_second_reading_of_a_picture(page: Any) -> None:
    give(page, PICTURE)
    expect(page.locator("#provenance")).to_contain_text("rule “product”")
    asked = reads(page)
    page.get_by_label("Fusion rule").select_option("average")
    expect(page.locator("#provenance")).to_contain_text("rule “average”")
    page.get_by_label("Fusion rule").select_option("")
    expect(page.locator("#provenance")).to_contain_text("rule “product”")
    assert asked == []
    expect(page.locator("#rules")).to_be_hidden()  # of a face alone all rules say the same


def test_the_rules_stand_side_by_side(page: Any, recording: Path) -> None:
    give(page, PICTURE, recording)
    rules = page.locator("#rules")
    expect(rules.locator("tbody tr")).to_have_count(len(RULE_NAMES))
    expect(rules.get_by_role("row", name="Product")).to_have_attribute("aria-current", "true")
    expect(rules.locator(".verdict")).to_contain_text(re.compile("Every rule says|: .*Product"))
    page.get_by_label("Fusion rule").select_option("max_confidence")
    chosen = rules.locator("tr[aria-current]")
    expect(chosen).to_contain_text("The surer one")
    expect(chosen.locator("td").first).to_contain_text(headline(page).inner_text())
    assert {chosen.locator("td").nth(number).inner_text() for number in (1, 2)} == {"0\u202f%", "100\u202f%"}
    numbers = rules.get_by_role("region")  # wider than a phone: scrolled by keyboard
    numbers.focus()
    expect(numbers).to_be_focused()


def test_the_numbers_are_saved_as_the_servers_own_table_and_as_json(page: Any, server: Running, tmp_path: Path) -> None:
    give(page, HAPPY_CLIP)
    with page.expect_download() as taken:
        page.get_by_role("button", name="Save as CSV").click()
    assert taken.value.suggested_filename == f"{HAPPY_CLIP.name}.csv"
    taken.value.save_as(tmp_path / "table.csv")
    with server.client() as client:
        film = {"video": HAPPY_CLIP.read_bytes()}
        told = client.post("/v1/fused", files=film, headers={"Accept": "text/csv"}).text
    saved = (tmp_path / "table.csv").read_bytes().decode()
    assert saved.endswith("\r\n")
    header, *rows = csv.reader(saved.splitlines())
    theirs, *expected = csv.reader(told.splitlines())
    assert header == theirs
    assert [number(cell) for row in rows for cell in row[1:]] == [number(cell) for row in expected for cell in row[1:]]
    assert {row[0] for row in rows} == {HAPPY_CLIP.name}
    with page.expect_download() as taken:
        page.get_by_role("button", name="Save as JSON").click()
    taken.value.save_as(tmp_path / "answer.json")
    AnalysisResponse.model_validate_json((tmp_path / "answer.json").read_bytes())


def test_a_file_called_as_a_formula_is_text_in_the_table(page: Any, tmp_path: Path) -> None:
    (tmp_path / "=1+1.png").write_bytes(PICTURE.read_bytes())
    give(page, tmp_path / "=1+1.png")
    with page.expect_download() as taken:
        page.get_by_role("button", name="Save as CSV").click()
    taken.value.save_as(tmp_path / "table.csv")
    _, row = csv.reader((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines())
    assert row[0] == "'=1+1.png"


def number(cell: str) -> float | str:
    """0 and 0.0 are the same."""
    try:
        return float(cell)
    except ValueError:
        return cell


def test_nobody_is_called_nobody(page: Any, tmp_path: Path) -> None:
    path = tmp_path / "wall.png"
    cv2.imwrite(str(path), np.full((240, 320), 128, np.uint8))
    give(page, path)
    expect(headline(page)).to_have_text("Nobody")
    expect(page.locator("#bars")).to_contain_text("nothing to weigh")
    assert page.locator("#plane .estimate").count() == 0


def test_what_the_server_calls_uncertain_is_never_said_as_an_emotion(browser: Any, tmp_path: Path) -> None:
    with (
        serving(tmp_path, fusion={"uncertain_below": 1.0}, fleet={"listen": False}) as server,
        opened(browser, server.url) as page,
    ):
        give(page, HAPPY_CLIP)
        expect(headline(page)).to_have_text("Uncertain")
        expect(page.locator("#headline .why")).to_have_text(
            re.compile(r"^\w+ leads with [\d.]+\u202f%, below the 100\u202f% that it takes to be said\.$")
        )
        assert page.locator("#bars .said, .bar.lead").count() == 0
        assert page.locator("#plane .unsure").count() == 1
        assert page.locator("#spoken").inner_text().startswith("Uncertain")
        assert not page.locator("#fleet").is_visible()


@pytest.mark.parametrize(
    ("label", "leader", "share", "why"),
    [
        ("uncertain", "fear", 0.52, "Fear leads with 52\u202f%, but has not led for 0.5\u202fs yet."),
        (
            "uncertain",
            "fear",
            0.3996,
            "Fear leads with 40.0\u202f%, below the 40\u202f% that it takes to be said.",
        ),
        (
            "happy",
            "fear",
            0.52,
            "Confidence 8\u202f%, from the face alone. "
            "By now fear is likeliest, with 52\u202f%, but has not led for 0.5\u202fs yet.",
        ),
        (
            "fear",
            "fear",
            0.31,
            "Confidence 31\u202f%, from the face alone. "
            "By now fear is likeliest, with 31.0\u202f%, below the 40\u202f% that it takes to be said.",
        ),
        ("fear", "fear", 0.52, "Confidence 52\u202f%, from the face alone."),
    ],
)
def test_the_true_reason_is_told_why_a_likelier_emotion_is_not_said(
    page: Any, label: str, leader: str, share: float, why: str
) -> None:
    probs = {str(e): p for e, p in zip(EMOTIONS, probabilities(leader, share), strict=True)}
    said = {
        "label": label,
        "confidence": probs.get(label, share),
        "valence": 0,
        "arousal": 0,
        "probs": probs,
        "modalities": {"face": {"present": True}, "speech": {"present": False}},
    }
    shown = page.evaluate(
        """async (said) => {
          const { drawHeadline } = await import("./headline.js");
          await (await import("./server.js")).knowServer();
          const place = document.createElement("div");
          drawHeadline(place, said, { uncertain_below: 0.4, hold_s: 0.5 });
          return place.querySelector(".why").textContent;
        }""",
        said,
    )
    assert shown == why


@pytest.mark.parametrize(
    ("smooth_s", "headings", "alone"),
    [
        (0.5, ["Together, smoothed", "This moment", "Face", "Voice"], "This moment alone, not smoothed, says happy"),
        (0, ["Together", "Face", "Voice"], None),
    ],
)
def test_what_is_smoothed_is_called_so_beside_what_is_not(
    page: Any, smooth_s: float, headings: list[str], alone: str | None
) -> None:
    said = moment(fused=("neutral", 0.54), unsmoothed=("happy", 0.62), face=("happy", 0.78), voice=("disgust", 0.53))
    shown = page.evaluate(
        """async ([said, smooth_s]) => {
          const { drawBars } = await import("./bars.js");
          const { drawHeadline } = await import("./headline.js");
          await (await import("./server.js")).knowServer();
          const [bars, headline] = [document.createElement("div"), document.createElement("div")];
          drawBars(bars, said, { smooth_s });
          drawHeadline(headline, said, { uncertain_below: 0.4, hold_s: 0.5, smooth_s });
          const cells = (row) => [...row.children].slice(1).map((cell) => cell.textContent);
          const rows = [...bars.querySelectorAll("tr")].map(cells);
          return { rows, note: bars.querySelector("p")?.textContent, why: headline.querySelector(".why").textContent };
        }""",
        [said, smooth_s],
    )
    assert shown["rows"][0] == headings
    happy = shown["rows"][1 + EMOTIONS.index(Emotion.HAPPY)]
    assert happy[headings.index("Face")] == "78\u202f%"
    if alone:
        assert happy[headings.index("This moment")] == "62\u202f%"
        assert shown["note"].startswith("What is said is smoothed over about 0.5\u202fs.")
        assert alone in shown["why"]
    else:
        assert (shown["note"], "moment" in shown["why"]) == (None, False)


def moment(**leaders: tuple[str, float]) -> dict[str, Any]:
    """An estimate as the server says it, of probabilities that lead with these."""
    said = {
        name: {str(e): p for e, p in zip(EMOTIONS, probabilities(*leader), strict=True)}
        for name, leader in leaders.items()
    }
    face, voice = ({"present": True, "label": leaders[m][0], "probs": said[m]} for m in ("face", "voice"))
    label, confidence = leaders["fused"]
    return {
        "label": label,
        "confidence": confidence,
        "valence": 0,
        "arousal": 0,
        "probs": said["fused"],
        "unsmoothed": said["unsmoothed"],
        "modalities": {"face": face, "speech": voice},
    }


BAD_FILES = {
    "a text called .jpg": ("notes.jpg", b"this is no picture", "The file is of a kind that is not read here"),
    "nothing": ("empty.png", b"", "The file is empty"),
    "the head of a picture": ("head.png", encoded(".png", astronaut())[:60], "The picture is damaged"),
}


@pytest.mark.parametrize(("name", "content", "title"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_told_in_words_and_the_next_is_read(
    page: Any, tmp_path: Path, name: str, content: bytes, title: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    give(page, path)
    expect(page.get_by_role("alert")).to_contain_text(title)
    assert not page.locator("#result").is_visible()
    give(page, PICTURE)
    expect(headline(page)).to_have_text("Happy")
    expect(page.locator("#problem")).to_be_empty()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("unknown_kind.pdf", b"%PDF-1.4\n", "This kind of file is not read here"),
        ("notes", b"some words", "“notes”: give a picture (JPEG, PNG or WebP), a recording"),
        ("letter.docx", b"PK", "This kind of file is not read here"),
        ("photo.heic", b"\0\0\0\x18ftypheic" + bytes(500), "a HEIC or AVIF picture"),
        ("moves.gif", b"GIF89a" + bytes(500), "a GIF picture"),
    ],
)
def test_a_kind_that_is_not_read_is_told_in_words_and_the_former_answer_goes(
    page: Any, tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    give(page, PICTURE)
    expect(headline(page)).to_have_text("Happy")
    (tmp_path / name).write_bytes(content)
    give(page, tmp_path / name)
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#result")).to_be_hidden()
    expect(page.locator("#spoken")).to_be_empty()
    page.get_by_label("Compare with int8").check()  # reads anew what was given last
    expect(page.get_by_role("alert")).to_contain_text(words)
    expect(page.locator("#result")).to_be_hidden()


def test_a_picture_is_known_by_its_content_where_its_name_says_nothing(page: Any, tmp_path: Path) -> None:
    (tmp_path / "portrait").write_bytes(PICTURE.read_bytes())
    give(page, tmp_path / "portrait")
    expect(headline(page)).to_have_text("Happy")
    assert page.locator("#media img").count() == 1


def test_a_file_that_is_too_large_is_told_of_with_the_limit(browser: Any, tmp_path: Path) -> None:
    (tmp_path / "huge.png").write_bytes(bytes(6_000_000))
    with (
        serving(tmp_path, limits={"body_mib": 1.0}, fleet={"listen": False}) as server,
        opened(browser, server.url) as page,
    ):
        give(page, tmp_path / "huge.png")
        expect(page.get_by_role("alert")).to_contain_text("The request is too large")


def test_who_asks_too_often_is_told_when_to_come_back(browser: Any, tmp_path: Path) -> None:
    with (
        serving(tmp_path, server={"rate_hz": 0.01, "burst": 3}, fleet={"listen": False}) as server,
        opened(browser, server.url) as page,
    ):
        give(page, PICTURE)  # the third request: the page has asked for the server and for the fleet
        expect(headline(page)).to_have_text("Happy")
        page.get_by_label("Compare with int8").check()
        expect(page.get_by_role("alert")).to_contain_text(re.compile(r"Try again in \d+"))
        assert page.get_by_role("button", name="Try again").is_visible()


def test_what_cannot_be_read_together_is_told_without_asking_the_server(page: Any) -> None:
    give(page, PICTURE, HAPPY_CLIP)
    expect(page.get_by_role("alert")).to_contain_text("That cannot be read together")
    page.get_by_role("radio", name="Voice").check()
    give(page, PICTURE)
    expect(page.get_by_role("alert")).to_contain_text("A picture has no voice")


def test_camera_and_microphone_are_read_live(page: Any) -> None:
    page.get_by_label("Compare with int8").check()
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#headline .when")).to_have_text("Now")
    expect(page.locator("#modalities .modality").nth(0).locator(".says")).to_be_visible()
    expect(page.locator("#modalities .modality").nth(1).locator(".says")).to_be_visible()
    expect(page.locator("#comparison tbody tr")).to_have_count(7)
    expect(page.locator("#media .boxes")).to_be_attached()
    expect(page.locator("#bars thead")).to_contain_text("Together, smoothed")
    page.get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Go live")).to_be_visible()
    assert page.locator("#media video").count() == 0
    expect(page.locator("#media")).to_have_text("Camera and microphone are closed.")
    expect(page.locator("#headline .when")).to_have_text("When it ended")


def test_on_a_phone_the_live_picture_and_its_label_are_in_sight_and_so_is_its_end(
    browser: Any, server: Running
) -> None:
    with opened(browser, server.url, reduced_motion="reduce", **PHONE) as page:
        page.get_by_role("button", name="Go live").click()
        expect(page.locator("#media video")).to_be_in_viewport(ratio=0.95)
        expect(headline(page)).to_be_in_viewport(ratio=1)
        page.get_by_role("button", name="End it").tap()
        expect(page.locator("#headline .when")).to_have_text("When it ended")
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_live_goes_on_with_other_options(page: Any) -> None:
    page.get_by_role("button", name="Go live").click()
    expect(page.locator("#headline .when")).to_have_text("Now")
    page.get_by_role("radio", name="Voice").check()
    expect(page.locator("#media")).to_contain_text("Listening to the microphone")
    expect(page.locator("#modalities .modality").nth(1).locator(".says")).to_be_visible()
    give(page, HAPPY_CLIP)
    expect(page.get_by_role("button", name="Go live")).to_be_visible()
    expect(page.locator("#headline .when")).to_have_text("On the whole")


def test_a_server_with_tokens_asks_for_one_and_the_tab_alone_keeps_it(browser: Any, tmp_path: Path) -> None:
    config = write_config(tmp_path)
    token = affectd_server("token", "create", "--config", config, "page").stdout.strip()
    with serving(tmp_path, fleet={"listen": False}) as server, opened(browser, server.url) as page:
        give(page, PICTURE)
        expect(page.get_by_label("Token")).to_be_focused()
        page.keyboard.type("wrong")
        page.keyboard.press("Enter")
        expect(page.get_by_role("alert")).to_contain_text("The token is not valid")
        page.get_by_label("Token").fill(token)
        page.keyboard.press("Enter")
        expect(headline(page)).to_have_text("Happy")
        assert page.evaluate("Object.values(sessionStorage)") == [token]
        assert page.evaluate("[localStorage.length, document.cookie]") == [0, ""]
        page.get_by_role("button", name="Go live").click()
        expect(page.locator("#headline .when")).to_have_text("Now")


def test_a_refusal_that_comes_late_does_not_take_away_the_token_that_was_given_meanwhile(
    browser: Any, tmp_path: Path
) -> None:
    config = write_config(tmp_path)
    token = affectd_server("token", "create", "--config", config, "page").stdout.strip()
    with serving(tmp_path, fleet={"listen": False}) as server, opened(browser, server.url) as page:
        held: list[Any] = []

        def hold(route: Any) -> None:  # the first one alone
            if held:
                route.continue_()
            held.append(route)

        page.route("**/v1/server", hold)
        with page.expect_request("**/v1/server"):
            page.evaluate("""async () => {
                window.api = await import("./api.js");
                window.late = api.ask("v1/server").then(() => "answered", (problem) => problem.code);
            }""")
        page.evaluate("(token) => api.keepToken(token)", token)
        held[0].continue_()
        assert page.evaluate("late") == "answered"
        assert page.evaluate("api.token()") == token


def test_without_a_server_the_page_says_so(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path, fleet={"listen": False}) as server:
        context = browser.new_context()
        page = context.new_page()
        page.goto(server.url)
        page.wait_for_load_state("networkidle")
    give(page, PICTURE)
    expect(page.get_by_role("alert")).to_contain_text("The server cannot be reached")
    context.close()


def test_who_has_no_broker_is_told_of_none_and_who_named_one_is_told_in_words(browser: Any, tmp_path: Path) -> None:
    with serving(tmp_path) as server, opened(browser, server.url) as page:
        with server.client() as client:
            broker = client.get("/v1/fleet").json()["broker"]
        if broker["connected"]:
            pytest.skip("there is a broker at the default address of this machine")
        give(page, PICTURE)
        expect(headline(page)).to_have_text("Happy")
        assert not page.locator("#fleet, #fleet-link").first.is_visible()
    with serving(tmp_path, mqtt={"port": free_port()}) as server, opened(browser, server.url) as page:
        expect(page.locator("#fleet-lead")).to_contain_text("cannot be reached (Connection refused)")
        assert "Errno" not in page.locator("body").inner_text()


def test_a_node_is_seen_with_its_int8_files_and_its_death_is(page: Any, broker: Mosquitto, tmp_path: Path) -> None:
    replay = {"media": [str(HAPPY_CLIP)], "loop": True}
    config = write_node_config(
        tmp_path, node={"id": "kitchen"}, replay=replay, mqtt={"host": HOST, "port": broker.port}
    )
    with running(config) as process:
        node = page.get_by_role("article", name="kitchen")
        expect(node).to_have_attribute("data-state", "online")
        expect(node.locator(".label")).to_be_visible()
        expect(node).to_contain_text("affectd-1-face ·")
        expect(node).to_contain_text("Last word just now")
        expect(node).to_contain_text("Camera online")
        process.kill()
        expect(node).to_have_attribute("data-state", "offline")
        expect(node).not_to_contain_text("Camera online")  # the broker goes on saying so
        assert node.locator(".figures").count() == 0
        expect(node.locator(".label")).to_have_count(0)


def test_a_node_whose_sensors_are_closed_is_said_to_know_nothing(page: Any, broker: Mosquitto) -> None:
    payloads = Payloads(node="attic", boot_id="b", model_set="affectd-1", clock=MediaClock())
    with Listener(broker.port) as house:
        house.say("affectd/attic/status", encode(payloads.status("online")))
        house.say("affectd/attic/state", encode(payloads.state(estimate(0, "unknown", reason="privacy"))))
        node = page.get_by_role("article", name="attic")
        expect(node.locator(".label")).to_have_text("Unknown")
        expect(node).to_contain_text("It neither sees nor hears: privacy.")
        expect(node.locator(".spark")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_accessible_on_a_phone_and_nothing_sticks_out(browser: Any, server: Running, scheme: str) -> None:
    with opened(browser, server.url, color_scheme=scheme, reduced_motion="reduce", **PHONE) as page:
        page.get_by_label("Compare with int8").check()
        give(page, HAPPY_CLIP)
        expect(headline(page)).to_have_text("Happy")
        expect(page.locator("#rules")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert accessibility_faults(page) == []


def test_it_is_accessible_when_it_has_bad_news(page: Any, tmp_path: Path) -> None:
    (tmp_path / "notes.jpg").write_text("no picture")
    give(page, tmp_path / "notes.jpg")
    expect(page.get_by_role("alert")).to_contain_text("not read here")
    assert accessibility_faults(page) == []


def accessibility_faults(page: Any) -> list[str]:
    """What axe-core finds, best practice included, in a line each."""
    found = axe.Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['help']} {[node['html'][:120] for node in v['nodes']]}" for v in found]


def test_every_control_is_reached_and_used_by_keyboard_alone(page: Any) -> None:
    reached: list[str] = []
    while "explain" not in reached and len(reached) < 20:
        page.keyboard.press("Tab")
        reached.append(page.evaluate("document.activeElement.name || document.activeElement.id"))
    page.keyboard.press("Space")
    controls = reached[reached.index("file") :]
    assert controls == ["file", "live-button", "mode", "fusion", "compare", "explain"]
    assert page.get_by_label("Explain").is_checked()


def test_emotions_lie_where_the_server_has_them(page: Any) -> None:
    known = page.evaluate(
        "import('./server.js').then((s) => s.knowServer().then(() => [s.EMOTIONS, s.COORDINATES, s.RULES]))"
    )
    assert known == [list(EMOTIONS), {str(e): list(place) for e, place in COORDINATES.items()}, list(RULE_NAMES)]


def test_every_rule_has_its_words(page: Any) -> None:
    worded = page.evaluate("import('./words.js').then((words) => Object.keys(words.RULE_WORDS))")
    assert sorted(worded) == sorted(RULE_NAMES)


def test_the_page_holds_no_script_or_style_in_line_and_names_no_other_host() -> None:
    web = ROOT / "desktop_server" / "web"
    html = (web / "index.html").read_text(encoding="utf-8")
    assert not re.search(r"<style|\sstyle=|\son\w+=|<script(?![^>]*\bsrc=)", html)
    for file in web.iterdir():
        hosts = re.findall(r"https?://[^\"'\s)]+", file.read_text(encoding="utf-8"))
        assert set(hosts) <= {"http://www.w3.org/2000/svg"}, file.name  # a name, not an address
