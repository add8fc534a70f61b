"""What is good about a stream and what is worth a word: codec, size, rates, key frames, clock. Pure; for `examine`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from statistics import median
from typing import Final

from stream_service.capture import INTRA_CODECS
from stream_service.doctor import advice
from stream_service.doctor.advice import Remark, Words
from stream_service.h264 import is_playable, parameter_sets, sps_of
from stream_service.opening import Opening
from stream_service.ports import FullFrame, Packet, StreamInfo

#: Measuring takes this long, and up to `LONGEST_S` while key frames are waited for, seconds.
MEASURE_S: Final = 2.5
LONGEST_S: Final = 8.0
#: So many key frames after the first tell their interval.
_KEYS: Final = 2
_LONG_INTERVAL_S: Final = 4.0
_SLOW_FPS: Final = 5.0
_FEWER_SHARE: Final = 0.6
_LARGE_PIXELS: Final = 2560 * 1440
_SMALL_WIDTH: Final = 480
_WRONG_CLOCK_S: Final = 60.0
#: The first packets of a connection often have no time.
_MISSING_TIMES: Final = 5
_CODECS: Final = {"h264": "H.264", "hevc": "H.265", "mjpeg": "MJPEG", "mpeg4": "MPEG-4", "av1": "AV1"}
_PROFILES: Final = {66: "Baseline", 77: "Main", 88: "Extended", 100: "High", 110: "High 10", 122: "High 4:2:2"}


@dataclass
class Seen:
    """What came of the stream: `arrivals` (monotonic), `times` and `keys` (its own) in seconds, `data` in bytes."""

    info: StreamInfo | None = None
    packets: int = 0
    first: FullFrame | None = None
    arrivals: list[float] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    keys: list[float] = field(default_factory=list)
    data: int = 0
    key: Packet | None = None
    sizes: set[tuple[int, int]] = field(default_factory=set)

    @property
    def passed_s(self) -> float:
        return self.arrivals[-1] - self.arrivals[0] if self.arrivals else 0.0

    @property
    def shown_s(self) -> float:
        return max(self.passed_s, self.times[-1] - self.times[0]) if self.times else 0.0

    def picture(self, frames: Sequence[FullFrame]) -> None:
        """Take what a packet became."""
        if frames and self.first is None:
            self.first = frames[0]
        self.sizes.update((frame.width, frame.height) for frame in frames)

    def enough(self, *, intra: bool) -> bool:
        """Whether rate and key frames can be told."""
        return self.passed_s >= LONGEST_S or (self.passed_s >= MEASURE_S and (intra or len(self.keys) > _KEYS))


def same(text: str) -> Words:
    return Words(text, text)


def codec(name_of: str, key: Packet | None) -> tuple[Words, Remark | None]:
    name = _CODECS.get(name_of, name_of.upper())
    if name_of != "h264":
        return same(name), advice.H265 if name_of == "hevc" else advice.OTHER_CODEC
    sps = sps_of(parameter_sets(key.data)) if key else None
    profile = _PROFILES.get(sps[1], f"profile {sps[1]}") if sps else ""
    return same(f"{name} {profile}".strip()), None if plays(name_of, key) else advice.ODD_PROFILE


def plays(codec: str, key: Packet | None) -> bool:
    sps = sps_of(parameter_sets(key.data)) if codec == "h264" and key else None
    return sps is not None and is_playable(sps)


def size(frame: FullFrame) -> tuple[Words, Remark | None]:
    remark = None
    if frame.width * frame.height > _LARGE_PIXELS:
        remark = advice.LARGE
    elif frame.width < _SMALL_WIDTH:
        remark = advice.SMALL
    return same(f"{frame.width} × {frame.height}"), remark


def pictures_a_second(seen: Seen) -> float | None:
    """Pictures a second, None when they are few. The first come in a burst: then the camera's own times count."""
    return round((len(seen.times) - 1) / seen.shown_s, 1) if seen.shown_s > 0 and len(seen.times) > _KEYS else None


def kbit_s(seen: Seen) -> int | None:
    return round(seen.data * 8 / seen.shown_s / 1000) if seen.shown_s > 0 else None


def rate(seen: Seen) -> tuple[Words, Remark | None]:
    fps, bits_k = pictures_a_second(seen), kbit_s(seen)
    if fps is None or bits_k is None:
        return Words("画面太少，无法判断", "too few pictures to tell"), advice.SLOW
    said = seen.info.fps if seen.info else None
    remark = None
    if len(seen.sizes) > 1:
        remark = advice.CHANGING
    elif said and fps < said * _FEWER_SHARE:
        remark = advice.FEWER
    elif fps < _SLOW_FPS:
        remark = advice.SLOW
    bits = f"{bits_k / 1000:.1f} Mbit/s" if bits_k >= 1000 else f"{bits_k} kbit/s"  # noqa: PLR2004 - a unit
    return Words(f"{fps:g} 帧/秒，{bits}", f"{fps:g} a second, {bits}"), remark


def key_interval_s(seen: Seen) -> float | None:
    """The usual time between key frames, seconds; None when only one came."""
    gaps = [after - before for before, after in pairwise(seen.keys)]
    return round(median(gaps), 2) if gaps else None


def key_interval(seen: Seen) -> tuple[Words, Remark | None]:
    if seen.info is not None and seen.info.codec in INTRA_CODECS:
        return Words("每帧都是关键帧", "every picture is one"), None
    interval_s = key_interval_s(seen)
    if interval_s is None:
        return Words(f"超过 {seen.passed_s:.0f} 秒", f"more than {seen.passed_s:.0f} s"), advice.RARE_KEYS
    remark = advice.RARE_KEYS if interval_s > _LONG_INTERVAL_S else None
    return Words(f"{interval_s:g} 秒", f"{interval_s:g} s"), remark


def clock(opening: Opening) -> tuple[Words, Remark | None]:
    times = opening.times
    faults = times.missing + times.backward + times.jumps
    jumping = times.backward + times.jumps > 0 or times.missing > _MISSING_TIMES
    steady = Words("时间戳正常", "times of pictures are in order")
    if jumping:
        steady = Words(f"{faults} 个时间戳无效", f"{faults} times of pictures were of no use")
    if opening.server_time is None:
        return steady, advice.JUMPING_CLOCK if jumping else None
    then = datetime.now(UTC).timestamp() - (time.monotonic() - opening.server_time_s)
    aware = opening.server_time if opening.server_time.tzinfo else opening.server_time.replace(tzinfo=UTC)
    ahead_s = aware.timestamp() - then
    if abs(ahead_s) <= _WRONG_CLOCK_S:
        return steady, advice.JUMPING_CLOCK if jumping else None
    span = _span(abs(ahead_s))
    zh, en = ("快", "ahead") if ahead_s > 0 else ("慢", "behind")
    return Words(f"摄像头时间{zh} {span.zh}；{steady.zh}", f"camera {span.en} {en}; {steady.en}"), advice.WRONG_CLOCK


def _span(seconds: float) -> Words:
    for size_s, zh, en in ((86_400, "天", "days"), (3600, "小时", "h"), (60, "分钟", "min")):
        if seconds >= size_s:
            return Words(f"{seconds / size_s:.1f} {zh}", f"{seconds / size_s:.1f} {en}")
    return Words(f"{seconds:.0f} 秒", f"{seconds:.0f} s")
