from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from inference_service.analyse import Analyst, as_faces
from inference_service.ports import Picture
from inference_service.rules import FaceReading, Found
from shared_kernel.errors import NotFound
from shared_kernel.messages import FrameAnalysed, FrameCaptured, MaskState, PhotoSubmitted
from shared_kernel.testing.faces import DrawnFace, jpeg, scene

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FRAME = jpeg(scene(DrawnFace(320, 240)))


class CannedReader:
    """Finds the same face in every picture."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        self.batches.append(len(pictures))
        return [[found()] for _ in pictures]


@dataclass
class CountedTally:
    counts: Counter[str] = field(default_factory=Counter)

    def frame_analysed(self, frame: FrameAnalysed) -> None:  # noqa: ARG002 - only counted
        self.counts["analysed"] += 1

    def frame_skipped(self, reason: str) -> None:
        self.counts[reason] += 1

    def photo_done(self, outcome: str) -> None:
        self.counts[outcome] += 1


def found(box: tuple[float, float, float, float] = (64, 48, 128, 96)) -> Found:
    points = np.array([[80, 60], [110, 60], [96, 70], [84, 84], [108, 84]], np.float32)
    return Found("without_mask", 0.72, box, FaceReading(0.9, MaskState.WITHOUT_MASK, 0.8, points))


def frame(
    number: int, *, age_ms: float = 100, data: bytes = FRAME, owner: str = "stream-1", camera: str | None = None
) -> FrameCaptured:
    return FrameCaptured(
        frame_id=f"frame-{number}",
        camera_id=camera or f"camera-{number}",
        owner=owner,
        seq=number,
        captured_at=NOON - timedelta(milliseconds=age_ms),
        width=1920,
        height=1080,
        jpeg=data,
    )


def photo(*, seconds_left: float = 10) -> PhotoSubmitted:
    return PhotoSubmitted(photo_id="photo-1", key="photos/1.jpg", deadline_at=NOON + timedelta(seconds=seconds_left))


@pytest.fixture
def tally() -> CountedTally:
    return CountedTally()


@pytest.fixture
def analyst(tally: CountedTally) -> Analyst:
    return Analyst(CannedReader(), lambda: NOON, 1000, 4, tally, "mask")


def test_a_verdict_belongs_to_its_frame(analyst: Analyst) -> None:
    [analysed] = analyst.frames([frame(7, owner="stream-2")])
    assert (analysed.frame_id, analysed.seq, analysed.owner) == ("frame-7", 7, "stream-2")
    assert (analysed.width, analysed.height) == (1920, 1080)
    assert analysed.captured_at == NOON - timedelta(milliseconds=100)
    assert analysed.analysed_at == NOON
    [face] = analysed.faces
    assert (face.state, face.score, face.state_score) == (MaskState.WITHOUT_MASK, 0.9, 0.8)
    assert face.box.model_dump() == pytest.approx({"x0": 0.1, "y0": 0.1, "x1": 0.2, "y1": 0.2})
    assert face.landmarks[2] == pytest.approx((96 / 640, 70 / 480))


def test_frames_of_a_batch_are_read_together_and_stay_in_order(analyst: Analyst) -> None:
    assert [one.seq for one in analyst.frames([frame(3), frame(4), frame(5)])] == [3, 4, 5]
    assert analyst.reader.batches == [3]  # type: ignore[attr-defined]


@pytest.mark.parametrize(("age_ms", "goes"), [(0, True), (1000, True), (1001, False), (60_000, False), (-500, True)])
def test_stale_frames_are_skipped_and_counted(analyst: Analyst, tally: CountedTally, age_ms: float, goes: bool) -> None:
    assert len(list(analyst.frames([frame(1, age_ms=age_ms)]))) == goes
    assert tally.counts["stale"] == (not goes)


@pytest.mark.parametrize("data", [b"", b"not a picture", FRAME[:100]])
def test_a_broken_frame_does_not_stop_the_others(analyst: Analyst, tally: CountedTally, data: bytes) -> None:
    assert [one.seq for one in analyst.frames([frame(1), frame(2, data=data), frame(3)])] == [1, 3]
    assert tally.counts["unreadable"] == 1


@pytest.mark.parametrize(("cameras", "batches"), [(3, [3]), (4, [4]), (9, [4, 4, 1])])
def test_many_cameras_go_in_batches(analyst: Analyst, cameras: int, batches: list[int]) -> None:
    assert len(list(analyst.frames([frame(number) for number in range(cameras)]))) == cameras
    assert analyst.reader.batches == batches  # type: ignore[attr-defined]


def test_whoever_is_behind_takes_only_the_newest_frame_of_a_camera(analyst: Analyst, tally: CountedTally) -> None:
    backlog = [frame(number, camera=f"camera-{number % 3}") for number in range(30)]
    assert [one.seq for one in analyst.frames(backlog)] == [27, 28, 29]
    assert tally.counts["overtaken"] == 27


def test_a_batch_that_comes_again_says_the_same(analyst: Analyst) -> None:
    first, again = (list(analyst.frames([frame(1), frame(2)])) for _ in range(2))
    assert first == again


def test_nothing_in_gives_nothing(analyst: Analyst) -> None:
    assert list(analyst.frames([])) == []


def test_a_photo_is_answered_with_its_faces(analyst: Analyst, tally: CountedTally) -> None:
    answer = analyst.photo(photo(), lambda _: FRAME, 1)
    assert answer is not None
    assert answer.error is None
    assert (answer.photo_id, answer.width, answer.height, answer.model) == ("photo-1", 640, 480, "mask")
    assert len(answer.faces) == 1
    assert tally.counts["analysed"] == 1


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "not_an_image"), (FRAME[:300], "truncated"), (b"%PDF-1.4", "unsupported")]
)
def test_a_bad_photo_is_answered_with_a_code(analyst: Analyst, data: bytes, code: str) -> None:
    answer = analyst.photo(photo(), lambda _: data, 1)
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == code
    assert answer.faces == ()


def test_a_photo_that_is_gone_is_answered(analyst: Analyst) -> None:
    def gone(key: str) -> bytes:
        raise NotFound(f"object {key}: not in the store")

    answer = analyst.photo(photo(), gone, 1)
    assert answer is not None
    assert answer.error is not None
    assert answer.error.code == "not_found"


def test_nobody_is_answered_after_the_deadline(analyst: Analyst, tally: CountedTally) -> None:
    assert analyst.photo(photo(seconds_left=0), lambda _: FRAME, 1) is None
    assert tally.counts["late"] == 1


@pytest.mark.parametrize(("tries", "code"), [(1, None), (2, None), (3, "not_analysable"), (5, "not_analysable")])
def test_a_photo_that_killed_two_workers_is_not_touched_again(analyst: Analyst, tries: int, code: str | None) -> None:
    touched: list[str] = []

    def fetch(key: str) -> bytes:
        touched.append(key)
        return FRAME

    answer = analyst.photo(photo(), fetch, tries)
    assert answer is not None
    assert (answer.error.code if answer.error else None) == code
    assert bool(touched) == (code is None)


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        ((-50, -50, 700, 500), (0, 0, 1, 1)),
        ((600, 440, 700, 520), (600 / 640, 440 / 480, 1, 1)),
        ((-80, -80, -10, -10), (0, 0, 0, 0)),
    ],
)
def test_boxes_end_at_the_edge_of_the_picture(
    box: tuple[float, float, float, float], expected: tuple[float, ...]
) -> None:
    [face] = as_faces([found(box)], np.zeros((480, 640, 3), np.uint8))
    assert tuple(face.box.model_dump().values()) == pytest.approx(expected)


def test_what_is_no_face_is_not_told_as_one() -> None:
    objects = [Found("helmet", 0.9, (1, 2, 3, 4)), found()]
    assert len(as_faces(objects, np.zeros((480, 640, 3), np.uint8))) == 1
