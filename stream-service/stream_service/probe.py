"""Tries one camera address for an administrator who adds a camera: the first picture, or the reason in plain words."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from shared_kernel.messages import CameraReason
from stream_service.h264 import is_playable, parameter_sets, sps_of
from stream_service.ports import Decoder, Feed, FullFrame, Packet, StreamInfo
from stream_service.pull import Pull
from stream_service.rules import CameraFailed

#: A probe takes no longer than this, seconds.
PROBE_S = 8.0
#: Packets of the beginning from which the frame rate is told when the camera does not say it.
_RATE_PACKETS = 12
SNAPSHOT_SIDE = 640


@dataclass(frozen=True)
class Probed:
    """What was found. `snapshot` is a JPEG."""

    codec: str
    width: int
    height: int
    fps: float | None
    playable: bool
    snapshot: bytes


def probe(feed: Feed, make_decoder: Callable[[StreamInfo], Decoder]) -> Probed:
    """Open, decode the first picture, close.

    Raises:
        CameraFailed: with the reason; also when it took longer than `PROBE_S`.
    """
    until_s = time.monotonic() + PROBE_S
    pull = Pull(feed, "probe", on_open=lambda _: None, on_packet=lambda _: None)
    decoder: Decoder | None = None
    frame: FullFrame | None = None
    packets: list[Packet] = []
    for packet in pull.watched(lambda: time.monotonic() > until_s):
        if packet is None or pull.info is None:
            continue
        packets.append(packet)
        decoder = decoder or make_decoder(pull.info)
        frame = frame or next(iter(decoder.decode(packet)), None)
        if frame and (pull.info.fps or len(packets) >= _RATE_PACKETS):
            break
    if pull.info is None or frame is None:
        raise CameraFailed(CameraReason.TIMEOUT, f"camera: gave no picture within {PROBE_S:g} s")
    return Probed(
        codec=pull.info.codec,
        width=frame.width,
        height=frame.height,
        fps=pull.info.fps or _rate(packets),
        playable=_is_playable(pull.info.codec, packets),
        snapshot=frame.small_jpeg(SNAPSHOT_SIDE, 80),
    )


def _is_playable(codec: str, packets: list[Packet]) -> bool:
    if codec != "h264":
        return False
    sps = next((sps for one in packets if one.key and (sps := sps_of(parameter_sets(one.data)))), None)
    return sps is not None and is_playable(sps)


def _rate(packets: list[Packet]) -> float | None:
    passed_s = packets[-1].arrived_s - packets[0].arrived_s
    return round((len(packets) - 1) / passed_s, 1) if len(packets) > 1 and passed_s > 0 else None
