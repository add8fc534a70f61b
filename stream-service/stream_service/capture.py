"""Step 1 of 4. Packets of one camera in, FrameCaptured (small JPEG inside) out; full frames wait in the ring.

Before it: `pull`, which reads the camera. After it: inference-service, whose FrameAnalysed meets `follow` (step 3).
Only what `gate` lets through is decoded and analysed; pictures that nothing refers to are not even decoded while the
others are frequent enough.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count

from shared_kernel.messages import CameraReason, FrameCaptured, new_id
from stream_service.gate import Gate
from stream_service.ports import Decoder, FullFrame, Packet
from stream_service.ring import FrameRing
from stream_service.rules import BLIND_AFTER_S, CameraFailed, DecodeMode

#: How long pictures and packets are counted before deciding whether all must be decoded, seconds.
_JUDGE_S = 2.0
#: When everything is decoded, at least this share of the packets becomes pictures; otherwise the data is damaged.
_MIN_PICTURE_SHARE = 0.25
#: A picture that comes early by this share of a sampling step is taken: packets jitter, the average stays.
_EARLY_SHARE = 0.1
#: Codecs whose pictures all stand alone: only the sampled ones are decoded.
INTRA_CODECS = frozenset({"mjpeg", "png", "jpeg2000"})


@dataclass
class Sampling:
    """Which frames of one camera are analysed, and how.

    `seq` begins at the time in microseconds, so that it rises over reconnects, changed addresses and restarts.
    """

    camera_id: str
    owner: str
    fps: float
    side: int
    mode: DecodeMode = "adaptive"
    seq: Iterator[int] = field(default_factory=lambda: count(time.time_ns() // 1000))


class _Grid:
    """Says which moments are due: `fps` per second on average, without a burst after a pause."""

    def __init__(self, fps: float) -> None:
        self._step_s = 1.0 / fps
        self._due_s = 0.0

    def is_due(self, at_s: float) -> bool:
        return at_s >= self._due_s - self._step_s * _EARLY_SHARE

    def mark(self, at_s: float) -> None:
        behind = at_s - self._due_s >= self._step_s
        self._due_s = (at_s if behind else self._due_s) + self._step_s


def capture(
    packets: Iterable[Packet | None],
    decoder: Decoder,
    ring: FrameRing,
    sampling: Sampling,
    gate: Gate,
    *,
    intra: bool = False,
) -> Iterator[FrameCaptured | None]:
    """Decode, sample, scale.

    Args:
        packets: As they arrive; None now and then when nothing does, and passed on as None.
        decoder: Of this connection.
        ring: Gets every sampled frame, and the newest one.
        sampling: How often, how large.
        gate: Chooses the packets that are decoded and the pictures that are analysed.
        intra: All pictures of the codec stand alone.

    Raises:
        CameraFailed: there were packets for `BLIND_AFTER_S` and hardly any became a picture.
    """
    grid, judge = _Grid(sampling.fps), _Judge(sampling.fps)
    for packet in packets:
        if packet is None:
            yield None
            continue
        if intra and not grid.is_due(packet.arrived_s):
            continue
        was_awake = gate.awake
        chosen = gate.admit(packet)
        if gate.awake != was_awake:
            judge.begin_again()
        for one in chosen:
            frames = decoder.decode_alone(one) if gate.alone else decoder.decode(one)
            judge.count(one.arrived_s, len(frames), decoder)
            for frame in frames:
                ring.show(frame)
                if grid.is_due(frame.arrived_s):
                    grid.mark(frame.arrived_s)
                    if gate.wants(frame):
                        yield _captured(frame, ring, sampling)


def _captured(frame: FullFrame, ring: FrameRing, sampling: Sampling) -> FrameCaptured:
    message = FrameCaptured(
        frame_id=new_id(),
        camera_id=sampling.camera_id,
        owner=sampling.owner,
        seq=next(sampling.seq),
        captured_at=frame.arrived_at,
        width=frame.width,
        height=frame.height,
        jpeg=frame.small_jpeg(sampling.side),
    )
    ring.put(message.frame_id, frame)
    return message


class _Judge:
    """Watches how many packets become pictures.

    Decoding only the pictures that others refer to is cheaper; it ends when that gives too few of them. If even then
    most packets become nothing, the data is damaged.
    """

    def __init__(self, fps: float) -> None:
        self._wanted_fps = fps
        self._began_s: float | None = None
        self._packets = self._frames = 0
        self._all = False

    def begin_again(self) -> None:
        """Other packets are decoded from now on: what was counted says nothing of them."""
        self._began_s, self._packets, self._frames = None, 0, 0

    def count(self, at_s: float, frames: int, decoder: Decoder) -> None:
        self._began_s = at_s if self._began_s is None else self._began_s
        self._packets, self._frames = self._packets + 1, self._frames + frames
        passed_s = at_s - self._began_s
        if passed_s < (BLIND_AFTER_S if self._all else _JUDGE_S):
            return
        if self._all and self._frames < self._packets * _MIN_PICTURE_SHARE:
            raise CameraFailed(CameraReason.INVALID_DATA, "camera: sends data that does not become pictures")
        if not self._all and self._frames < self._wanted_fps * passed_s and self._packets > self._frames + 1:
            decoder.decode_all()
            self._all = True
        self._began_s, self._packets, self._frames = at_s, 0, 0
