"""The composition root: the only place that knows which parts a process is made of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

from face_search.adapters.milvus import MilvusIndex
from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.metrics import PrometheusDecoderTally
from face_search.models.card import Card, find_card
from face_search.on_demand import DecoderOnDemand, ReaderOnDemand
from face_search.parts import Parts
from face_search.ports import FaceReader, VectorIndex
from face_search.settings import Settings
from face_search.weights import FACE_LANDMARKS
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.database import Database
from shared_kernel.door import Door, HttpUsers, Users
from shared_kernel.errors import ArtifactError
from shared_kernel.vision.decoding import Decoders
from shared_kernel.vision.ports import Decoder

#: Children that decode strangers' pictures, in each process; where web and worker are one, for each of them.
_DECODERS: Final = 1


def make_parts(settings: Settings) -> Parts:
    """All parts of a process. Nothing connects and no network is loaded yet.

    Raises:
        ArtifactError: the embedding model is unknown, or a network of it is missing.
    """
    card, folder = find_card(settings.model, settings.models_dir)
    index = MilvusIndex(
        settings.milvus_url,
        token=settings.milvus_token.get_secret_value(),
        database=settings.milvus_database,
        index_type=settings.index_type,
    )
    decoder = decoder_on_demand()

    def close() -> None:
        decoder.close()
        index.close()

    return assemble(
        settings,
        reader=ReaderOnDemand(card.name, card.dimension, _opener(settings, card, folder)),
        thresholds=card.thresholds,
        index=index,
        decoder=decoder,
        close=close,
    )


def decoder_on_demand() -> DecoderOnDemand:
    """What decodes strangers' files; its child is started with the first of them."""
    return DecoderOnDemand(lambda: Decoders(_DECODERS, PrometheusDecoderTally()))


def _opener(settings: Settings, card: Card, folder: Path | None) -> Callable[[], FaceReader]:
    """What loads the networks later. Whether they are there is asked now.

    Raises:
        ArtifactError: one is missing.
    """
    for path in (settings.weights_dir / FACE_LANDMARKS, (folder or settings.weights_dir) / card.file):
        if not path.is_file():
            raise ArtifactError(f"{path.name}: expected it in {path.parent}; `xunshi models fetch` brings it")

    def load() -> FaceReader:
        from face_search.read_faces import open_reader

        return open_reader(
            settings.weights_dir, card=card, folder=folder, device=settings.device, threads=settings.threads
        )

    return load


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
