"""Face tracking: one face out of several, the same one from picture to picture, and where to look for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from device.features.point_tracking import PointTracker
from device.models.detect import Box, Face, finer_views, search_views
from device.models.search_schedule import SearchSchedule
from device.signals import Frame

Detector = Callable[[NDArray[np.uint8], Box | None], list[Face]]

_BEGIN_SCORE = 0.7
"""To be tracked a face must score this once; it is lost below the detector's own 0.5.

At the second look 434 pictures of five people scored 0.75 and more, and what is no face in 93 icons and drawings
0.65 at most.
"""
_VIEW_WIDTHS = 3.0
"""Side of the view around the tracked face, by the face's width: BlazeFace finds a third of a view best."""
CLOSE_WIDTHS = 2.25
"""The same for a net with three quarters of the pixels a side."""
_SAME_OVERLAP = 0.3
_PART = 0.6
"""So much of a face within a larger one is a part of that."""
_LOOK_AROUND_NS = 1_000_000_000
"""How often the whole picture is looked at while a face is tracked."""
_FOLLOWED_FRAMES = 4
"""After each look of the detector so many frames are followed by optical flow."""
_FOLLOWED_GAP_NS = 250_000_000
"""Between frames further apart a face moves further than the flow reaches."""
_FORGET_NS = 1_500_000_000
"""How long a tracked face may be hidden before somebody who stood beside it is tracked instead."""
_BIGGER = 1.5
"""A rival must have this many times the area, about 1.2 times the width."""
_RIVAL_NS = 1_000_000_000
"""How long a rival must stay bigger: who only walks past the camera does not take over."""


@dataclass(frozen=True, eq=False, slots=True)
class _Look:
    """A picture of which only the part around the tracked face was looked at, and what was found there."""

    grey: NDArray[np.uint8]
    now_ns: int
    faces: list[Face]
    same: Face | None


class _Followed:
    """A face as the detector saw it, and where its points went since."""

    def __init__(self, grey: NDArray[np.uint8], face: Face, now_ns: int) -> None:
        self._face = face
        self._points = PointTracker(grey, face.key_points, face.box.width_px)
        self._left, self._last_ns = _FOLLOWED_FRAMES, now_ns

    def __call__(self, grey: NDArray[np.uint8], now_ns: int) -> Face | None:
        """The face in the next picture; ``None`` where the detector must look again."""
        is_next = 0 <= now_ns - self._last_ns <= _FOLLOWED_GAP_NS
        self._left, self._last_ns = self._left - 1, now_ns
        if self._left < 0 or not is_next or (moved := self._points.follow(grey)) is None:
            return None
        return self._face.moved(moved)


