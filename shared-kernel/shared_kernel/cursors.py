"""Opaque page cursors: where the next page begins. They hold no secret, but nothing else than we made is accepted."""

from __future__ import annotations

import base64
import binascii
import struct
from datetime import UTC, datetime, timedelta

from shared_kernel.errors import Invalid
from shared_kernel.wire import is_ulid

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_FORM = struct.Struct(">q26s")
#: The largest time that a datetime can hold, milliseconds since 1970.
_MAX_MS = (datetime.max.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND


def moment_cursor(at: datetime, row_id: str) -> str:
    """Cursor of a list ordered by time and id."""
    return _text((at - _EPOCH) // _MILLISECOND, row_id)


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
    return _EPOCH + milliseconds * _MILLISECOND, row_id


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


def _refused() -> Invalid:
    return Invalid.field("after", "expected the `next` of an earlier page")
