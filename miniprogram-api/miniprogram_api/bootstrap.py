"""The composition root: the only place that knows which parts a process is made of."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.database import Database
from miniprogram_api.feed import HINT, POLL_S, Feed
from miniprogram_api.parts import Parts
from miniprogram_api.passwords import Passwords
from miniprogram_api.settings import Settings
from miniprogram_api.stream_doctor import stream_client
from shared_kernel.archive import Archive, Limits
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.disk import DiskGuard, disk_of
from shared_kernel.errors import Unavailable

#: A client that sends frames waits for them, so they are given up sooner than those of cameras, seconds.
UPLOAD_DEADLINE_S: Final = 15.0


def make_parts(settings: Settings) -> Parts:
    """All parts of a process. Nothing connects yet."""
    bus = Bus(settings.redis_url)
    database = Database(settings.database_url.get_secret_value(), after_events=lambda: hint_events(bus))
    blobs = Blobs.open(settings.blobs_url)
    guard = DiskGuard(settings.disk_reserve_percent / 100, lambda: disk_of(settings.blobs_url))
    return Parts(
        settings=settings,
        database=database,
        bus=bus,
        blobs=blobs,
        archive=Archive(blobs, Limits(deadline_s=UPLOAD_DEADLINE_S), has_room=guard.has_room),
        cipher=AddressCipher(settings.url_key.get_secret_value()),
        passwords=Passwords(),
        feed=Feed(database, lambda: _hints(bus), max_listeners=settings.max_event_streams),
        stream_service=stream_client(settings.stream_url),
    )


def hint_events(bus: Bus) -> None:
    """Wake the live feeds. Without Redis they find the event by themselves, a little later."""
    with contextlib.suppress(Unavailable):
        bus.hint(HINT)


def _hints(bus: Bus) -> Iterator[bool]:
    return bus.hints(HINT, block_s=POLL_S * 2)
