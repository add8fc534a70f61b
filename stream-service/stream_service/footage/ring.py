"""The last seconds of one camera's packets, from a key frame on: what a clip has from before the pass."""

from __future__ import annotations

from collections import deque
from datetime import datetime

from stream_service.ports import Packet


class PacketRing:
    """Bounded in time and memory; drops whole groups, so that it always begins with a key frame. Not thread safe."""

    def __init__(self, *, seconds: float, megabytes: int) -> None:
        self._seconds = seconds
        self._max_bytes = megabytes * 1024 * 1024
        self._groups: deque[list[Packet]] = deque()
        self._bytes = 0

    def add(self, packet: Packet) -> None:
        """Keep it; packets before the first key frame are worth nothing."""
        if packet.key:
            self._groups.append([])
        if not self._groups:
            return
        self._groups[-1].append(packet)
        self._bytes += len(packet.data)
        # a group may go when the next one alone reaches back far enough
        while len(self._groups) > 1 and self._groups[1][0].arrived_s <= packet.arrived_s - self._seconds:
            self._drop()
        while self._groups and self._bytes > self._max_bytes:
            self._drop()

    def since(self, moment: datetime) -> list[Packet]:
        """Packets from the last key frame at or before `moment` on; all of them when it was before the first."""
        first = 0
        for place, group in enumerate(self._groups):
            if group[0].arrived_at <= moment:
                first = place
        return [packet for group in list(self._groups)[first:] for packet in group]

    def clear(self) -> None:
        self._groups.clear()
        self._bytes = 0

    def _drop(self) -> None:
        self._bytes -= sum(len(packet.data) for packet in self._groups.popleft())
