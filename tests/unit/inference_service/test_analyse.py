from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from inference_service.analyse import Analyst
from inference_service.judge import Judge
from inference_service.ports import Card, DeskFull, ReadFailed
from inference_service.verdicts import as_faces
from shared_kernel.errors import Unavailable
from shared_kernel.messages import (
    Box,
    FrameCaptured,
    LiveFrameSubmitted,
    MaskState,
    PhotoAnalysed,
    PhotoSubmitted,
)
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found
from tests.unit.inference_service.doubles import (
    CannedModel,
    CannedModels,
    CountedTally,
    PlainDecoder,
    PromptDesk,
    StoredObjects,
    found,
)

NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
FRAME = jpeg(scene(DrawnFace(320, 240)))


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


def photo(*, seconds_left: float = 10, **asked: Any) -> PhotoSubmitted:
    deadline_at = NOON + timedelta(seconds=seconds_left)
    return PhotoSubmitted(photo_id="photo-1", key="photos/1.jpg", deadline_at=deadline_at, **asked)


def live(seq: int = 3, *, age_ms: float = 50, data: bytes = FRAME, model: str = "") -> LiveFrameSubmitted:
    return LiveFrameSubmitted(
        session_id="session-1",
        owner="web-1",
        seq=seq,
        sent_at=NOON - timedelta(milliseconds=age_ms),
        model=model,
        jpeg=data,
    )


def draw(picture: Picture, found: Sequence[Found], card: Card, language: str) -> bytes:
    return f"{card.name} {language} {len(found)} of {picture.shape}".encode()


@dataclass
class Room:
    """An analyst and what stands around it."""

    model: CannedModel = field(default_factory=CannedModel)
    tally: CountedTally = field(default_factory=CountedTally)
    objects: StoredObjects = field(default_factory=lambda: StoredObjects({"photos/1.jpg": FRAME}))

    def __post_init__(self) -> None:
        boxes = {0.9: (0, 0, 64, 48), 0.3: (-9, 0, 999, 48), 0.1: (0, 0, 9, 9)}
        helmets = CannedModel([Found("helmet", score, box) for score, box in boxes.items()])
        self.models = CannedModels({"mask": self.model, "helmets": helmets})
        self.desk = PromptDesk(self.models)
        judge = Judge(self.models, self.desk, PlainDecoder())
        self.analyst = Analyst(judge, draw, lambda: NOON, 1000, 4, self.tally)

    def photo(self, asked: PhotoSubmitted, tries: int = 1) -> PhotoAnalysed:
        answer = self.analyst.photo(asked, self.objects, tries)
        assert answer is not None
        return answer


@pytest.fixture
def room() -> Room:
    return Room()


@pytest.fixture
def analyst(room: Room) -> Analyst:
    return room.analyst


@pytest.fixture
def tally(room: Room) -> CountedTally:
    return room.tally


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


@pytest.mark.parametrize("cameras", [3, 4, 9])
def test_frames_stay_in_order_and_are_due_like_streams(room: Room, cameras: int) -> None:
    backlog = [frame(number) for number in range(cameras)]
    assert [one.seq for one in room.analyst.frames(backlog)] == list(range(cameras))
    assert room.desk.urgencies == ["live"] * cameras


def test_no_more_frames_than_a_batch_are_at_the_desk() -> None:
    """More would only get old there, and another worker could have them."""
    room = Room()
    answers = room.analyst.frames([frame(number) for number in range(9)])
    for done in range(1, 10):
        next(answers)
        assert len(room.desk.urgencies) == min(9, done + 3)


def test_frames_for_which_there_is_no_place_are_skipped_and_counted(room: Room) -> None:
    room.desk.refuse = DeskFull("inference", "64 wait")
    assert list(room.analyst.frames([frame(1), frame(2)])) == []
    assert room.tally.counts["full"] == 2


