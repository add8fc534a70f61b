"""FootageRecorded in, a row out: the story of step 4 for video. Beside `record`, which does the same for passes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from shared_kernel.clock import now
from shared_kernel.errors import Poison
from shared_kernel.messages import FootageRecorded
from shared_kernel.tables import Footage
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from miniprogram_api.adapters.store import Store

_MAX_KEY_CHARS: Final = 255
_MAX_MIME_CHARS: Final = 64


def record_footage(store: Store, message: FootageRecorded) -> None:
    """Make the row, once.

    Raises:
        Poison: it can never be a row.
    """
    checked_footage(message)
    row = Footage(footage_id=message.footage_id, camera_id=message.camera_id, kind=message.kind)
    row.pass_id, row.mime = message.pass_id, message.mime
    row.started_at, row.ended_at = message.started_at, message.ended_at
    row.object_key, row.boxes_key = message.key, message.boxes_key
    row.width, row.height, row.bytes = message.width, message.height, message.bytes
    row.created_at = now()
    store.footage.put(row)


def checked_footage(message: FootageRecorded) -> None:
    """Raises: Poison: values that no column can hold; SQLite would not notice all of them."""
    what = f"FootageRecorded {message.footage_id[:40]}"
    for name in ("footage_id", "camera_id", "pass_id"):
        value = getattr(message, name)
        if value is not None and not is_ulid(value):
            raise Poison(f"{what} {name}: expected a ULID, got {value[:40]!r}")
    for key in (message.key, message.boxes_key):
        if key is not None and not (key.isascii() and 0 < len(key) <= _MAX_KEY_CHARS):
            raise Poison(f"{what}: expected an object key of at most {_MAX_KEY_CHARS} ASCII characters")
    if not (message.mime.isascii() and len(message.mime) <= _MAX_MIME_CHARS):
        raise Poison(f"{what} mime: expected at most {_MAX_MIME_CHARS} ASCII characters")
    if message.ended_at <= message.started_at:
        raise Poison(f"{what}: expected an end after the beginning {message.started_at}, got {message.ended_at}")
