"""The parts that one process is made of; `bootstrap` makes them, the resources use them."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.database import Database
from miniprogram_api.feed import Feed
from miniprogram_api.passwords import Passwords
from miniprogram_api.settings import Settings
from shared_kernel.archive import Archive
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus


@dataclass(frozen=True)
class Parts:
    """Everything a request handler may need."""

    settings: Settings
    database: Database
    bus: Bus
    blobs: Blobs
    archive: Archive
    cipher: AddressCipher
    passwords: Passwords
    feed: Feed
    stream_service: httpx.Client

    def close(self) -> None:
        """End threads and connections."""
        self.feed.close()
        self.archive.stop()
        self.stream_service.close()
        self.bus.close()
        self.database.close()
