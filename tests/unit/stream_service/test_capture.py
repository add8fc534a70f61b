"""Sampling by time, the ring of full frames, and the change to decoding everything."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from shared_kernel.messages import CameraReason, FrameCaptured
from stream_service.capture import Sampling, capture
from stream_service.gate import Attention, Gate
from stream_service.ports import FullFrame, Packet
from stream_service.ring import FrameRing
from stream_service.rules import CameraFailed
from tests.unit.stream_service.doubles import SyntheticFrame, packet


class CountingDecoder:
    """Gives a frame for every `every`-th packet until `decode_all`."""

    def __init__(self, every: int = 1) -> None:
        self.every = every
        self.decoded = 0
        self.all = False

    def decode(self, coded: Packet) -> list[FullFrame]:
        self.decoded += 1
        if not self.every or (self.decoded % self.every and not self.all):
            return []
        return [SyntheticFrame(coded.arrived_s, arrived_s=coded.arrived_s, width=1920, height=1080)]

    def decode_alone(self, coded: Packet) -> list[FullFrame]:
        return self.decode(coded)

    def decode_all(self) -> None:
        self.all = True


def every() -> Gate:
    """Let everything through."""
    return Gate("all", 5.0, Attention())


def ring() -> FrameRing:
    return FrameRing(seconds=1e9, megabytes=1000)


def sampled(times: list[float], fps: float = 5.0, decoder: CountingDecoder | None = None, **how: bool) -> list[float]:
    """Arrival times of the sampled frames, from those of the packets; seconds."""
    packets = [packet(number, at_s=at_s) for number, at_s in enumerate(times)]
    found = capture(
        packets, decoder or CountingDecoder(), ring(), Sampling("cam", "stream-1", fps, 640), every(), **how
    )
    return [
        round((one.captured_at.timestamp() - SyntheticFrame(0).arrived_at.timestamp()), 3)
        for one in found
        if isinstance(one, FrameCaptured)
    ]


def test_sampling_keeps_the_rate_whatever_the_camera_sends() -> None:
    assert sampled([n / 25 for n in range(1000, 1050)]) == [pytest.approx(40 + n / 5) for n in range(10)]
    assert len(sampled([1 + n / 30 for n in range(300)])) == pytest.approx(50, abs=2)
    assert len(sampled([1 + n / 7 for n in range(70)])) == pytest.approx(50, abs=3)
    assert len(sampled([1 + n / 2 for n in range(20)])) == 20


def test_a_burst_after_a_pause_is_one_sample() -> None:
    assert len(sampled([1.0, 1.2, 9.0, 9.001, 9.002, 9.003])) == 3


def test_frames_are_small_jpegs_of_the_same_shape() -> None:
    (one,) = [
        one for one in capture([packet()], CountingDecoder(), ring(), Sampling("cam", "s", 5, 640), every()) if one
    ]
    assert (one.width, one.height) == (1920, 1080)
    picture = cv2.imdecode(np.frombuffer(one.jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (360, 640, 3)


def test_sequence_numbers_rise_over_restarts() -> None:
    first = list(capture([packet(0), packet(9)], CountingDecoder(), ring(), Sampling("cam", "s", 5, 640), every()))
    second = list(capture([packet(0)], CountingDecoder(), ring(), Sampling("cam", "s", 5, 640), every()))
    numbers = [one.seq for one in first + second if one]
    assert numbers == sorted(set(numbers))


def test_ticks_pass_through() -> None:
    assert list(capture([None, None], CountingDecoder(), ring(), Sampling("cam", "s", 5, 640), every())) == [None, None]


def test_everything_is_decoded_when_the_references_alone_are_too_few() -> None:
    sparse, dense = CountingDecoder(every=10), CountingDecoder(every=3)
    assert len(sampled([1 + n / 25 for n in range(250)], decoder=sparse)) > 40
    sampled([1 + n / 25 for n in range(250)], decoder=dense)
    assert sparse.all
    assert not dense.all


def test_pictures_that_stand_alone_are_decoded_only_when_due() -> None:
    decoder = CountingDecoder()
    assert len(sampled([1 + n / 25 for n in range(250)], decoder=decoder, intra=True)) == decoder.decoded
    assert decoder.decoded == pytest.approx(50, abs=1)


def test_packets_that_never_become_pictures_are_damaged_data() -> None:
    def packets() -> Iterator[Packet]:
        for number in range(1000):
            yield packet(number)

    with pytest.raises(CameraFailed) as caught:
        list(capture(packets(), CountingDecoder(every=0), ring(), Sampling("cam", "s", 5, 640), every()))
    assert caught.value.reason is CameraReason.INVALID_DATA


def test_the_ring_gives_a_frame_once_and_keeps_the_newest() -> None:
    frames, frame = ring(), SyntheticFrame()
    frames.put("a", frame)
    frames.show(frame)
    assert frames.take("a") is frame
    assert frames.take("a") is None
    assert frames.newest() is frame
    frames.show(None)
    assert frames.newest() is None
    assert frames.skipped == 0


def test_the_ring_is_bound_in_time_and_counts_what_was_never_analysed() -> None:
    frames = FrameRing(seconds=4, megabytes=1000)
    frames.put("old", SyntheticFrame(arrived_s=time.monotonic() - 10))
    frames.put("new", SyntheticFrame(arrived_s=time.monotonic()))
    assert frames.take("old") is None
    assert frames.take("new") is not None
    assert frames.skipped == 1


def test_the_ring_is_bound_in_memory() -> None:
    frames = FrameRing(seconds=1e9, megabytes=16)
    for number in range(100):
        frames.put(str(number), SyntheticFrame(width=1920, height=1080))
    kept = [number for number in range(100) if frames.take(str(number)) is not None]
    assert kept == [95, 96, 97, 98, 99]
    assert frames.skipped == 95
