"""Opaque page cursors: where the next page begins. They hold no secret, but nothing else than we made is accepted."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from datetime import UTC, datetime

from shared_kernel.clock import EPOCH, MILLISECOND, unix_ms
from shared_kernel.errors import Invalid
from shared_kernel.wire import is_ulid

_FORM = struct.Struct(">q26s")
_SCORE_FORM = struct.Struct(">d27s")
#: The largest time that a datetime can hold, milliseconds since 1970.
_MAX_MS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND


def moment_cursor(at: datetime, row_id: str) -> str:
    """Cursor of a list ordered by time and id."""
    return _text(unix_ms(at), row_id)


def read_moment_cursor(text: str) -> tuple[datetime, str]:
    """(time, id) of a cursor made by `moment_cursor`.

    Raises:
        Invalid: it was not.
    """
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        milliseconds, raw_id = _FORM.unpack(packed)
        row_id = raw_id.decode()
    except (binascii.Error, struct.error, ValueError) as error:
        raise _refused() from error
    if not 0 <= milliseconds <= _MAX_MS or not is_ulid(row_id) or _text(milliseconds, row_id) != text:
        raise _refused()
    return EPOCH + milliseconds * MILLISECOND, row_id


def _text(milliseconds: int, row_id: str) -> str:
    return base64.urlsafe_b64encode(_FORM.pack(milliseconds, row_id.encode())).decode().rstrip("=")


def id_cursor(row_id: str) -> str:
    """Cursor of a list ordered by id."""
    return base64.urlsafe_b64encode(row_id.encode()).decode().rstrip("=")


def read_id_cursor(text: str) -> str:
    """The id of a cursor made by `id_cursor`.

    Raises:
        Invalid: it was not.
    """
    try:
        row_id = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True).decode("ascii")
    except (binascii.Error, ValueError) as error:
        raise _refused() from error
    if not is_ulid(row_id) or id_cursor(row_id) != text:
        raise _refused()
    return row_id


def score_cursor(score: float, row_id: str) -> str:
    """Cursor of a list ordered by score and id; the last byte keeps it apart from one by time."""
    return base64.urlsafe_b64encode(_SCORE_FORM.pack(score, row_id.encode() + b"s")).decode().rstrip("=")


def read_score_cursor(text: str) -> tuple[float, str]:
    """(score, id) of a cursor made by `score_cursor`.

    Raises:
        Invalid: it was not.
    """
    try:
        score, packed = _SCORE_FORM.unpack(
            base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        )
        row_id = packed.decode("ascii").removesuffix("s")
    except (binascii.Error, struct.error, ValueError) as error:
        raise _refused() from error
    if not math.isfinite(score) or not is_ulid(row_id) or score_cursor(score, row_id) != text:
        raise _refused()
    return score, row_id


def _refused() -> Invalid:
    return Invalid.field("after", "expected the `next` of an earlier page")
