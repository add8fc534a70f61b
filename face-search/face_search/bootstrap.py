"""The composition root: the only place that knows which parts a process is made of."""

from __future__ import annotations

from collections.abc import Callable

from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.parts import Parts
from face_search.ports import FaceReader, VectorIndex
from face_search.settings import Settings
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.database import Database
from shared_kernel.door import Door, HttpUsers, Users
from shared_kernel.vision.ports import Decoder


def assemble(
    settings: Settings,
    *,
    reader: FaceReader,
    thresholds: Limits,
    index: VectorIndex,
    decoder: Decoder,
    users: Users | None = None,
    close: Callable[[], None] = lambda: None,
) -> Parts:
    """All parts of a process around those that look at pictures. Nothing connects yet.

    Args:
        settings: of this process.
        reader: see `Parts`.
        thresholds: see `Parts`.
        index: see `Parts`.
        decoder: see `Parts`.
        users: who knows users and rights; miniprogram-api when None.
        close: ends what the given parts hold.
    """
    token = settings.service_token.get_secret_value()
    api = HttpUsers(settings.api_url, token)

    def close_all() -> None:
        close()
        api.close()

    return Parts(
        settings=settings,
        database=Database(settings.database_url.get_secret_value(), Store),
        bus=Bus(settings.redis_url),
        blobs=Blobs.open(settings.blobs_url),
        index=index,
        reader=reader,
        thresholds=thresholds,
        decoder=decoder,
        door=Door(users or api, token),
        close_all=close_all,
    )