def test_a_frame_over_which_the_model_fails_is_skipped_and_counted(room: Room) -> None:
    room.desk.fail = ReadFailed("mask: ValueError: no")
    assert list(room.analyst.frames([frame(1)])) == []
    assert room.tally.counts["failed"] == 1


@pytest.mark.parametrize(("age_ms", "goes"), [(0, True), (1000, True), (1001, False), (60_000, False), (-500, True)])
def test_stale_frames_are_skipped_and_counted(analyst: Analyst, tally: CountedTally, age_ms: float, goes: bool) -> None:
    assert len(list(analyst.frames([frame(1, age_ms=age_ms)]))) == goes
    assert tally.counts["stale"] == (not goes)


@pytest.mark.parametrize("data", [b"", b"not a picture", FRAME[:100]])
def test_a_broken_frame_does_not_stop_the_others(analyst: Analyst, tally: CountedTally, data: bytes) -> None:
    assert [one.seq for one in analyst.frames([frame(1), frame(2, data=data), frame(3)])] == [1, 3]
    assert tally.counts["unreadable"] == 1


def test_whoever_is_behind_takes_only_the_newest_frame_of_a_camera(analyst: Analyst, tally: CountedTally) -> None:
    backlog = [frame(number, camera=f"camera-{number % 3}") for number in range(30)]
    assert [one.seq for one in analyst.frames(backlog)] == [27, 28, 29]
    assert tally.counts["overtaken"] == 27


def test_a_batch_that_comes_again_says_the_same(analyst: Analyst) -> None:
    first, again = (list(analyst.frames([frame(1), frame(2)])) for _ in range(2))
    assert first == again


def test_nothing_in_gives_nothing(analyst: Analyst) -> None:
    assert list(analyst.frames([])) == []


def test_a_photo_is_answered_with_its_faces(room: Room) -> None:
    answer = room.photo(photo())
    assert answer.error is None
    assert (answer.photo_id, answer.width, answer.height) == ("photo-1", 640, 480)
    assert (answer.model, answer.version) == ("mask", "1.0.0")
    assert [face.state for face in answer.faces] == [MaskState.WITHOUT_MASK]
    assert [one.label for one in answer.objects] == ["without_mask"]
    assert answer.annotated_key == ""
    assert room.desk.urgencies == ["interactive"]
    assert room.tally.counts["analysed"] == 1


def test_a_photo_names_its_model_and_its_hurry(room: Room) -> None:
    answer = room.photo(photo(model="helmets", version="1.0.0", urgency="job"))
    assert answer.faces == ()
    assert [(one.label, one.score) for one in answer.objects] == [("helmet", 0.9), ("helmet", 0.3)]
    assert answer.objects[1].box == Box(x0=0, y0=0, x1=1, y1=0.1)
    assert room.desk.urgencies == ["job"]


@pytest.mark.parametrize(("least", "count"), [(None, 2), (0.05, 2), (0.3, 2), (0.5, 1), (1.0, 0)])
def test_boxes_below_the_wanted_or_the_models_score_are_left_out(room: Room, least: float | None, count: int) -> None:
    assert len(room.photo(photo(model="helmets", min_score=least)).objects) == count


@pytest.mark.parametrize("asked", [{"model": "unicorns"}, {"model": "mask", "version": "9.0.0"}, {"task": "classify"}])
def test_a_model_that_is_not_there_is_said_so(room: Room, asked: dict[str, Any]) -> None:
    answer = room.photo(photo(**asked))
    assert answer.error is not None
    assert answer.error.code == "no_model"


def test_an_annotated_photo_lies_beside_the_photo(room: Room) -> None:
    first, again = (room.photo(photo(annotate=True, language="en")) for _ in range(2))
    assert first.annotated_key == again.annotated_key == "photos/1.jpg.annotated.jpg"
    assert room.objects.objects[first.annotated_key] == b"mask en 1 of (480, 640, 3)"


