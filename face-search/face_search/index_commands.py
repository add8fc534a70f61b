"""What the command line does with the index of vectors: compare, make again, embed with another model, let one go.

Vectors reach the index by the worker's `syncing` alone, so a rebuild marks what has to move and follows it; without a
running stack it happens at the next start.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from face_search import indexing
from face_search.adapters.milvus import MilvusIndex
from face_search.adapters.store import Store
from face_search.indexing import Difference, Embedder
from face_search.models.card import find_card
from shared_kernel.blobs import Blobs
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Unavailable

#: How often a rebuild is looked at, seconds.
_LOOK_EVERY_S: Final = 0.3

#: Told how many are done, and of how many; 0: nobody knows.
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class IndexDesk:
    """Where the truth and its cache are.

    Attributes:
        database_url: SQL.
        blobs_url: has the upright faces.
        milvus_url: of the running stack; None: it does not run.
        weights_dir: folder with the fetched networks.
        models_dir: folder with own embedding models.
    """

    database_url: str
    blobs_url: str
    milvus_url: str | None
    weights_dir: Path
    models_dir: Path

    def verify(self, model: str | None = None) -> dict[str, Difference]:
        """How the index differs from SQL, by model: of one, or of all that are not retired.

        Raises:
            NotFound: there is no such model.
            Unavailable: the index or the database is away.
        """
        if self.milvus_url is None:
            raise Unavailable("face index", "the stack does not run")
        index = MilvusIndex(self.milvus_url)
        try:
            with self._database() as database:
                return {one: indexing.compare(database, index, one) for one in self._models(database, model)}
        finally:
            index.close()

    def rebuild(self, model: str | None, progress: Progress) -> int:
        """Put every vector into the index once more, searches going on meanwhile; give how many moved.

        A model that is named and has none yet gets vectors of all stored faces first.

        Raises:
            ArtifactError: the model is unknown, or its network is missing.
            Unavailable: a part is away; call again.
        """
        with self._database() as database:
            if model is not None:
                self._embed(database, model, progress)
            models = self._models(database, model)
            marked = sum(indexing.rebuild(database, one) for one in models)
            while self.milvus_url is not None:
                with database.read() as store:
                    waiting = sum(store.vectors.waiting(one) for one in models)
                progress(max(0, marked - waiting), marked)
                if not waiting:
                    break
                time.sleep(_LOOK_EVERY_S)
            return marked

    def retire(self, model: str) -> int:
        """Have all vectors of a model go, from the index and from SQL; give how many.

        Raises:
            NotFound: there is no such model.
        """
        with self._database() as database:
            return indexing.retire(database, model)

    def _embed(self, database: Database[Store], model: str, progress: Progress) -> None:
        from face_search.read_faces import open_reader

        card, folder = find_card(model, self.models_dir)
        reader = open_reader(self.weights_dir, card=card, folder=folder)
        embedder = Embedder(database, Blobs.open(self.blobs_url), reader)
        embedder.run(threading.Event(), lambda done: progress(done, 0))

    def _models(self, database: Database[Store], model: str | None) -> list[str]:
        with database.read() as store:
            known = [row.model for row in store.vectors.models() if row.state != "retired"]
        if model is None:
            return known
        if model not in known:
            there = ", ".join(known) or "none"
            raise NotFound(f"model {model}: expected one that has vectors here ({there})", code="no_model")
        return [model]

    @contextmanager
    def _database(self) -> Iterator[Database[Store]]:
        database = Database(self.database_url, Store)
        try:
            yield database
        finally:
            database.close()
