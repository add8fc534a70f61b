"""What the story of this service needs from the outside, as protocols, and the plain values that pass through them.

`bootstrap` alone knows what stands behind each.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from shared_kernel.messages import Message, PassObserved
from stream_service.cells import Cells
from stream_service.opening import Transport
from stream_service.rules import DecodeMode, Footage
from stream_service.zones import Polygon, Zone

#: Ticks per second of every packet's `pts` and `dts`.
CLOCK_HZ = 90_000

#: A picture: height x width x 3, uint8, blue-green-red.
Picture = NDArray[np.uint8]
#: A grey picture: height x width, uint8.
Luma = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class StreamInfo:
    """What a camera said about its video before the first packet. Sizes may be 0 and `fps` None: not known yet.

    `transport` is that of RTSP; other sources have none to choose.
    """

    codec: str
    width: int
    height: int
    fps: float | None
    extradata: bytes
    transport: Transport | None = None


@dataclass(frozen=True, slots=True)
class Packet:
    """One coded picture. H.264 is always in Annex B form, with its parameter sets before each keyframe.

    `dts` rises strictly within a connection, whatever the camera's clock does; both count in 1/CLOCK_HZ.
    `arrived_at` is the wall clock, `arrived_s` the monotonic clock of the moment the packet was read.
    """

    data: bytes
    pts: int
    dts: int
    key: bool
    arrived_at: datetime
    arrived_s: float


class Feed(Protocol):
    """One connection to one camera. `open` and `packets` may block for long; `close` is called by any thread."""

    def open(self) -> StreamInfo:
        """Connect.

        Raises:
            CameraFailed: with the reason.
        """
        ...

    def packets(self) -> Iterator[Packet]:
        """Packets until the peer ends or `close` is called.

        Raises:
            CameraFailed: with the reason; also when the peer closes in the middle.
        """
        ...

    def close(self) -> None:
        """Ask `packets` to end soon. Frees nothing that `open` or `packets` still use."""
        ...


class Tap(Protocol):
    """Listens to a camera's packets beside the live hub. Called by the reading thread, so it must be quick."""

    def begin(self, info: StreamInfo) -> None:
        """A connection opened; its packets follow."""
        ...

    def feed(self, packet: Packet) -> None:
        """The next packet."""
        ...

    def end(self) -> None:
        """The connection is gone, for now or for good."""
        ...


class FullFrame(Protocol):
    """A decoded picture at full resolution, kept in the decoder's own form until somebody needs pixels."""

    width: int
    height: int
    arrived_at: datetime
    arrived_s: float

    def small_jpeg(self, side: int, quality: int = 85) -> bytes:
        """JPEG with a long side of at most `side`; never enlarged."""
        ...

    def luma(self, x0: int, y0: int, x1: int, y1: int) -> Luma:
        """The brightness of a region in pixels; a view, valid as long as the frame."""
        ...

    def cells(self) -> Cells:
        """The brightness in cells; computed once and kept."""
        ...

    def pixels(self) -> Picture:
        """All pixels; converted once and kept."""
        ...


class Decoder(Protocol):
    """Packets of one connection become frames. Damaged packets give none."""

    def decode(self, packet: Packet) -> list[FullFrame]: ...

    def decode_alone(self, packet: Packet) -> list[FullFrame]:
        """Give the picture of a key frame at once; what was decoded before is forgotten, so a key frame comes next."""
        ...

    def decode_all(self) -> None:
        """From now on also decode pictures that no other picture refers to."""
        ...


class Fragment(NamedTuple):
    """What came of one packet in a container. `begins` is its `dts`, `arrived_at` when it was read."""

    data: bytes
    key: bool
    begins: int
    arrived_at: datetime


class Muxer(Protocol):
    """Packets of H.264 become a container, once for all viewers."""

    header: bytes

    def mux(self, packet: Packet) -> Fragment | None:
        """What is ready now; in MP4 the packet *before* this one, whose duration is known only now.

        Raises:
            CameraFailed: the packet is damaged.
        """
        ...

    def close(self) -> None: ...


