"""Live view of one camera: its packets, muxed once into fragmented MP4, fanned out to any number of viewers.

Fed by the reading thread of `pull`; `app` sends what viewers get. A viewer that joins receives the header and all
fragments since the last keyframe, so it shows a picture at once. A slow viewer is closed, never waited for. Muxing
costs about 8 microseconds a picture (docs/design/0005-streams.md), so it always runs: no viewer waits for a start.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraReason
from stream_service.h264 import is_playable, mime, parameter_sets, sps_of
from stream_service.ports import Muxer, Packet, Seen
from stream_service.rules import CameraFailed

log = get_logger(__name__)

#: WebSocket close codes of this service.
TICKET, WITHDRAWN, NO_CAMERA, NOT_PLAYABLE, RESTART, SLOW = 4401, 4403, 4404, 4415, 1012, 1013

#: A viewer that has this many fragments waiting is too slow (five seconds at 25 per second).
MAX_WAITING_FRAGMENTS: Final = 125
#: Fragments since the last keyframe that are kept for new viewers, bytes; beyond it they wait for the next keyframe.
MAX_GROUP_BYTES: Final = 24 * 1024 * 1024


@dataclass(frozen=True)
class Ending:
    """Why a viewer was closed: WebSocket code, a stable reason, and plain words."""

    code: int
    reason: str
    detail: str


class Viewer:
    """One open live view. The hub puts fragments in, one web thread takes them out."""

    def __init__(self, seen: Seen, mime_type: str, header: bytes, group: list[bytes]) -> None:
        self.seen = seen
        self.mime = mime_type
        self.header = header
        self._waiting: deque[bytes] = deque(group)
        self._limit = len(group) + MAX_WAITING_FRAGMENTS
        self._changed = threading.Condition()
        self._ending: Ending | None = None

    def give(self, fragment: bytes) -> None:
        with self._changed:
            if len(self._waiting) >= self._limit:
                detail = "the connection is too slow for this stream"
                self._ending = self._ending or Ending(SLOW, "slow", detail)
            else:
                self._waiting.append(fragment)
            self._changed.notify()

    def close(self, ending: Ending) -> None:
        """End it soon; the first reason stays."""
        with self._changed:
            self._ending = self._ending or ending
            self._changed.notify()

    @property
    def ending(self) -> Ending | None:
        return self._ending

    def take(self, timeout_s: float) -> bytes | None:
        """All fragments that wait, joined; b"" after `timeout_s` without any, None when the view has ended."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting or self._ending, timeout_s)
            if self._ending:
                return None
            taken = b"".join(self._waiting)
            self._waiting.clear()
            self._limit = MAX_WAITING_FRAGMENTS
            return taken


class LiveHub:
    """The viewers of one camera. Thread safe."""

    def __init__(self, camera_id: str, make_muxer: Callable[[bytes], Muxer]) -> None:
        self._camera_id = camera_id
        self._make_muxer = make_muxer
        self._changed = threading.Condition()
        self._viewers: set[Viewer] = set()
        self._muxer: Muxer | None = None
        self._sps: bytes | None = None
        self._group: list[bytes] = []
        self._group_bytes = 0
        self._group_whole = False
        self._previous_was_key = False
        self._refused: Ending | None = None

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    def watchers(self) -> list[Viewer]:
        with self._changed:
            return list(self._viewers)

    def begin(self, codec: str) -> None:
        """A connection opened. Codecs that browsers cannot play are refused with a reason."""
        with self._changed:
            self._reset(Ending(RESTART, "restart", "the camera connected again"))
            if codec != "h264":
                self._refuse(f"browsers do not play {codec}; choose H.264 in the camera or use its second stream")
            self._changed.notify_all()

    def feed(self, packet: Packet) -> None:
        """The next packet. Called by the reading thread."""
        with self._changed:
            if self._refused is not None:
                return
            if packet.key:
                self._look_at(packet)
            if self._muxer is None:
                return
            fragment = self._muxer.mux(packet)
            was_key, self._previous_was_key = self._previous_was_key, packet.key
            if fragment:
                self._keep(fragment, starts_group=was_key)
                for viewer in self._viewers:
                    viewer.give(fragment)

    def end(self, reason: str, detail: str) -> None:
        """The connection is gone: viewers are closed and may come again."""
        with self._changed:
            self._reset(Ending(RESTART, reason, detail))

    def join(self, seen: Seen, timeout_s: float) -> Viewer | Ending:
        """A new viewer; or why there can be none, after `timeout_s` at the latest."""
        with self._changed:
            self._changed.wait_for(lambda: self._refused or self._can_start(), timeout_s)
            if self._refused is not None:
                return self._refused
            if not self._can_start() or self._muxer is None or self._sps is None:
                return Ending(RESTART, "no_picture", "the camera gives no picture now")
            viewer = Viewer(seen, mime(self._sps), self._muxer.header, self._group)
            self._viewers.add(viewer)
            return viewer

    def leave(self, viewer: Viewer) -> None:
        with self._changed:
            self._viewers.discard(viewer)

    def _can_start(self) -> bool:
        return self._muxer is not None and self._group_whole

    def _look_at(self, keyframe: Packet) -> None:
        """A new muxer when the stream begins or its parameters (resolution, profile) changed."""
        sps = sps_of(parameter_sets(keyframe.data))
        if sps is None or sps == self._sps:
            return
        if self._sps is not None:
            self._reset(Ending(RESTART, "changed", "the camera changed its picture format"))
        if not is_playable(sps):
            self._refuse(f"browsers do not play this H.264 profile ({sps[1]}); choose high, main or baseline")
            return
        try:
            self._muxer = self._make_muxer(keyframe.data)
        except CameraFailed as error:  # a damaged keyframe; the next one is tried
            log.warning("stream not muxed", extra=fields(camera_id=self._camera_id, reason=error.detail))
            return
        self._sps = sps

    def _keep(self, fragment: bytes, *, starts_group: bool) -> None:
        if starts_group:
            self._group, self._group_bytes, self._group_whole = [], 0, True
            self._changed.notify_all()
        if not self._group_whole:
            return
        self._group.append(fragment)
        self._group_bytes += len(fragment)
        if self._group_bytes > MAX_GROUP_BYTES:
            self._group, self._group_bytes, self._group_whole = [], 0, False

    def _refuse(self, detail: str) -> None:
        self._refused = Ending(NOT_PLAYABLE, CameraReason.UNSUPPORTED_CODEC, detail)

    def _reset(self, ending: Ending) -> None:
        for viewer in self._viewers:
            viewer.close(ending)
        self._viewers.clear()
        if self._muxer is not None:
            self._muxer.close()
        self._muxer, self._sps, self._refused = None, None, None
        self._group, self._group_bytes, self._group_whole = [], 0, False
        self._previous_was_key = False
