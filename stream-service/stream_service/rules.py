"""Which addresses a camera may have, how they are shown, and why a camera gives no picture. Pure.

An address is typed by an administrator and opened by this service, from inside the site's network: so link-local and
metadata addresses are refused, files are read only below the configured folders, and credentials are never shown.
"""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal
from urllib.parse import unquote, urlsplit

from shared_kernel.errors import XunshiError
from shared_kernel.messages import CameraReason

NETWORK_SCHEMES: Final = frozenset({"rtsp", "rtsps", "http", "https", "rtmp", "rtmps"})
FILE_SCHEME: Final = "file"
#: Longer addresses are refused, characters.
MAX_ADDRESS_CHARS: Final = 2000

#: A camera that sent nothing for this long is frozen, seconds.
FROZEN_AFTER_S: Final = 5.0
#: A camera must have sent its first packet this long after the start, seconds.
OPEN_TIMEOUT_S: Final = 10.0
#: Packets that give no picture for this long: the data is damaged, seconds.
BLIND_AFTER_S: Final = 10.0
#: Reconnecting begins with this pause and doubles it up to the cap, seconds.
FIRST_PAUSE_S: Final = 0.5
MAX_PAUSE_S: Final = 30.0
#: A connection that held this long starts the pauses from the beginning, seconds.
STEADY_AFTER_S: Final = 20.0

#: What of a camera is decoded: everything; key frames while nothing moves; never more than key frames.
DecodeMode = Literal["all", "adaptive", "keyframes"]

#: What is kept of a camera's video: nothing; seconds around an alerting pass; everything.
Footage = Literal["off", "clips", "continuous"]

#: Gives the IP addresses of a host name and port, as text; none when it has none.
Resolve = Callable[[str, int], set[str]]

#: Cloud metadata and host agents that are not link-local.
_METADATA: Final = frozenset(
    ipaddress.ip_address(text) for text in ("100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")


class CameraFailed(XunshiError):
    """A camera gives no picture: `reason` is stable, `detail` is for people and has no credentials."""

    def __init__(self, reason: CameraReason, detail: str) -> None:
        super().__init__(detail)
        self.reason = reason
        self.detail = detail


def redacted(url: str) -> str:
    """`url` for logs and screens: scheme, host, port and path; user, password and query are gone."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "(not an address)"
    if not parts.scheme:
        return "(not an address)"
    if ":" in host:
        host = f"[{host}]"
    path = parts.path if "@" not in parts.path else "/…"  # an unescaped / in a password moves it into the path
    return f"{parts.scheme}://{host}{f':{port}' if port else ''}{path}{'?…' if parts.query else ''}"


def checked_address(url: str, file_roots: Sequence[Path], resolve: Resolve) -> str:
    """What may be opened for `url`: the address itself, or the real path of a file.

    Raises:
        CameraFailed: it may not be opened, the host has no address, or the file is not there.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise CameraFailed(CameraReason.BLOCKED_ADDRESS, "address: expected scheme://host/path") from error
    if len(url) > MAX_ADDRESS_CHARS or any(char < " " or char == "\x7f" for char in url):
        raise CameraFailed(
            CameraReason.BLOCKED_ADDRESS, f"address: expected at most {MAX_ADDRESS_CHARS} printable characters"
        )
    if parts.scheme == FILE_SCHEME:
        return str(_file_below(unquote(parts.path), file_roots))
    if parts.scheme not in NETWORK_SCHEMES:
        allowed = ", ".join(sorted(NETWORK_SCHEMES | {FILE_SCHEME}))
        raise CameraFailed(
            CameraReason.BLOCKED_ADDRESS, f"address: expected one of {allowed}, got {parts.scheme or 'no scheme'}"
        )
    if not host:
        raise CameraFailed(CameraReason.BLOCKED_ADDRESS, "address: expected a host, got none")
    addresses = resolve(host, port or 0)
    if not addresses:
        raise CameraFailed(CameraReason.NOT_FOUND, f"host {host}: has no address")
    for address in sorted(addresses):
        if is_blocked(address):
            raise CameraFailed(
                CameraReason.BLOCKED_ADDRESS, f"address: {host} leads to {address}, which cameras may not use"
            )
    return url


def is_blocked(address: str) -> bool:
    """Whether no camera can live there: link-local, metadata, multicast, unspecified and reserved addresses."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_blocked(str(inner))
    loopback = ip.is_loopback  # ::1 also counts as reserved
    return (
        ip in _METADATA or ip.is_link_local or ip.is_multicast or ip.is_unspecified or (ip.is_reserved and not loopback)
    )


def _file_below(path: str, roots: Sequence[Path]) -> Path:
    """The real path of a file below one of `roots`. Outside of them nothing is said about what exists."""
    if "\x00" in path:
        raise CameraFailed(CameraReason.FILE_OUTSIDE, "file: expected a path without NUL")
    real = Path(path).resolve()
    if not path.startswith("/") or not any(real.is_relative_to(root.resolve()) for root in roots):
        raise CameraFailed(CameraReason.FILE_OUTSIDE, "file: expected one in a folder that cameras may read")
    if not real.is_file():
        raise CameraFailed(CameraReason.FILE_MISSING, f"file {real.name}: not there")
    return real


def pause_s(failures: int) -> float:
    """How long to wait before connection attempt number `failures` + 1: capped, exponential, jittered by half."""
    longest: float = min(MAX_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(failures - 1, 16))
    return longest * random.uniform(0.5, 1.0)