class Transcoder(Protocol):
    """Packets of any codec become H.264 in Annex B form, with key frames where the source has them."""

    def feed(self, packet: Packet, *, show: bool = True) -> list[Packet]:
        """What came of the next packet; without `show` it is decoded only, to catch up."""
        ...

    def flush(self) -> list[Packet]:
        """The last pictures; ends the work."""
        ...


class Publisher(Protocol):
    """The part of the bus that sends."""

    def publish(self, message: Message, *, route: str | None = None) -> str:
        """Send one message.

        Raises:
            Unavailable: the bus is away.
        """
        ...

    def publish_held(self, message: Message, *, kind: str, thing: str, fence: int) -> bool:
        """Send a lossy message about a leased thing; False when `fence` is not that of its lease any more.

        Raises:
            Unavailable: the bus is away.
        """
        ...


class Objects(Protocol):
    """The part of object storage that keeps evidence."""

    def put(self, key: str, data: bytes, *, content_type: str = ...) -> None:
        """Store.

        Raises:
            Unavailable: the store is away.
        """
        ...


class Progress(NamedTuple):
    """How an open pass goes on: what its closing will say if this process dies now."""

    pass_id: str
    last_seen_at: datetime
    frames: int


class Outgoing(Protocol):
    """Where passes go: durable when `accept` returns."""

    def accept(self, message: PassObserved, pictures: Mapping[str, bytes]) -> None:
        """Keep the message and the JPEG files (by object key) that it points to.

        Raises:
            Unavailable: the spool cannot be written; nothing was accepted.
        """
        ...

    def remember(self, open_passes: Sequence[Progress]) -> None:
        """Note how the open passes go on, for the case of a crash. All of them; cheap, never fails."""
        ...


class Seen(NamedTuple):
    """Who looks at which camera."""

    user_id: str
    camera_id: str


#: How somebody sees a camera with privacy masks. Without masks both are the same.
Sight = Literal["masked", "unmasked"]


class Rights(Protocol):
    """Who may look at which camera, now."""

    def allowed(self, pairs: AbstractSet[Seen]) -> Mapping[Seen, Sight]:
        """Those of `pairs` that still may, and whether privacy masks hide something from them.

        Raises:
            Unavailable: nobody can say.
        """
        ...


@dataclass(frozen=True, slots=True)
class Window:
    """On these ISO weekdays (1 Monday to 7 Sunday) from one minute of the day to another, at most 1440.

    When the end is not after the beginning, it is on the day after.
    """

    days: tuple[int, ...]
    begins_min: int
    ends_min: int


#: When a camera works: in any of these, in the time zone of the installation.
Plan = tuple[Window, ...]


@dataclass(frozen=True, slots=True)
class CameraEntry:
    """A camera as its owner is told of it. `url` and `detect_url` have credentials: never logged or returned.

    `detect_url` is a second stream of the same picture, for the analysis only. `decode` and `analysed_fps` None: as
    the service is set; `plan` None: always; no `zones`: people count everywhere.
    """

    camera_id: str
    url: str
    enabled: bool
    detect_url: str | None = None
    decode: DecodeMode | None = None
    analysed_fps: float | None = None
    zones: tuple[Zone, ...] = ()
    privacy_masks: tuple[Polygon, ...] = ()
    plan: Plan | None = None
    footage: Footage = "clips"

    def __repr__(self) -> str:
        return f"CameraEntry(camera_id={self.camera_id!r}, enabled={self.enabled})"


class Directory(Protocol):
    """The list of cameras of this installation."""

    def cameras(self) -> list[CameraEntry]:
        """All of them.

        Raises:
            Unavailable: the list cannot be read now.
        """
        ...


@dataclass(frozen=True, slots=True)
class WantedFrames:
    """Somebody wants a frame of this camera every `every_s` seconds; `frames` 0: until it is stopped.

    `side` is the long side of the pictures at most, pixels; None: as they come.
    """

    batch_id: str
    camera_id: str
    every_s: float
    frames: int
    side: int | None
    started_at: datetime


class WantedList(Protocol):
    """Which cameras are archived."""

    def wanted_frames(self) -> list[WantedFrames]:
        """All batches that run and were not stopped.

        Raises:
            Unavailable: the list cannot be read now.
        """
        ...
