"""HLS playlists (RFC 8216): what a server lists as the next pieces of its video. Pure; `adapters.hls_body` reads them.

Only what cameras use: variants, pieces with byte ranges, fragmented MP4. Encrypted pieces are refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin

from shared_kernel.messages import CameraReason
from stream_service.rules import CameraFailed

MAX_PLAYLIST_BYTES: Final = 512 * 1024
#: More would not be a list of the next pieces, but an attempt to keep us busy.
MAX_PIECES: Final = 5000
#: Of several sizes the largest with at most so many lines is taken: evidence wants pixels, decoding costs.
MAX_LINES: Final = 1080
_FIELD: Final = re.compile(r'([A-Z0-9-]+)=("[^"]*"|[^",]+)')
_DEFAULT_TARGET_S: Final = 6.0


@dataclass(frozen=True)
class Part:
    """A piece of a file on a server: all of it, or `length` bytes from `start`."""

    url: str
    start: int = 0
    length: int | None = None


@dataclass(frozen=True)
class Piece:
    """One segment. `header` must come before it in fragmented MP4."""

    number: int
    part: Part
    seconds: float
    header: Part | None = None


@dataclass(frozen=True)
class Variant:
    url: str
    bandwidth: int
    lines: int


@dataclass(frozen=True)
class Playlist:
    """Either `variants`, or `pieces`. `ended`: no more will come."""

    variants: tuple[Variant, ...] = ()
    pieces: tuple[Piece, ...] = ()
    target_s: float = _DEFAULT_TARGET_S
    ended: bool = False


def read_playlist(text: str, base_url: str) -> Playlist:
    """A playlist whose entries are relative to `base_url`.

    Raises:
        CameraFailed: it is none, is encrypted, or lists too much.
    """
    lines = [line.strip() for line in text.lstrip("\ufeff").splitlines() if line.strip()]
    if not lines or not lines[0].startswith("#EXTM3U"):
        raise CameraFailed(CameraReason.INVALID_DATA, "camera: sends no playlist where one should be")
    reader = _Reader(base_url)
    for line in lines[1:]:
        reader.take(line)
    if len(reader.pieces) > MAX_PIECES or len(reader.variants) > MAX_PIECES:
        raise CameraFailed(CameraReason.INVALID_DATA, f"playlist: expected at most {MAX_PIECES} entries")
    return Playlist(tuple(reader.variants), tuple(reader.pieces), reader.target_s, reader.ended)


def best_variant(playlist: Playlist) -> Variant:
    """The largest picture that is not too large; otherwise the one with the least data."""
    fitting = [one for one in playlist.variants if one.lines <= MAX_LINES]
    if fitting:
        return max(fitting, key=lambda one: (one.lines, one.bandwidth))
    return min(playlist.variants, key=lambda one: one.bandwidth)


class _Reader:
    """Takes line by line; a tag counts for the address that follows."""

    def __init__(self, base_url: str) -> None:
        self._base = base_url
        self.variants: list[Variant] = []
        self.pieces: list[Piece] = []
        self.target_s, self.ended = _DEFAULT_TARGET_S, False
        self._number = 0
        self._seconds: float | None = None
        self._range: str | None = None
        self._header: Part | None = None
        self._variant: dict[str, str] | None = None
        self._ends: dict[str, int] = {}

    def take(self, line: str) -> None:
        if not line.startswith("#"):
            self._address(line)
            return
        tag, _, value = line.partition(":")
        if tag == "#EXTINF":
            self._seconds = _number(value.partition(",")[0])
        elif tag == "#EXT-X-BYTERANGE":
            self._range = value
        elif tag == "#EXT-X-MAP":
            named = _fields(value)
            self._header = self._part(named.get("URI", ""), named.get("BYTERANGE"))
        elif tag == "#EXT-X-STREAM-INF":
            self._variant = _fields(value)
        elif tag == "#EXT-X-MEDIA-SEQUENCE":
            self._number = int(_number(value))
        elif tag == "#EXT-X-TARGETDURATION":
            self.target_s = _number(value) or _DEFAULT_TARGET_S
        elif tag == "#EXT-X-ENDLIST":
            self.ended = True
        elif tag == "#EXT-X-KEY" and _fields(value).get("METHOD", "NONE") != "NONE":
            raise CameraFailed(CameraReason.UNSUPPORTED_CODEC, "camera: encrypts its pieces, which is not read here")

    def _address(self, line: str) -> None:
        if self._variant is not None:
            _, _, lines = self._variant.get("RESOLUTION", "").partition("x")
            bandwidth = int(_number(self._variant.get("BANDWIDTH", "0")))
            self.variants.append(Variant(urljoin(self._base, line), bandwidth, int(_number(lines))))
            self._variant = None
        elif self._seconds is not None:
            self.pieces.append(Piece(self._number, self._part(line, self._range), self._seconds, self._header))
            self._number += 1
            self._seconds = self._range = None

    def _part(self, address: str, wanted: str | None) -> Part:
        url = urljoin(self._base, address)
        if wanted is None:
            return Part(url)
        length, _, start = wanted.partition("@")
        begin = int(_number(start)) if start else self._ends.get(url, 0)
        self._ends[url] = begin + int(_number(length))
        return Part(url, begin, int(_number(length)))


def _fields(text: str) -> dict[str, str]:
    return {name: value.strip('"') for name, value in _FIELD.findall(text)}


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0.0 <= value < float(2**53) else 0.0
