"""An HLS stream as one file for libav: the pieces one after the other, as `playlist` names them.

Every entry of every playlist is checked like the address that was typed: `Fetching` knows no other way.
"""

from __future__ import annotations

import contextlib
import io
import threading
import time
from collections import deque
from typing import Final

from shared_kernel.messages import CameraReason
from stream_service.adapters.http_body import Fetching, HttpBody, read_whole
from stream_service.playlist import MAX_PLAYLIST_BYTES, Part, Piece, Playlist, best_variant, read_playlist
from stream_service.rules import CameraFailed

#: A live stream begins so many pieces before the end, as players do: fewer would run dry.
_BEHIND_PIECES: Final = 3
#: One playlist or the beginning of one piece may take so long, seconds.
_FETCH_S: Final = 8.0
#: A list that has nothing new for so many pieces' time has ended.
_STALE_PIECES: Final = 3


class HlsBody(io.RawIOBase):
    """See above. Raises CameraFailed from `read`."""

    def __init__(self, text: bytes, url: str, fetching: Fetching, closing: threading.Event) -> None:
        """Begin with the playlist `text` that came from `url`."""
        super().__init__()
        self.name = url
        self._fetching, self._closing = fetching, closing
        self._url = url
        self._ended, self._target_s = False, 0.0
        playlist = read_playlist(text.decode("utf-8", "replace"), url)
        if playlist.variants:
            self._url = best_variant(playlist).url
            playlist = self._load()
        self._waiting: deque[Piece] = deque()
        self._next_number = 0
        self._take(playlist, first=True)
        self._current: HttpBody | None = None
        self._left: int | None = None
        self._header: Part | None = None
        self._fresh_s = self._loaded_s = time.monotonic()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def read(self, size: int = -1) -> bytes:
        while not self._closing.is_set():
            if self._current is not None:
                wanted = size if size > 0 else 65536
                data = self._current.read(wanted if self._left is None else min(wanted, self._left))
                if data:
                    self._left = None if self._left is None else self._left - len(data)
                    return data
                self._current.close()
                self._current = None
            if not self._begin_next():
                return b""
        return b""

    def close(self) -> None:
        if getattr(self, "_current", None) is not None and self._current is not None:
            self._current.close()
        super().close()

    def _begin_next(self) -> bool:
        """Open the next piece, waiting for it where the list is alive; False at the end."""
        while not self._waiting:
            if self._ended or time.monotonic() - self._fresh_s > _STALE_PIECES * self._target_s + _FETCH_S:
                return False
            pause_s = self._loaded_s + min(self._target_s, _FETCH_S) / 2 - time.monotonic()
            if self._closing.wait(max(0.05, pause_s)):
                return False
            self._take(self._load(), first=False)
        piece = self._waiting[0]
        if piece.header is not None and piece.header != self._header:
            if self._header is not None:  # another camera setting: begin anew, as after a lost connection
                raise CameraFailed(CameraReason.CLOSED, "camera: begins another stream")
            self._header = piece.header
            self._open(piece.header)
        else:
            self._waiting.popleft()
            self._open(piece.part)
        return True

    def _open(self, part: Part) -> None:
        until_s = time.monotonic() + _FETCH_S
        self._current = HttpBody(part, self._fetching, until_s)
        self._left = part.length

    def _load(self) -> Playlist:
        self._loaded_s = time.monotonic()
        data, where = read_whole(self._url, self._fetching, self._loaded_s + _FETCH_S, MAX_PLAYLIST_BYTES)
        playlist = read_playlist(data.decode("utf-8", "replace"), where)
        if playlist.variants:
            raise CameraFailed(CameraReason.INVALID_DATA, "playlist: expected pieces, got variants again")
        return playlist

    def _take(self, playlist: Playlist, *, first: bool) -> None:
        self._ended, self._target_s = playlist.ended, playlist.target_s
        pieces = playlist.pieces
        if first:
            if not pieces and playlist.ended:
                raise CameraFailed(CameraReason.INVALID_DATA, "playlist: expected pieces, got none")
            new = pieces if playlist.ended else pieces[-_BEHIND_PIECES:]
        else:
            numbers = [piece.number for piece in pieces]
            began_again = bool(numbers) and numbers[-1] < self._next_number - len(numbers) - _BEHIND_PIECES
            new = pieces if began_again else tuple(one for one in pieces if one.number >= self._next_number)
        if new:
            self._fresh_s = time.monotonic()
            self._waiting.extend(new)
            self._next_number = new[-1].number + 1


def close_quietly(body: io.RawIOBase | None) -> None:
    """Close what libav no longer reads."""
    if body is not None:
        with contextlib.suppress(OSError, CameraFailed):
            body.close()
