from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import cv2
import numpy as np
import pytest
from media_twins import GROUP, group_picture, in_a_large_picture
from perception import Grey, astronaut, detector, far_away

from device.models.detect import Box, Face
from device.models.track import FaceTracker, every_face, largest_face
from device.signals import Frame

MS = 1_000_000
PICTURE: Grey = np.zeros((480, 640), dtype=np.uint8)


def face(left_px: float, width_px: float, *, top_px: float = 100, score: float = 0.9) -> Face:
    point = (left_px, top_px)
    return Face(score, Box(left_px, top_px, width_px, width_px), point, point, point, point, point, point)


@dataclass
class Room:
    """A detector that sees who is in the room, and counts its looks; far people only in a small view."""

    people: Sequence[Face] = ()
    looks: list[Box | None] = field(default_factory=list)

    def __call__(self, grey: Grey, view: Box | None) -> list[Face]:
        self.looks.append(view)
        if view is None:
            return [p for p in self.people if p.box.width_px >= grey.shape[1] / 6]
        return [p for p in self.people if inside(p.box, view) and p.box.width_px >= view.width_px / 6]


def inside(box: Box, view: Box) -> bool:
    return (
        view.left_px <= box.left_px
        and view.top_px <= box.top_px
        and box.left_px + box.width_px <= view.left_px + view.width_px
        and box.top_px + box.height_px <= view.top_px + view.height_px
    )


class Story:
    """Frames at ten a second, and who is tracked in them."""

    def __init__(self) -> None:
        self.room = Room()
        self.tracker = FaceTracker(self.room)
        self.now_ms = 0

    def goes_on(self, seconds: float, *people: Face) -> list[Face | None]:
        self.room.people = people
        return [self.next() for _ in range(round(seconds * 10))]

    def next(self) -> Face | None:
        self.now_ms += 100
        return self.tracker(Frame(self.now_ms * MS, PICTURE))


ANNA, BEN = face(100, 130), face(400, 120)
BEN_COMES_CLOSE = face(400, 190)


def test_of_several_the_largest_is_tracked() -> None:
    assert Story().goes_on(1, BEN, ANNA) == [ANNA] * 10


def test_somebody_who_is_alone_is_tracked_from_the_first_frame() -> None:
    assert Story().goes_on(0.1, BEN) == [BEN]


def test_nobody_is_nobody() -> None:
    assert set(Story().goes_on(2)) == {None}


def test_who_is_only_a_little_larger_does_not_take_over() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    assert set(story.goes_on(5, ANNA, face(400, 140))) == {ANNA}


def test_who_walks_past_the_camera_does_not_take_over() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    assert set(story.goes_on(0.9, ANNA, BEN_COMES_CLOSE)) == {ANNA}
    assert set(story.goes_on(5, ANNA, BEN)) == {ANNA}


def test_who_comes_close_and_stays_takes_over_for_good() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    tracked = story.goes_on(3, ANNA, BEN_COMES_CLOSE)
    change = tracked.index(BEN_COMES_CLOSE)
    assert 10 <= change <= 20
    assert set(tracked[change:]) == {BEN_COMES_CLOSE}
    assert set(story.goes_on(2, ANNA, BEN)) == {BEN}


def test_one_blink_of_the_detector_does_not_hand_over_to_whoever_stands_beside() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    assert set(story.goes_on(1, BEN)) == {None}
    assert set(story.goes_on(1, ANNA, BEN)) == {ANNA}


def test_who_is_left_alone_is_tracked_after_a_while() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    tracked = story.goes_on(3, BEN)
    assert tracked[0] is None
    assert set(tracked[17:]) == {BEN}


def test_a_face_that_moves_is_followed_and_one_that_jumps_is_taken_with_the_next_frame() -> None:
    story = Story()
    walk = [face(100 + 20 * step, 130) for step in range(15)]
    assert [story.goes_on(0.1, here)[0] for here in walk] == walk
    elsewhere = face(10, 130, top_px=300)
    assert story.goes_on(0.2, elsewhere) == [None, elsewhere]


def test_a_far_face_is_found_within_a_second_and_kept() -> None:
    story = Story()
    far = face(470, 45, top_px=300)
    tracked = story.goes_on(3, far)
    assert set(tracked[8:]) == {far}


def test_what_hardly_looks_like_a_face_is_never_begun_with_but_kept_once_it_was_one() -> None:
    story = Story()
    poster = face(100, 150, score=0.65)
    assert set(story.goes_on(3, poster)) == {None}
    turning_away = face(400, 120, score=0.55)
    story.goes_on(1, BEN)
    assert set(story.goes_on(3, turning_away)) == {turning_away}


def test_what_hardly_looks_like_a_face_neither_hides_nor_replaces_a_real_one() -> None:
    story = Story()
    poster = face(350, 250, score=0.65)
    assert set(story.goes_on(4, ANNA, poster)) == {ANNA}


