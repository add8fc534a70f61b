"""What `pyav_camera` gives libav for an address: a pinned address, a file, a device, or bytes that are fetched here.

Every way out of the machine begins in this module, and each is checked: names once, redirects and playlist entries too.
"""

from __future__ import annotations

import io
import threading
import time
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from stream_service.adapters.hls_body import HlsBody
from stream_service.adapters.http_body import Fetching, HttpBody, read_rest
from stream_service.adapters.rtsp_talk import described
from stream_service.adapters.sockets import connected, is_own, resolved
from stream_service.addresses import (
    DEVICE_SCHEME,
    FILE_SCHEME,
    Reach,
    Target,
    checked_target,
    credentials,
    with_address,
)
from stream_service.opening import Opening, Stage
from stream_service.playlist import MAX_PLAYLIST_BYTES, Part
from stream_service.rules import FROZEN_AFTER_S, OPEN_TIMEOUT_S

#: libav looks this long and this far into a stream for what the header did not say.
_ANALYSE: Final = {"analyzeduration": "200000", "probesize": "500000", "fpsprobesize": "0"}
#: libav gives up this much later than our own watchdog, seconds: the watchdog names the reason, libav frees the thread.
LATER_S: Final = 3.0
_SOCKET_TIMEOUT_US: Final = str(int((OPEN_TIMEOUT_S + LATER_S) * 1_000_000))
_FORMATS: Final = "mov,mp4,matroska,webm,avi,flv,mpegts,mpeg,h264,hevc,mpjpeg,mjpeg"
#: Which transport is asked for, `rtsp_transport` decides; packets of UDP must come from the camera itself.
_RTSP: Final = {
    "rtsp_flags": "filter_src",
    "allowed_media_types": "video",
    "format_whitelist": "rtsp,sdp,rtp",
    "timeout": _SOCKET_TIMEOUT_US,
}
_OPTIONS: Final[dict[str, dict[str, str]]] = {
    "rtsp": {**_RTSP, "protocol_whitelist": "rtp,tcp,udp"},
    "rtsps": {**_RTSP, "protocol_whitelist": "rtp,tcp,tls,crypto,udp"},
    "rtmp": {"protocol_whitelist": "rtmp,tcp", "format_whitelist": "flv", "rtmp_live": "live"},
    "rtmps": {"protocol_whitelist": "rtmps,tls,tcp,crypto", "format_whitelist": "flv", "rtmp_live": "live"},
    "file": {"protocol_whitelist": "file", "format_whitelist": _FORMATS},
    "bytes": {"protocol_whitelist": "", "format_whitelist": _FORMATS},
    "v4l2": {"protocol_whitelist": "file", "input_format": "mjpeg", "framerate": "25"},
}
_PLAYLISTS: Final = frozenset(
    {"application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl"}
)


@dataclass
class Source:
    """What `av.open` gets. `paced`: it comes faster than it is to be shown; `replays`: it begins again at its end.

    `is_rtsp`: it is asked for over one transport, then over another. `format` is named for video devices only.
    """

    file: str | io.RawIOBase
    format: str | None = None
    options: dict[str, str] = field(default_factory=dict)
    paced: bool = False
    replays: bool = False
    is_rtsp: bool = False


class Entrance:
    """Opens one address, once. `close` ends what is under way, from any thread."""

    def __init__(self, url: str, reach: Reach, opening: Opening) -> None:
        self._url, self._reach, self._opening = url, reach, opening
        self._closing = threading.Event()
        self._fetching = Fetching(url, self._checked, opening)

    def close(self) -> None:
        self._closing.set()
        self._fetching.close()

    def enter(self) -> Source:
        """Go as far as is needed to know where the stream is and that it lets us in.

        Raises:
            CameraFailed: with the reason.
        """
        opening, until_s = self._opening, time.monotonic() + OPEN_TIMEOUT_S - 1.0
        target = self._checked(self._url)
        opening.has_login = credentials(self._url) is not None
        opening.addresses, opening.kind = target.addresses, target.scheme.upper()
        opening.done(Stage.RESOLVE)
        if target.scheme in (FILE_SCHEME, DEVICE_SCHEME):
            replays = target.scheme == FILE_SCHEME
            device = "video4linux2,v4l2" if target.scheme == DEVICE_SCHEME else None
            return Source(target.path, device, {**_ANALYSE, **_OPTIONS[target.scheme]}, paced=replays, replays=replays)
        if target.scheme in ("http", "https"):
            return self._over_http(until_s)
        options = {**_ANALYSE, **_OPTIONS[target.scheme]}
        is_rtsp = target.scheme in ("rtsp", "rtsps")
        if is_rtsp:
            target, address = described(target, self._checked, opening, until_s)
        else:
            line, address = connected(target, until_s)
            line.close()
            opening.address = f"{address}:{target.port}"
            opening.done(Stage.CONNECT)
            options |= _tc_url(target)
        return Source(with_address(target, address), None, options, is_rtsp=is_rtsp)

    def _over_http(self, until_s: float) -> Source:
        body = HttpBody(Part(self._url), self._fetching, until_s)
        options = {**_ANALYSE, **_OPTIONS["bytes"]}
        path = urlsplit(body.name).path.lower()
        if body.content_type in _PLAYLISTS or path.endswith((".m3u8", ".m3u")):
            self._opening.kind = "HLS"
            text = read_rest(body, until_s, MAX_PLAYLIST_BYTES)
            body.close()
            pieces = HlsBody(text, body.name, self._fetching, self._closing)
            return Source(pieces, None, options, paced=True)
        # What it is, its first bytes tell better than its type: servers lie. With a size it is a file, not a stream.
        return Source(body, None, options, paced=body.size is not None)

    def _checked(self, url: str) -> Target:
        return checked_target(url, self._reach, resolved, is_own)


#: The same limits for reading as for opening; libav counts seconds.
TIMEOUTS_S: Final = (OPEN_TIMEOUT_S - 1.0, FROZEN_AFTER_S + LATER_S)


def _tc_url(target: Target) -> dict[str, str]:
    """RTMP servers tell their sites apart by the address that a client says: the typed one, not the pinned one."""
    words = [word for word in urlsplit(target.url).path.split("/") if word]
    app = "/".join(words[:2] if len(words) > 2 else words[:1])  # noqa: PLR2004 - as libav takes them apart
    host = f"[{target.host}]" if ":" in target.host else target.host
    return {"rtmp_tcurl": f"{target.scheme}://{host}:{target.port}/{app}"}