class FaceTracker:
    """The largest steady face of a stream of frames, stepped by their timestamps; it reads no clock.

    While a face is tracked its points are followed by optical flow; in every fifth frame, and where the flow does not
    know, the net looks around the face. Everything else is for the frames after, and is done by ``follow_up``, so that
    no reading waits for it: once a second, and when the face is lost, a look at the whole picture.

    While none is tracked, ``SearchSchedule`` says which frames are searched: the whole picture and, in turn from frame
    to frame, one of the views in which far faces are found. A frame so late that all is forgotten is searched to the
    end, as by ``largest_face``; so is one that is alone, which changes nothing of what is tracked.
    """

    def __init__(self, detector: Detector, close: Detector | None = None) -> None:
        """``close`` looks around a tracked face: a cheaper detector that sees less of its surroundings."""
        self._detector = detector
        self._close, self._close_widths = (detector, _VIEW_WIDTHS) if close is None else (close, CLOSE_WIDTHS)
        self._schedule = SearchSchedule()
        self._turn, self._looks_whole = 0, False
        self._face: Face | None = None
        self._newest_ns = self._seen_ns = self._looked_around_ns = 0
        self._followed: _Followed | None = None
        self._owed: _Look | None = None
        self._beside: list[Face] = []
        self._rival: Face | None = None
        self._rival_since_ns = 0

    def __call__(self, frame: Frame) -> Face | None:
        """The tracked face in this frame; ``None`` if it is not seen."""
        if frame.is_alone:
            return largest_face(self._detector, frame.grey)
        self.follow_up()
        now_ns, before_ns = frame.captured_ns, self._newest_ns
        self._newest_ns = now_ns
        if now_ns - before_ns > _FORGET_NS:
            self._forget(now_ns)
            return self._track(largest_face(self._detector, frame.grey), now_ns)
        if self._face is None or not 0 <= now_ns - self._seen_ns <= _FORGET_NS:
            self._forget(now_ns)
            return self._track(self._search(frame.grey, now_ns), now_ns)
        same = self._followed(frame.grey, now_ns) if self._followed else None
        faces = [same] if same else self._close(frame.grey, view_around(self._face, self._close_widths))
        if same is None and (same := _same_as(self._face, faces)):
            self._followed = _Followed(frame.grey, same, now_ns)
        if same is None or now_ns - self._looked_around_ns >= _LOOK_AROUND_NS:
            self._owed = _Look(frame.grey, now_ns, faces, same)
        return self._track(same, now_ns)

    def follow_up(self) -> None:
        """The look at the whole of the newest picture, where one is due. It is made up for by the next frame.

        Call it while the picture's memory still holds it.
        """
        look, self._owed = self._owed, None
        if look is None or self._face is None:
            return
        self._looked_around_ns = look.now_ns
        faces = look.faces + [f for f in self._detector(look.grey, None) if not _same_as(f, look.faces)]
        same = look.same or _same_as(self._face, faces)
        if same is None:
            self._follow(self._newcomer(look.grey, faces), look)
        else:
            self._beside = [f for f in faces if f is not same]
            self._follow(self._winner(same, look.now_ns), look)

    def _follow(self, face: Face | None, look: _Look) -> None:
        """From now on this one, if it is another one."""
        if face is not look.same:
            self._followed = None
            self._track(face, look.now_ns)

    def _track(self, face: Face | None, now_ns: int) -> Face | None:
        if face:
            self._face, self._seen_ns = face, now_ns
        else:
            self._followed = None
        return face

    def _forget(self, now_ns: int) -> None:
        if self._face is not None:
            self._schedule.alert(now_ns)
        self._face, self._followed, self._beside, self._rival = None, None, [], None
        self._looked_around_ns = now_ns - _LOOK_AROUND_NS  # the next frame asks who stands beside

    def _search(self, grey: NDArray[np.uint8], now_ns: int) -> Face | None:
        if self._schedule.full(grey, now_ns):
            return self._confirmed(grey, self._detector(grey, None)) or self._next_view(grey)
        if not self._schedule.look(now_ns):
            return None
        self._looks_whole = not self._looks_whole
        return self._confirmed(grey, self._detector(grey, None)) if self._looks_whole else self._next_view(grey)

    def _next_view(self, grey: NDArray[np.uint8]) -> Face | None:
        views = search_views(grey)
        self._turn += 1
        return self._confirmed(grey, self._detector(grey, views[self._turn % len(views)]))

    def _confirmed(self, grey: NDArray[np.uint8], faces: list[Face]) -> Face | None:
        """The largest that is still a face at a second look, framed as the net likes it best."""
        return next(_sure_faces(self._detector, grey, faces), None)

    def _newcomer(self, grey: NDArray[np.uint8], faces: list[Face]) -> Face | None:
        """The tracked face is not where it was: it moved, or the scene changed, unless this one stood beside it."""
        return self._confirmed(grey, [f for f in faces if not _same_as(f, self._beside)])

    def _winner(self, same: Face, now_ns: int) -> Face:
        """The tracked face, or the rival that has been bigger for long enough."""
        big = max((f for f in self._beside if f.score >= _BEGIN_SCORE), key=_area, default=None)
        if big is None or _area(big) < _BIGGER * _area(same):
            self._rival = None
            return same
        if self._rival is None or not _same_as(self._rival, [big]):
            self._rival_since_ns = now_ns
        self._rival = big
        return big if now_ns - self._rival_since_ns >= _RIVAL_NS else same


def largest_face(detector: Detector, grey: NDArray[np.uint8]) -> Face | None:
    """The largest face of one picture that is not part of a stream.

    Smaller views are searched only where larger ones, and the whole picture at first, show none.
    """
    return next((faces[0] for faces in _by_level(detector, grey) if faces), None)


def every_face(detector: Detector, grey: NDArray[np.uint8]) -> list[Face]:
    """All faces of one picture that is not part of a stream, the largest first: one large face hides no small ones.

    All views are searched; those of ``finer_views`` cost a look each. What lies within a face already found is a part
    of that face: close up a cheek with an eye looks like a face to the net.
    """
    found: list[Face] = []
    for faces in _by_level(detector, grey):
        found += [face for face in faces if not _is_part_of(face, found)]
    return sorted(found, key=_area, reverse=True)


def _by_level(detector: Detector, grey: NDArray[np.uint8]) -> Iterator[list[Face]]:
    """The faces seen in the whole picture, and in ever smaller views; of each level the largest first."""
    levels: Iterator[Sequence[Box | None]] = chain([[None]], finer_views(grey))
    for views in levels:
        found: list[Face] = []
        for view in views:
            faces = _sure_faces(detector, grey, detector(grey, view))
            found += [face for face in faces if not _same_as(face, found)]
        yield sorted(found, key=_area, reverse=True)


def _is_part_of(face: Face, found: list[Face]) -> bool:
    return bool(_same_as(face, found)) or any(face.box.share_within(f.box) >= _PART for f in found)


def _sure_faces(detector: Detector, grey: NDArray[np.uint8], faces: list[Face]) -> Iterator[Face]:
    """Those that are still a face at a second look, framed as the net likes it best; the largest first."""
    for face in sorted(faces, key=_area, reverse=True):
        again = _same_as(face, detector(grey, view_around(face)))
        if again and again.score >= _BEGIN_SCORE:
            yield again


def view_around(face: Face, widths: float = _VIEW_WIDTHS) -> Box:
    """A square so many of the face's widths wide, the face in its middle."""
    box = face.box
    side = widths * box.width_px
    return Box(box.left_px + (box.width_px - side) / 2, box.top_px + (box.height_px - side) / 2, side, side)


def _same_as(face: Face, faces: list[Face]) -> Face | None:
    """The one of ``faces`` that covers the same place best, if any does."""
    best = max(faces, key=lambda f: f.box.overlap(face.box), default=None)
    return best if best and best.box.overlap(face.box) >= _SAME_OVERLAP else None


def _area(face: Face) -> float:
    return face.box.area_px
