"""One container format of one encoding, muxed once while anybody has it open."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from stream_service.live.endings import Ending
from stream_service.live.hls import Pieces
from stream_service.live.viewer import Viewer
from stream_service.ports import Fragment, Muxer, Packet

#: Fragmented MP4 (WebSocket and HLS), and FLV over HTTP.
Format = Literal["mp4", "flv"]


class Branch:
    """Not thread safe: its channel locks."""

    def __init__(self, muxer: Muxer, group: Iterable[Packet]) -> None:
        """Begin with the packets since the last key frame.

        Raises:
            CameraFailed: they cannot be muxed.
        """
        self._muxer = muxer
        self.header = muxer.header
        self.group: list[Fragment] = []
        self.viewers: set[Viewer] = set()
        self.pieces: Pieces | None = None
        for packet in group:
            self.feed(packet)

    @property
    def idle(self) -> bool:
        return not self.viewers and (self.pieces is None or not self.pieces.wanted)

    def feed(self, packet: Packet) -> None:
        """The next packet.

        Raises:
            CameraFailed: it cannot be muxed.
        """
        fragment = self._muxer.mux(packet)
        if fragment is None:
            return
        if fragment.key:
            self.group = [fragment]
        elif self.group:  # empty when it grew too large: then new viewers wait for the next key frame
            self.group.append(fragment)
        for viewer in self.viewers:
            viewer.give(fragment.data)
        if self.pieces is not None:
            self.pieces.add(fragment)

    def cut_into_pieces(self) -> Pieces:
        """From now on also keep HLS pieces."""
        if self.pieces is None:
            self.pieces = Pieces(self.header)
            for fragment in self.group:
                self.pieces.add(fragment)
        return self.pieces

    def close(self, ending: Ending) -> None:
        for viewer in self.viewers:
            viewer.close(ending)
        if self.pieces is not None:
            self.pieces.close(ending)
        self._muxer.close()
