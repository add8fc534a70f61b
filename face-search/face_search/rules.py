"""What holds whatever the database, the index or the web. Pure values, no I/O."""

from __future__ import annotations

import re
from typing import Final

#: Name of this service on the bus, in metrics and logs.
SERVICE: Final = "face-search"

_ULID: Final = re.compile(r"[0-7][0-9A-HJKMNP-TV-Z]{25}")


def is_ulid(text: str) -> bool:
    """Tell whether a text can be an id. Nothing else ever becomes part of a filter."""
    return _ULID.fullmatch(text) is not None