@pytest.mark.parametrize(
    ("data", "code"), [(b"", "not_an_image"), (FRAME[:300], "truncated"), (b"%PDF-1.4", "unsupported")]
)
def test_a_bad_photo_is_answered_with_a_code(room: Room, data: bytes, code: str) -> None:
    room.objects.objects["photos/1.jpg"] = data
    answer = room.photo(photo(annotate=True))
    assert answer.error is not None
    assert answer.error.code == code
    assert answer.faces == ()
    assert answer.annotated_key == ""


def test_a_photo_that_is_gone_is_answered(room: Room) -> None:
    room.objects.objects.clear()
    answer = room.photo(photo())
    assert answer.error is not None
    assert answer.error.code == "not_found"


@pytest.mark.parametrize(
    ("refuse", "fail", "code"),
    [(DeskFull("inference", "64 wait"), None, "busy"), (None, ReadFailed("mask: ValueError: no"), "not_analysable")],
)
def test_a_photo_is_answered_when_the_desk_cannot(
    room: Room, refuse: Exception | None, fail: Exception | None, code: str
) -> None:
    room.desk.refuse, room.desk.fail = refuse, fail
    answer = room.photo(photo())
    assert answer.error is not None
    assert answer.error.code == code


@pytest.mark.parametrize("fails_late", [False, True])
def test_a_stopping_worker_answers_nothing(room: Room, fails_late: bool) -> None:
    """The photo is not acknowledged, so another worker gets it."""
    stopping = Unavailable("worker", "it is stopping")
    room.desk.refuse, room.desk.fail = (None, stopping) if fails_late else (stopping, None)
    with pytest.raises(Unavailable):
        room.photo(photo())
    assert room.tally.counts == {}


def test_nobody_is_answered_after_the_deadline(room: Room) -> None:
    assert room.analyst.photo(photo(seconds_left=0), room.objects, 1) is None
    assert room.tally.counts["late"] == 1


def test_nobody_is_answered_when_the_desk_takes_too_long(room: Room) -> None:
    class SlowDesk(PromptDesk):
        def submit(self, *_: object, **__: object) -> Future[list[list[Found]]]:
            self.given: Future[list[list[Found]]] = Future()
            return self.given

    desk = SlowDesk(room.models)
    analyst = replace(room.analyst, judge=replace(room.analyst.judge, desk=desk))
    assert analyst.photo(photo(seconds_left=0.01), room.objects, 1) is None
    assert room.tally.counts["late"] == 1
    assert desk.given.cancelled()


@pytest.mark.parametrize(("tries", "code"), [(1, None), (2, None), (3, "not_analysable"), (5, "not_analysable")])
def test_a_photo_that_killed_two_workers_is_not_touched_again(room: Room, tries: int, code: str | None) -> None:
    answer = room.photo(photo(), tries)
    assert (answer.error.code if answer.error else None) == code
    assert bool(room.desk.urgencies) == (code is None)


def test_a_live_picture_is_answered_to_its_owner(room: Room) -> None:
    answer = room.analyst.live(live(7))
    assert (answer.session_id, answer.owner, answer.seq) == ("session-1", "web-1", 7)
    assert (answer.width, answer.height, answer.model, answer.version) == (640, 480, "mask", "1.0.0")
    assert len(answer.faces) == len(answer.objects) == 1
    assert answer.error is None
    assert room.desk.urgencies == ["live"]
    assert room.tally.counts["live analysed"] == 1


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"data": b""}, "not_an_image"),
        ({"data": FRAME[:300]}, "truncated"),
        ({"age_ms": 1001}, "skipped"),
        ({"model": "unicorns"}, "no_model"),
    ],
)
def test_a_live_picture_without_a_verdict_is_answered_too(room: Room, asked: dict[str, Any], code: str) -> None:
    answer = room.analyst.live(live(**asked))
    assert answer.error is not None
    assert (answer.error.code, answer.seq) == (code, 3)
    assert room.tally.counts[f"live {code}"] == 1


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
