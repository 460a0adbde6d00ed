"""Decoders: what is read in a process of its own is what is read here, and no file keeps one or brings one down."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from fakes import eventually
from hostile import picture_of_many_scans
from perception import astronaut, spoken
from server_process import HAPPY_CLIP, encoded, jpeg, wav

from desktop_server.cancellation import Cancellation
from desktop_server.decoding.pool import Decoders
from desktop_server.decoding.worker import Allowance
from desktop_server.errors import RequestError
from desktop_server.media import MediaLimits, decode_picture
from desktop_server.recording import open_recording
from device.signals import AudioBlock, Frame
from device.stages import Source

LIMITS = MediaLimits(pixels=25_000_000, seconds=60.0)
RATE_HZ = 10.0
HEAVY = picture_of_many_scans(80, 4900)
"""Some seconds of the processor, in 70 kB."""


def wanted() -> None:
    """The work is."""


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    pool = Decoders(LIMITS, Allowance(112 * 2**20, 1.0), warm=1, wait_s=60.0, rate_hz=RATE_HZ)
    pool.warm_up()
    yield pool
    pool.close()


def processes() -> set[int]:
    return {process.pid or 0 for process in multiprocessing.active_children() if process.name == "decoder"}


def told(source: Source[Frame] | Source[AudioBlock] | None) -> list[tuple[int, bytes]]:
    assert source is not None
    with source as signals:
        return [(s.captured_ns, (s.grey if isinstance(s, Frame) else s.samples).tobytes()) for s in signals]


def refusal(decoders: Decoders, data: bytes) -> str:
    with pytest.raises(RequestError) as caught:
        decoders.picture(data, wanted)
    return caught.value.code


def test_a_picture_is_what_it_is_here(decoders: Decoders) -> None:
    for data in (jpeg(), encoded(".png", astronaut()[:200])):
        assert np.array_equal(decoders.picture(data, wanted), decode_picture(data, LIMITS))


def test_a_film_and_a_sound_are_what_they_are_here_as_often_as_they_are_played(decoders: Decoders) -> None:
    for data in (HAPPY_CLIP.read_bytes(), wav(spoken(5.0)), wav(spoken(12.0)), wav(spoken(5.0), kind="FLAC")):
        with open_recording(data, LIMITS, rate_hz=RATE_HZ) as here, decoders.recording(data, wanted) as there:
            assert (here.video is None) == (there.video is None)
            for _ in range(2):
                assert told(there.audio) == told(here.audio)
                if here.video is not None:
                    assert told(there.video) == told(here.video)


def test_what_is_refused_is_refused_in_the_same_words_and_the_decoder_goes_on(decoders: Decoders) -> None:
    decoders.picture(jpeg(), wanted)
    before = processes()
    assert refusal(decoders, b"no picture") == "unsupported-media"
    assert refusal(decoders, b"") == "empty-media"
    with pytest.raises(RequestError, match="this is no WAV"), decoders.recording(b"no sound", wanted):
        pass
    decoders.picture(jpeg(), wanted)
    assert processes() == before


def test_what_takes_too_much_of_the_processor_is_ended_and_the_next_file_is_read(decoders: Decoders) -> None:
    before = processes()
    assert refusal(decoders, HEAVY) == "too-much-work"
    assert decoders.picture(jpeg(), wanted).shape == astronaut().shape
    assert not processes() & before


def test_what_takes_too_much_memory_is_refused_and_the_next_file_is_read() -> None:
    pool = Decoders(LIMITS, Allowance(40 * 2**20, 60.0), warm=1, wait_s=60.0, rate_hz=RATE_HZ)
    assert refusal(pool, HEAVY) in ("too-much-work", "unreadable-picture")
    assert pool.picture(jpeg(), wanted).shape == astronaut().shape
    pool.close()


def test_who_no_longer_wants_an_answer_ends_the_work(decoders: Decoders) -> None:
    cancellation = Cancellation()
    cancellation.cancel()
    before = processes()
    with pytest.raises(RequestError) as caught:
        decoders.picture(HEAVY, cancellation.check)
    assert caught.value.code == "client-gone"
    assert not processes() & before


def end_on_the_way(decoders: Decoders, ending: signal.Signals) -> None:
    with decoders.recording(HAPPY_CLIP.read_bytes(), wanted) as tracks:
        assert tracks.video is not None
        for number, _ in enumerate(tracks.video):
            if number == 2:
                for process in processes():
                    os.kill(process, ending)


def test_a_decoder_that_ends_on_its_way_is_a_refusal_and_there_is_another(decoders: Decoders) -> None:
    for ending, code in ((signal.SIGSEGV, "unreadable-recording"), (signal.SIGKILL, "too-much-work")):
        with pytest.raises(RequestError) as caught:
            end_on_the_way(decoders, ending)
        assert caught.value.code == code
        assert decoders.picture(jpeg(), wanted).shape == astronaut().shape


def test_a_film_that_is_left_on_its_way_keeps_nothing_of_the_next_one(decoders: Decoders) -> None:
    with decoders.recording(HAPPY_CLIP.read_bytes(), wanted) as tracks:
        assert tracks.video is not None
        next(iter(tracks.video))
    assert decoders.picture(jpeg(), wanted).shape == astronaut().shape


def test_nothing_is_left_when_they_are_closed() -> None:
    pool = Decoders(LIMITS, Allowance(112 * 2**20, 1.0), warm=2, wait_s=60.0, rate_hz=RATE_HZ)
    before = processes()
    pool.warm_up()
    mine = processes() - before
    assert len(mine) == 2
    pool.close()
    eventually(lambda: not processes() & mine)
