"""What holds whatever the database, the index or the web. Pure values, no I/O."""

from __future__ import annotations

from datetime import datetime
from typing import Final

#: Name of this service on the bus, in metrics and logs.
SERVICE: Final = "face-search"

#: Folder of the photos of patrols in object storage.
PHOTOS: Final = "patrol-photos"


def photo_key(taken_at: datetime, photo_id: str) -> str:
    """Where a patrol photo lies. Told from what a sighting knows: who erases the face erases the photo."""
    return f"{PHOTOS}/{taken_at:%Y/%m/%d}/{photo_id}"
