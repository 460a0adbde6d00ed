"""A folder of media: each file as an analysis request, and the answers in the order of the files."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import cv2

from desktop_server.analysis.analyzer import Faces
from desktop_server.analysis.request import AnalysisRequest
from desktop_server.schema import analysis as schema
from desktop_server.schema.problems import RequestError
from device.capture.kinds import kind_of_file
from device.capture.pictures import has_picture_name, natural_order, read_picture
from device.errors import AffectdError, MediaError
from device.readings import Mode, RuleName

_SENT_AS_THEY_ARE = ("JPEG", "PNG", "WebP")
"""Pictures that the decoders take; the other kinds that a replay reads become PNG, without loss."""
_AHEAD = 4
"""Files that wait for each thread: a film must not keep the other threads from the pictures behind it."""


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """What is to be read of every file. ``is_crop``: each picture is a face already, and none is looked for."""

    mode: Mode
    rule: RuleName
    is_crop: bool = False
    turn: int = 0


@dataclass(frozen=True, slots=True)
class FileResult:
    """What was made of a file: its answer, or why there is none."""

    path: Path
    answer: schema.AnalysisResponse | None = None
    problem: str = ""


def media_files(folder: Path, *, leave_out: Sequence[Path] = ()) -> list[Path]:
    """The folder's files and those of its folders, hidden ones left out, in the order that people count.

    Raises ``AffectdError`` where there are none.
    """
    try:
        found = [path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder)]
        next(folder.iterdir(), None)  # what cannot be listed is empty to `rglob`
    except OSError as error:
        raise AffectdError(f"{folder}: cannot be read ({error.strerror}); name a folder that can") from error
    others = {path.resolve() for path in leave_out}
    found = [path for path in found if path.resolve() not in others]
    if not found:
        raise AffectdError(f"{folder}: there is no file in it; name a folder of pictures, recordings or films")
    return sorted(found, key=lambda path: [natural_order(part) for part in path.relative_to(folder).parts])


def read_files(
    paths: Sequence[Path],
    analyze: Callable[[AnalysisRequest], schema.AnalysisResponse],
    options: ReadOptions,
    *,
    threads: int,
) -> Iterator[FileResult]:
    """The files' results in their order, ``threads`` of them in work at once and a few more that wait."""
    with ThreadPoolExecutor(threads, thread_name_prefix="read") as pool:
        waiting: deque[Future[FileResult]] = deque()
        try:
            for path in paths:
                waiting.append(pool.submit(partial(_read_file, path, analyze, options)))
                if len(waiting) > _AHEAD * threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def request_for(path: Path, options: ReadOptions) -> AnalysisRequest:
    """A picture or a recording, by what the file holds. Raises ``RequestError``, ``MediaError`` or ``OSError``."""
    kind = kind_of_file(path)
    is_picture = bool(kind) or has_picture_name(path)
    data = path.read_bytes()
    if is_picture and options.mode != "speech" and data and kind not in _SENT_AS_THEY_ARE:
        data = _as_png(path)
    return media_request(data, options, is_picture=is_picture)


def media_request(data: bytes, options: ReadOptions, *, is_picture: bool) -> AnalysisRequest:
    """A picture, or a recording or film. Raises ``RequestError`` where a voice is asked of a picture."""
    if not is_picture:
        return AnalysisRequest(options.mode, options.rule, recording=data, turn=options.turn)
    if options.mode == "speech":
        raise RequestError("nothing-to-read", "a picture has no voice; read it with another mode")
    faces: Faces = "crop" if options.is_crop else "largest"
    return AnalysisRequest("face", options.rule, picture=data, faces=faces, turn=options.turn)


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith(".") for part in path.relative_to(folder).parts)


def _as_png(path: Path) -> bytes:
    _, data = cv2.imencode(".png", read_picture(path))
    return data.tobytes()


def _read_file(
    path: Path, analyze: Callable[[AnalysisRequest], schema.AnalysisResponse], options: ReadOptions
) -> FileResult:
    try:
        request = request_for(path, options)
    except OSError as error:
        return FileResult(path, problem=f"cannot be read ({error.strerror}); check its permissions")
    except (RequestError, MediaError) as error:
        return FileResult(path, problem=str(error).removeprefix(f"{path}: "))
    try:
        return FileResult(path, analyze(request))
    except RequestError as error:
        return FileResult(path, problem=str(error))