def test_a_tracked_face_costs_little_more_than_one_look_a_frame() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    story.room.looks.clear()
    story.goes_on(10, ANNA, BEN)
    assert len(story.room.looks) <= 111


def test_the_reading_of_a_tracked_face_waits_for_one_look_whatever_happens() -> None:
    story = Story()
    story.goes_on(1, ANNA, BEN)
    for people in [[ANNA, BEN]] * 12 + [[BEN]] * 5 + [[ANNA, BEN_COMES_CLOSE]] * 25:
        story.tracker.follow_up()
        story.room.looks.clear()
        story.goes_on(0.1, *people)
        assert len(story.room.looks) == 1


def test_while_somebody_may_be_coming_a_frame_without_anybody_costs_two_looks() -> None:
    story = Story()
    story.goes_on(1)
    assert len(story.room.looks) == 20


def test_a_still_room_is_looked_at_twice_a_second_and_after_a_minute_every_five_seconds() -> None:
    story = Story()
    story.goes_on(2)
    story.room.looks.clear()
    story.goes_on(10)
    assert len(story.room.looks) == 20
    assert story.room.looks.count(None) == 10
    story.goes_on(50)
    story.room.looks.clear()
    story.goes_on(60)
    assert len(story.room.looks) == 12


def test_one_frame_a_second_is_enough_to_stay_with_somebody() -> None:
    story = Story()
    story.goes_on(0.1, ANNA, BEN)
    story.now_ms += 900
    assert story.goes_on(0.1, ANNA, face(400, 140)) == [ANNA]


def test_time_that_starts_anew_starts_anew() -> None:
    story = Story()
    story.goes_on(2, ANNA, BEN)
    story.now_ms = 0
    assert set(story.goes_on(2, BEN)) == {BEN}


def test_frames_without_pixels_are_nobody() -> None:
    tracker = FaceTracker(detector())
    assert tracker(Frame(1, np.zeros((0, 0), dtype=np.uint8))) is None


def test_at_a_frame_each_two_seconds_each_is_searched_to_the_end() -> None:
    story = Story()
    far = face(470, 45, top_px=300)
    story.room.people = [far]
    found = []
    for _ in range(4):
        story.now_ms += 1_900
        found.append(story.next())
    assert found == [far] * 4


@pytest.mark.slow
def test_a_real_face_two_metres_away_is_tracked_at_ten_frames_a_second() -> None:
    tracker = FaceTracker(detector())
    scene = far_away(48, left_px=300, top_px=200)
    tracked = [tracker(Frame(i * 100 * MS, scene)) for i in range(15)]
    assert all(tracked[8:])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("face_px", "width", "height"),
    [(48, 1920, 1080), (80, 1920, 1080), (140, 1920, 1080), (40, 4000, 3000), (80, 4000, 3000), (200, 4000, 3000)],
)
def test_in_one_large_picture_a_small_face_is_found(face_px: int, width: int, height: int) -> None:
    scene = in_a_large_picture(face_px, width, height)
    (found,) = every_face(detector(), scene)
    assert found.box.width_px == pytest.approx(face_px, rel=0.2)
    assert FaceTracker(detector())(Frame(0, scene, is_alone=True)) == found


@pytest.mark.parametrize(
    ("width", "height", "looks"), [(640, 480, 1 + 6), (1920, 1080, 1 + 6 + 28), (4000, 3000, 1 + 6 + 42 + 234)]
)
def test_a_large_picture_without_anybody_costs_a_look_a_view(width: int, height: int, looks: int) -> None:
    room = Room()
    assert every_face(room, np.zeros((height, width), dtype=np.uint8)) == []
    assert len(room.looks) == looks


@pytest.mark.slow
def test_a_large_face_hides_no_small_ones_and_no_part_of_it_is_a_face() -> None:
    large, *small = every_face(detector(), group_picture())
    assert large.box.width_px == pytest.approx(200, rel=0.1)
    assert [face.box.width_px for face in small] == pytest.approx([54] * (GROUP - 1), rel=0.15)
    assert largest_face(detector(), group_picture()) == large
    close_up = cv2.resize(astronaut()[20:200, 80:270], None, fx=8, fy=8, interpolation=cv2.INTER_CUBIC)
    assert len(every_face(detector(), close_up)) == 1


def test_who_wants_the_largest_face_alone_pays_for_no_other() -> None:
    room = Room()
    room.people = [face(100, 500)]
    assert largest_face(room, np.zeros((1080, 1920), dtype=np.uint8)) == room.people[0]
    assert len(room.looks) == 2


def test_a_picture_that_is_alone_changes_nothing_of_who_is_tracked() -> None:
    story = Story()
    story.goes_on(2, ANNA)
    story.room.people = [BEN]
    assert story.tracker(Frame(story.now_ms * MS, PICTURE, is_alone=True)) == BEN
    assert story.goes_on(1, ANNA, BEN) == [ANNA] * 10
