from __future__ import annotations

from collections.abc import Iterator

from shared_kernel.messages import Face, FrameAnalysed, PassObserved
from stream_service.evidence import Cutter, Pending, Shot
from stream_service.follow import Limits, follow
from stream_service.ports import FullFrame
from stream_service.sharpening import WINDOW_S, Sharpening
from tests.unit.stream_service.doubles import START, KeptOutgoing, OneRing, SyntheticFrame, face, film

SIZE = (2560, 1440)


def small(seed: int, arrived_s: float = 100.0) -> SyntheticFrame:
    return SyntheticFrame(width=320, height=180, seed=seed, arrived_s=arrived_s)


def large(seed: int, arrived_s: float) -> SyntheticFrame:
    return SyntheticFrame(width=SIZE[0], height=SIZE[1], seed=seed, arrived_s=arrived_s)


def found(*frames: SyntheticFrame, analysed: SyntheticFrame) -> Shot | None:
    asked = Sharpening(analysed, face(640), 7.0)
    for frame in frames:
        asked.consider(frame)
    asked.finish()
    assert asked.done
    return asked.shot


def test_the_picture_that_looks_the_same_is_taken_though_another_is_nearer_in_time() -> None:
    shot = found(large(1, 99.7), large(2, 100.0), large(3, 100.3), analysed=small(1))
    assert shot is not None
    expected = Cutter(large(1, 99.7)).shot(face(640), 7.0)
    assert shot.scene.jpeg == expected.scene.jpeg
    assert (shot.quality, shot.scene.width, shot.face.width) == (7.0, 1280, expected.face.width)


def test_of_pictures_that_look_the_same_the_nearest_is_taken() -> None:
    asked = Sharpening(small(1), face(640), 1.0)
    near = large(1, 100.1)
    for frame in (large(1, 99.6), near, large(1, 100.4)):
        asked.consider(frame)
    assert asked._best is not None
    assert asked._best[1] is near


def test_what_shows_something_else_or_another_time_is_no_evidence() -> None:
    assert found(large(2, 100.0), large(1, 100.0 + WINDOW_S + 0.1), analysed=small(1)) is None
    assert found(analysed=small(1)) is None


def test_nobody_waits_for_ever() -> None:
    asked = Sharpening(small(1), face(640), 1.0)
    asked.asked_s -= 60
    assert asked.done
    assert asked.shot is None


class Promise:
    """A better picture that comes when the test says so."""

    def __init__(self) -> None:
        self.done = False
        self.shot: Shot | None = None

    def come(self) -> None:
        self.shot, self.done = Cutter(large(9, 0.0)).shot(face(640), 1.0), True


class Promises:
    def __init__(self) -> None:
        self.made: list[Promise] = []

    def __call__(self, camera_id: str, frame: FullFrame, face: Face, quality: float) -> Pending:  # noqa: ARG002
        self.made.append(Promise())
        return self.made[-1]


def followed(frames: Iterator[FrameAnalysed | None], promises: Promises) -> tuple[list[PassObserved], KeptOutgoing]:
    outgoing = KeptOutgoing()
    clock = [START.timestamp()]

    def ticking() -> Iterator[FrameAnalysed | None]:
        for frame in frames:
            clock[0] = clock[0] + 1.0 if frame is None else frame.captured_at.timestamp()
            yield frame

    limits = Limits(analysis_side=640, max_age_s=4.0)
    story = follow(ticking(), OneRing(), outgoing, limits, sharpen=promises, seconds_now=lambda: clock[0])
    return list(story), outgoing


def test_an_alert_waits_for_the_better_picture_and_begins_with_it() -> None:
    promises = Promises()

    def frames() -> Iterator[FrameAnalysed | None]:
        for number, frame in enumerate(film([[face(640)]] * 10)):
            if number == 8:
                for one in promises.made:
                    one.come()
            yield frame

    messages, _ = followed(frames(), promises)
    opened, closed = messages
    assert opened.frames > 8
    assert opened.scene.width == 1280
    assert closed.scene == opened.scene


def test_who_leaves_while_the_picture_is_looked_for_is_a_pass_all_the_same() -> None:
    promises = Promises()
    messages, outgoing = followed(iter([*film([[face(640)]] * 6), *[None] * 8]), promises)
    assert [one.phase for one in messages] == ["opened", "closed"]
    assert len(outgoing.pictures) == 2


def test_a_better_picture_that_comes_late_is_in_the_closing() -> None:
    promises = Promises()

    def frames() -> Iterator[FrameAnalysed | None]:
        for number, frame in enumerate(film([[face(640)]] * 10)):
            if number == 2:
                for one in promises.made:
                    one.done = True  # too late for the alert
            if number == 9:
                for one in promises.made:
                    one.come()
            yield frame

    (opened, closed), outgoing = followed(frames(), promises)
    assert opened.scene.key != closed.scene.key
    assert set(outgoing.pictures) >= {opened.scene.key, closed.scene.key}
    assert closed.face.width > opened.face.width
