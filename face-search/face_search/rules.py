"""What holds whatever the database, the index or the web. Pure values, no I/O."""

from __future__ import annotations

from typing import Final

#: Name of this service on the bus, in metrics and logs.
SERVICE: Final = "face-search"
