"""One encoding of a camera's video: the packets since the last key frame, and a branch for each format in use."""

from __future__ import annotations

import threading
from collections.abc import Callable

from shared_kernel.log import fields, get_logger
from stream_service.h264 import is_playable, mime, parameter_sets, sps_of
from stream_service.live.branch import Branch, Format
from stream_service.live.endings import NO_PICTURE, RESTART, Ending
from stream_service.live.hls import HlsSession, Pieces
from stream_service.live.viewer import Viewer
from stream_service.ports import Muxer, Packet, Seen
from stream_service.rules import CameraFailed

log = get_logger(__name__)

#: Makes a muxer for a format out of the first key frame.
MakeMuxer = Callable[[Format, bytes], Muxer]

#: Packets since the last key frame that are kept for new viewers, bytes; beyond it they wait for the next key frame.
MAX_GROUP_BYTES = 24 * 1024 * 1024


class Channel:
    """Thread safe. Packets come from one thread, viewers from many."""

    def __init__(self, camera_id: str, make_muxer: MakeMuxer) -> None:
        self._camera_id = camera_id
        self._make_muxer = make_muxer
        self._changed = threading.Condition()
        self._branches: dict[Format, Branch] = {}
        self._sps: bytes | None = None
        self._group: list[Packet] = []
        self._group_bytes = 0
        self._closed: Ending | None = None
        #: Somebody has watched it already.
        self.used = False

    @property
    def ready(self) -> bool:
        """Whether there is a key frame to begin with."""
        return bool(self._group)

    @property
    def unplayable(self) -> str | None:
        """Why browsers do not play this, or None. Known when `ready`."""
        if self._sps is None:
            return "it is no H.264"
        return None if is_playable(self._sps) else f"browsers do not play this H.264 profile ({self._sps[1]})"

    @property
    def idle(self) -> bool:
        with self._changed:
            return all(branch.idle for branch in self._branches.values())

    @property
    def group(self) -> list[Packet]:
        """The packets since the last key frame."""
        with self._changed:
            return list(self._group)

    def viewers(self) -> list[Viewer]:
        with self._changed:
            return [viewer for branch in self._branches.values() for viewer in branch.viewers]

    def sessions(self) -> list[HlsSession]:
        with self._changed:
            return [one for pieces in self._pieces() for one in pieces.sessions.values() if not one.over]

    def feed(self, packet: Packet) -> None:
        """The next packet."""
        with self._changed:
            if packet.key:
                self._begin_group(packet)
            self._keep(packet)
            for kind, branch in list(self._branches.items()):
                self._mux(kind, branch, packet)
            if packet.key:
                self._changed.notify_all()

    def join(self, kind: Format, seen: Seen, timeout_s: float) -> Viewer | Ending:
        """A new viewer; or why there can be none, after `timeout_s` at the latest."""
        with self._changed:
            branch = self._branch(kind, timeout_s)
            if isinstance(branch, Ending) or self._sps is None:
                return branch if isinstance(branch, Ending) else NO_PICTURE
            viewer = Viewer(seen, mime(self._sps), branch.header, [one.data for one in branch.group])
            branch.viewers.add(viewer)
            return viewer

    def leave(self, viewer: Viewer) -> None:
        with self._changed:
            for branch in self._branches.values():
                branch.viewers.discard(viewer)
            self._drop_idle()

    def open_session(self, seen: Seen, timeout_s: float, *, unmasked: bool) -> HlsSession | Ending:
        """A new HLS player; or why there can be none."""
        with self._changed:
            branch = self._branch("mp4", timeout_s)
            if isinstance(branch, Ending) or self._sps is None:
                return branch if isinstance(branch, Ending) else NO_PICTURE
            session = HlsSession(seen, mime(self._sps), unmasked=unmasked)
            branch.cut_into_pieces().sessions[session.name] = session
            return session

    def pieces_of(self, name: str, timeout_s: float) -> Pieces | Ending | None:
        """The pieces that a session may fetch, when the first is there; None when there is no such session."""
        with self._changed:
            found = next((pieces for pieces in self._pieces() if name in pieces.sessions), None)
            if found is None:
                return None
            session = found.sessions[name]
            session.fetched()
            self._changed.wait_for(lambda: found.ready or session.ending, timeout_s)
            return session.ending or (found if found.ready else NO_PICTURE)

    def close(self, ending: Ending) -> None:
        """Close all views and forget the packets. The next key frame begins anew."""
        with self._changed:
            for branch in self._branches.values():
                branch.close(ending)
            self._branches.clear()
            self._sps, self._group, self._group_bytes = None, [], 0
            self._changed.notify_all()

    def refuse(self, ending: Ending) -> None:
        """Like `close`, for good."""
        with self._changed:
            self._closed = ending
            self.close(ending)

    def _branch(self, kind: Format, timeout_s: float) -> Branch | Ending:
        self._changed.wait_for(lambda: self._group or self._closed, timeout_s)
        if self._closed is not None or not self._group:
            return self._closed or NO_PICTURE
        found = self._branches.get(kind)
        if found is None:
            try:
                found = Branch(self._make_muxer(kind, self._group[0].data), self._group)
            except CameraFailed as error:  # a damaged key frame; the next one is tried
                log.warning("stream not muxed", extra=fields(camera_id=self._camera_id, reason=error.detail))
                return NO_PICTURE
            self._branches[kind] = found
        self.used = True
        return found

    def _begin_group(self, keyframe: Packet) -> None:
        sps = sps_of(parameter_sets(keyframe.data))
        if sps is not None and sps != self._sps:
            if self._sps is not None:
                self.close(Ending(RESTART, "changed", "the camera changed its picture format"))
            self._sps = sps
        self._group, self._group_bytes = [], 0
        for pieces in self._pieces():
            pieces.forget_old_sessions()
        self._drop_idle()

    def _keep(self, packet: Packet) -> None:
        if not packet.key and not self._group:
            return
        self._group.append(packet)
        self._group_bytes += len(packet.data)
        if self._group_bytes > MAX_GROUP_BYTES:
            self._group, self._group_bytes = [], 0
            for branch in self._branches.values():
                branch.group = []

    def _mux(self, kind: Format, branch: Branch, packet: Packet) -> None:
        try:
            branch.feed(packet)
        except CameraFailed as error:
            log.warning("stream not muxed", extra=fields(camera_id=self._camera_id, reason=error.detail))
            branch.close(Ending(RESTART, "damaged", "the camera sent a damaged picture"))
            del self._branches[kind]

    def _pieces(self) -> list[Pieces]:
        return [branch.pieces for branch in self._branches.values() if branch.pieces is not None]

    def _drop_idle(self) -> None:
        for kind, branch in list(self._branches.items()):
            if branch.idle:
                branch.close(NO_PICTURE)
                del self._branches[kind]
