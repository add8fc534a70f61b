"""What holds whatever the database or the web: names, camera addresses, which report of a pass counts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from ipaddress import ip_network
from typing import Final
from urllib.parse import SplitResult, urlsplit

from shared_kernel.errors import Invalid, Poison
from shared_kernel.messages import MaskState, PassObserved
from shared_kernel.wire import is_ulid

ADDRESS_SCHEMES: Final = ("rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "file", "v4l2")
MAX_ADDRESS_CHARS: Final = 2048
#: Failed logins of one name within the window before it has to wait.
USER_FAILURES: Final = 5
#: The same for one network address: many people may share it.
ADDRESS_FAILURES: Final = 30
#: Failures older than this are forgotten, seconds.
THROTTLE_WINDOW_S: Final = 900
#: First and longest wait, seconds; it doubles with each further failure.
THROTTLE_FIRST_WAIT_S: Final = 30
THROTTLE_LONGEST_WAIT_S: Final = 900

_SECRET_IN_PATH: Final = re.compile(r"(?i)((?:pass(?:word|wd)?|pwd|token|secret|key|user(?:name)?)=)[^&/;_]*")
_USERNAME: Final = re.compile(r"[\w][\w.@-]{1,63}")


def plain_username(text: str) -> str:
    """The form in which names are stored and compared.

    Raises:
        Invalid: not 2 to 64 letters, digits, or . _ @ -
    """
    name = unicodedata.normalize("NFKC", text).strip().casefold()
    if not _USERNAME.fullmatch(name):
        raise Invalid.field("username", "expected 2 to 64 letters, digits or . _ @ -, beginning with a letter or digit")
    return name


def checked_address(url: str, field: str = "url") -> SplitResult:
    """The parts of a camera address, which the request calls `field`.

    Raises:
        Invalid: unknown scheme, no host, too long, blanks or control characters. Never repeats the address.
    """
    if len(url) > MAX_ADDRESS_CHARS:
        raise Invalid.field(field, f"expected at most {MAX_ADDRESS_CHARS} characters, got {len(url)}")
    if not url.isprintable() or any(char.isspace() for char in url):
        raise Invalid.field(field, "expected no blanks and no control characters")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid.field(field, "expected scheme://host[:port]/path") from error
    if parts.scheme not in ADDRESS_SCHEMES:
        expected = ", ".join(ADDRESS_SCHEMES)
        raise Invalid.field(field, f"expected one of the schemes {expected}, got {parts.scheme[:20] or 'none'}")
    if port == 0:
        raise Invalid.field(field, "expected a port from 1 to 65535, got 0")
    if parts.scheme in ("file", "v4l2"):
        if parts.hostname not in (None, "localhost") or not parts.path.startswith("/") or parts.path == "/":
            raise Invalid.field(field, f"expected {parts.scheme}:///folder/file")
    elif not parts.hostname:
        raise Invalid.field(field, "expected a host")
    return parts


def shown_address(url: str) -> str:
    """Scheme, host and path of a checked address for people: no user, no password, no query."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = f":{parts.port}" if parts.port else ""
    path = _SECRET_IN_PATH.sub(r"\1***", parts.path)
    return f"{parts.scheme}://{host}{port}{path}"[:512]


def hour_of(moment: datetime) -> datetime:
    """Begin of the hour in UTC."""
    return moment.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def minute_of(moment: datetime) -> datetime:
    """Begin of the minute in UTC."""
    return moment.astimezone(UTC).replace(second=0, microsecond=0)


def rank(*, closed: bool, last_seen_at: datetime, frames: int, confidence: float, state: str) -> tuple[object, ...]:
    """Orders the reports of one pass: the greatest is the truth, in whatever order they arrive."""
    return closed, last_seen_at, frames, confidence, state


def checked_pass(message: PassObserved) -> None:
    """Raises: Poison: ids or keys that no column can hold; SQLite would not notice."""
    for name, value in (("pass_id", message.pass_id), ("camera_id", message.camera_id)):
        if not is_ulid(value):
            raise Poison(f"PassObserved {name}: expected a ULID, got {value[:40]!r}")
    for evidence in (message.face, message.scene):
        if not evidence.key.isascii() or len(evidence.key) > 255:  # noqa: PLR2004 - length of the column
            raise Poison(f"PassObserved {message.pass_id}: expected an object key of at most 255 ASCII characters")


def throttle_wait_s(failures: int, allowed: int) -> int:
    """How long to wait after so many failures; 0 while below what is allowed."""
    if failures < allowed:
        return 0
    return min(THROTTLE_LONGEST_WAIT_S, THROTTLE_FIRST_WAIT_S << min(failures - allowed, 10))


def neighbourhood(address: str) -> str:
    """Whose failures count together: one IPv4 address, or the /64 that one IPv6 client can choose from."""
    if ":" not in address:
        return address
    return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))


def settled(ids: Iterable[int], position: int, gap_age_s: Mapping[int, float], *, patience_s: float) -> int:
    """How far one may read a log whose ids may become visible out of order.

    Args:
        ids: Visible ids above `position`, rising.
        position: Everything up to here is read.
        gap_age_s: For each id that follows missing ones: for how long that gap has been seen.
        patience_s: A gap older than this was rolled back.
    """
    for event_id in ids:
        if event_id != position + 1 and gap_age_s.get(event_id, 0.0) < patience_s:
            break
        position = event_id
    return position


ALL_STATES: Final = tuple(state.value for state in MaskState)
