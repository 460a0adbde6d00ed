"""Asked why, the server shows what its nets looked at, and how much each modality moved the answer."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from media_twins import SOUND_HZ, write_film
from perception import astronaut
from server_process import HAPPY_CLIP, jpeg, serving, speech_wav

from desktop_server.schema.analysis import AnalysisResponse

pytestmark = pytest.mark.slow

WHY = {"explain": "true"}


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with serving(tmp_path_factory.mktemp("server")) as server, server.client() as it:
        yield it


def answered(response: httpx.Response) -> AnalysisResponse:
    assert response.status_code == 200, response.text
    return AnalysisResponse.model_validate_json(response.content)


def test_the_map_of_a_smile_is_strongest_at_the_mouth(client: httpx.Client) -> None:
    why = answered(client.post("/v1/face", files={"picture": jpeg()}, params=WHY)).explanation
    assert why is not None
    assert why.label == "happy"
    places = np.array(why.face_map)
    assert places.shape == (48, 48)
    assert places[24:].sum() > places[:24].sum()
    png = np.frombuffer(base64.b64decode(why.face_crop_png_base64 or ""), np.uint8)
    assert np.asarray(cv2.imdecode(png, cv2.IMREAD_UNCHANGED)).shape == (48, 48)


def test_a_single_modality_has_the_whole_contribution(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/speech", files={"audio": speech_wav()}, params=WHY))
    assert answer.explanation is not None
    assert np.array(answer.explanation.speech_map).shape == (128, 40)
    assert answer.explanation.face_map is None
    assert answer.estimate.probs is not None
    best = max(answer.estimate.probs.model_dump().values())
    assert answer.explanation.contributions == {"speech": pytest.approx(best - 1 / 7, abs=2e-3)}


def test_contributions_of_a_film_add_up(client: httpx.Client) -> None:
    answer = answered(client.post("/v1/fused", files={"video": HAPPY_CLIP.read_bytes()}, params=WHY))
    assert answer.explanation is not None
    assert answer.explanation.face_map is not None
    assert answer.explanation.speech_features is not None
    assert answer.estimate.probs is not None
    best = max(answer.estimate.probs.model_dump().values())
    assert sum(answer.explanation.contributions.values()) == pytest.approx(best - 1 / 7, abs=2e-3)


def test_a_film_that_stands_still_is_explained_by_the_picture_that_was_read(
    client: httpx.Client, tmp_path: Path
) -> None:
    still = cv2.cvtColor(astronaut(), cv2.COLOR_GRAY2BGR)
    blurred = cv2.GaussianBlur(still, (0, 0), 2.5)  # less of a smile: the best reading comes after those without a run
    write_film(tmp_path / "still.mp4", [blurred] * 45 + [still] * 15, np.zeros(2 * SOUND_HZ, np.int16))
    film = {"video": (tmp_path / "still.mp4").read_bytes()}
    why = answered(client.post("/v1/fused", files=film, params={**WHY, "mode": "face"})).explanation
    assert why is not None
    assert why.label == "happy"
    places = np.array(why.face_map)
    assert places[24:].sum() > places[:24].sum()


def test_nobody_has_no_explanation(client: httpx.Client) -> None:
    wall = cv2.imencode(".png", np.full((90, 120), 80, dtype=np.uint8))[1].tobytes()
    assert answered(client.post("/v1/face", files={"picture": wall}, params=WHY)).explanation is None


def test_without_explain_there_is_no_explanation(client: httpx.Client) -> None:
    assert answered(client.post("/v1/face", files={"picture": jpeg()})).explanation is None
