"""HLS: the fragments between key frames as pieces, a playlist of the newest ones, and who fetches them.

A ticket opens a session, whose unguessable name is in the addresses of playlist and pieces: they are fetched for hours,
a ticket lives for a minute. A session is closed like any view when its right is withdrawn.
"""

from __future__ import annotations

import math
import secrets
import time
from collections import deque
from typing import Final, NamedTuple

from stream_service.live.endings import Ending
from stream_service.ports import CLOCK_HZ, Fragment, Seen

#: A piece is at least this long, seconds; it ends where a key frame begins.
PIECE_S: Final = 1.0
#: Pieces in the playlist, and how many more are kept for players that are late.
LISTED_PIECES: Final = 5
KEPT_PIECES: Final = 8
#: Bytes of all kept pieces; beyond that the oldest go.
MAX_PIECES_BYTES: Final = 48 * 1024 * 1024
#: A session that fetched nothing for this long is over, seconds.
SESSION_S: Final = 20.0


class Piece(NamedTuple):
    """Some seconds of video that begin with a key frame."""

    number: int
    data: bytes
    begins_at: str
    seconds: float


class HlsSession:
    """One player; see `viewer.Watcher`, and `viewer.Viewer` for what `masked` and `converted` mean."""

    def __init__(self, seen: Seen, mime: str, *, unmasked: bool) -> None:
        self.seen, self.mime, self.unmasked = seen, mime, unmasked
        self.masked = self.converted = False
        self.name = secrets.token_urlsafe(24)
        self.ending: Ending | None = None
        self._fetched_s = time.monotonic()

    def close(self, ending: Ending) -> None:
        self.ending = self.ending or ending

    def fetched(self) -> None:
        self._fetched_s = time.monotonic()

    @property
    def over(self) -> bool:
        return self.ending is not None or time.monotonic() - self._fetched_s > SESSION_S


class Pieces:
    """The newest pieces of one branch, and its sessions. Not thread safe: the channel locks."""

    def __init__(self, header: bytes) -> None:
        self.header = header
        self.sessions: dict[str, HlsSession] = {}
        self._kept: deque[Piece] = deque()
        self._open: list[Fragment] = []
        self._open_bytes = 0
        self._next = 0
        self._longest_s = PIECE_S

    @property
    def wanted(self) -> bool:
        return any(not session.over for session in self.sessions.values())

    @property
    def ready(self) -> bool:
        return bool(self._kept)

    def add(self, fragment: Fragment) -> None:
        if not self._open and not fragment.key:
            return
        if fragment.key and self._open and fragment.begins - self._open[0].begins >= PIECE_S * CLOCK_HZ:
            self._cut(fragment.begins)
        self._open.append(fragment)
        self._open_bytes += len(fragment.data)
        if self._open_bytes > MAX_PIECES_BYTES:  # no key frame comes
            self._open, self._open_bytes = [], 0

    def close(self, ending: Ending) -> None:
        for session in self.sessions.values():
            session.close(ending)

    def forget_old_sessions(self) -> None:
        self.sessions = {name: one for name, one in self.sessions.items() if not one.over}

    def piece(self, number: int) -> bytes | None:
        return next((one.data for one in tuple(self._kept) if one.number == number), None)

    def playlist(self) -> str:
        """The media playlist, with addresses beside it."""
        listed = list(self._kept)[-LISTED_PIECES:]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            f"#EXT-X-TARGETDURATION:{math.ceil(self._longest_s)}",
            f"#EXT-X-MEDIA-SEQUENCE:{listed[0].number if listed else 0}",
            "#EXT-X-INDEPENDENT-SEGMENTS",
            '#EXT-X-MAP:URI="begin.mp4"',
        ]
        for one in listed:
            lines += [f"#EXT-X-PROGRAM-DATE-TIME:{one.begins_at}", f"#EXTINF:{one.seconds:.3f},", f"{one.number}.m4s"]
        return "\n".join(lines) + "\n"

    def _cut(self, ends: int) -> None:
        first = self._open[0]
        seconds = (ends - first.begins) / CLOCK_HZ
        begins_at = first.arrived_at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
        data = b"".join(fragment.data for fragment in self._open)
        self._kept.append(Piece(self._next, data, begins_at, seconds))
        self._next, self._longest_s = self._next + 1, max(self._longest_s, seconds)
        self._open, self._open_bytes = [], 0
        while len(self._kept) > 1 and (
            len(self._kept) > KEPT_PIECES or sum(len(one.data) for one in self._kept) > MAX_PIECES_BYTES
        ):
            self._kept.popleft()
