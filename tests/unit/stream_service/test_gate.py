"""What is decoded of a quiet camera and of one where somebody walks in. The decoder here refuses what no real one can
decode: a packet whose predecessors it was not given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pytest

from stream_service.capture import Sampling, capture
from stream_service.gate import (
    KEYLESS_AFTER_S,
    LOOK_AT_KEY_S,
    LOOK_EVERY_S,
    QUIET_AFTER_S,
    SUSPECT_S,
    Attention,
    Gate,
)
from stream_service.motion import MotionWatch
from stream_service.ports import FullFrame, Luma, Packet
from stream_service.ring import FrameRing
from stream_service.rules import DecodeMode
from tests.unit.stream_service.doubles import SyntheticFrame, packet

FPS = 25


class WalkedFrame(SyntheticFrame):
    """The usual texture with a bright square at `x`, or without one."""

    def __init__(self, at_s: float, x: int | None) -> None:
        super().__init__(at_s, arrived_s=at_s)
        if x is not None:
            grey = self._grey.copy()
            grey[300:380, x : x + 40] = 255
            self._grey: Luma = grey


@dataclass
class StrictDecoder:
    """Gives a frame a packet; `walker` says where somebody is at a time."""

    walker: Callable[[float], int | None]
    decoded: list[float] = field(default_factory=list)
    alone: list[float] = field(default_factory=list)
    _next: int | None = None

    def decode(self, coded: Packet) -> list[FullFrame]:
        number = coded.pts // 3600
        assert coded.key or self._next == number or self.keyless, f"packet {number} without those before it"
        self._next = number + 1
        self.decoded.append(coded.arrived_s)
        return [WalkedFrame(coded.arrived_s, self.walker(coded.arrived_s))]

    def decode_alone(self, coded: Packet) -> list[FullFrame]:
        assert coded.key
        self._next = None
        self.alone.append(coded.arrived_s)
        return [WalkedFrame(coded.arrived_s, self.walker(coded.arrived_s))]

    def decode_all(self) -> None: ...

    keyless: bool = False


def stream(seconds: float, *, gop_s: float = 2.0, size: Callable[[float], int] = lambda _: 1000) -> list[Packet]:
    """25 packets a second, a key frame every `gop_s`."""
    found = []
    for number in range(round(seconds * FPS)):
        key = number % round(gop_s * FPS) == 0
        found.append(packet(number, key=key, data=bytes(20_000 if key else size(number / FPS))))
    return found


def analysed(
    packets: Iterable[Packet], decoder: StrictDecoder, mode: DecodeMode = "adaptive", attention: Attention | None = None
) -> list[float]:
    """When the analysed frames arrived, seconds."""
    gate = Gate(mode, 5.0, attention or Attention())
    ring = FrameRing(seconds=1e9, megabytes=10_000)
    found = capture(packets, decoder, ring, Sampling("cam", "s", 5.0, 64), gate)
    start = SyntheticFrame(0).arrived_at.timestamp()
    return [round(one.captured_at.timestamp() - start, 3) for one in found if one]


def nobody(_: float) -> int | None:
    return None


def walks(from_s: float, to_s: float) -> Callable[[float], int | None]:
    return lambda at_s: round(200 + 80 * (at_s - from_s)) if from_s <= at_s < to_s else None


def grows(from_s: float, to_s: float) -> Callable[[float], int]:
    return lambda at_s: 6000 if from_s <= at_s < to_s else 1000


def test_of_a_quiet_camera_only_key_frames_are_decoded() -> None:
    decoder = StrictDecoder(nobody)
    times = analysed(stream(60), decoder)
    assert decoder.alone == [2.0 * n for n in range(2, 30)]
    assert decoder.decoded[-1] < QUIET_AFTER_S
    assert times[0] == 0
    steps = np.diff([at_s for at_s in times if at_s > QUIET_AFTER_S])
    assert steps.min() >= LOOK_AT_KEY_S
    assert steps.max() <= LOOK_EVERY_S


def test_who_walks_in_between_key_frames_is_seen_at_once() -> None:
    decoder = StrictDecoder(walks(20.5, 26.0))
    times = analysed(stream(40, size=grows(20.5, 26.0)), decoder)
    seen = [at_s for at_s in times if 20.5 <= at_s < 26.0]
    assert seen[0] <= 20.5 + 0.3
    assert len(seen) == pytest.approx(5.5 * 5, abs=3)
    # What lay between the key frame and the moment was decoded late, and everything until it was quiet again.
    late = [at_s for at_s in decoder.decoded if at_s > QUIET_AFTER_S]
    assert late[0] == 20.0
    assert 26.0 + QUIET_AFTER_S <= decoder.decoded[-1] <= 28.0 + QUIET_AFTER_S


def test_without_larger_packets_the_next_key_frame_shows_it() -> None:
    decoder = StrictDecoder(walks(20.5, 30.0))
    times = analysed(stream(40), decoder)
    assert next(at_s for at_s in times if at_s > 20.5) == 22.0


def test_larger_packets_without_motion_cost_a_second() -> None:
    decoder = StrictDecoder(nobody)
    times = analysed(stream(40, size=grows(21.0, 21.2)), decoder)
    assert len(times) < 40 / LOOK_AT_KEY_S + QUIET_AFTER_S * 5
    # At the beginning, since the key frame, while they grow and a second longer, and up to the next look that is due.
    assert len(decoder.decoded) <= (QUIET_AFTER_S + 1.0 + 0.2 + SUSPECT_S + 1.0) * FPS


def test_who_is_followed_is_watched_even_standing_still() -> None:
    class Followed(Attention):
        followed = True

    times = analysed(stream(20), StrictDecoder(nobody), attention=Followed())
    assert len(times) == pytest.approx(100, abs=2)


def test_for_viewers_of_still_pictures_a_camera_is_decoded_and_not_analysed() -> None:
    class Viewed(Attention):
        viewed = True

    decoder = StrictDecoder(nobody)
    times = analysed(stream(20), decoder, attention=Viewed())
    assert len(decoder.decoded) == 20 * FPS
    assert len(times) <= 20 / LOOK_EVERY_S + 1 + QUIET_AFTER_S * 5


def test_attention_ends_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    attention, now = Attention(), [100.0]
    monkeypatch.setattr("stream_service.gate.time.monotonic", lambda: now[0])

    def state() -> tuple[bool, bool]:
        return attention.followed, attention.viewed

    assert state() == (False, False)
    attention.follow()
    assert state() == (True, False)
    attention.view()
    assert state() == (True, True)
    now[0] += QUIET_AFTER_S + 0.1
    assert state() == (False, False)


def test_only_packets_that_are_usual_may_wait() -> None:
    attention = Attention()
    gate = Gate("adaptive", 5.0, attention)
    packets = stream(12)
    for one in packets[: round(QUIET_AFTER_S * FPS)]:
        gate.admit(one)
        assert gate.patient_bytes == 0, "a new connection is awake"
    for one in packets[round(QUIET_AFTER_S * FPS) :]:
        gate.admit(one)
    assert 1000 < gate.patient_bytes < 6000
    attention.follow()
    assert gate.patient_bytes == 0


def test_the_first_who_wants_a_camera_rouses_it() -> None:
    calls = list[str]()
    attention = Attention(lambda: calls.append("roused"))
    attention.follow()
    attention.follow()
    assert calls == ["roused"]
    attention.view()
    assert calls == ["roused", "roused"]


def test_a_camera_with_rare_key_frames_is_looked_at_all_the_same() -> None:
    times = analysed(stream(60, gop_s=11.0), StrictDecoder(nobody))
    assert np.diff(times).max() <= LOOK_EVERY_S + 0.5


def test_a_camera_without_key_frames_is_decoded_from_anywhere() -> None:
    decoder = StrictDecoder(nobody, keyless=True)
    times = analysed([packet(number, key=False, data=bytes(1000)) for number in range(30 * FPS)], decoder)
    assert times[0] == pytest.approx(KEYLESS_AFTER_S, abs=0.2)
    assert len(times) >= 3


def test_when_too_much_would_be_kept_the_next_key_frame_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stream_service.gate.MAX_KEPT_PACKETS", 40)
    decoder = StrictDecoder(walks(5, 60))
    analysed(stream(20, gop_s=16.0, size=grows(5, 60)), decoder)
    assert decoder.alone == [16.0]
    assert next(at_s for at_s in decoder.decoded if at_s > QUIET_AFTER_S) == 16.0


def test_key_frames_alone_are_never_more() -> None:
    decoder = StrictDecoder(walks(0, 40))
    times = analysed(stream(40, size=grows(0, 40)), decoder, "keyframes")
    assert decoder.decoded == []
    assert times == [2.0 * n for n in range(20)]


def test_a_still_camera_of_single_pictures_is_decoded_twice_a_second() -> None:
    decoder = StrictDecoder(nobody)
    analysed(stream(20, gop_s=1 / FPS), decoder)
    assert len(decoder.alone) == pytest.approx(34, abs=3)


def test_light_and_noise_are_no_motion() -> None:
    chance, watch = np.random.default_rng(3), MotionWatch()
    for number in range(20):
        frame = WalkedFrame(number, None)
        noisy = frame._grey.astype(np.int16) // 2 + 40 + chance.normal(0, 12, frame._grey.shape).astype(np.int16)
        frame._grey = np.clip(noisy + number * 2, 0, 255).astype(np.uint8)
        assert not watch.moved(frame)


def test_a_small_figure_far_away_is_motion() -> None:
    watch = MotionWatch()
    assert not watch.moved(WalkedFrame(0, None))
    assert watch.moved(WalkedFrame(1, 600))
