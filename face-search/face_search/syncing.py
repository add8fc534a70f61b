"""The index follows SQL: what is pending goes in, what is to leave goes out, and both are compared from time to time.

Runs in the worker, in one process of a cluster at a time, because Milvus Lite wants one writer. A crash anywhere, and a
Milvus that forgot everything, heal here without a human. The states of a vector: `adapters.vectors`.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Final

from prometheus_client import Counter, Gauge

from face_search.adapters.store import Store
from face_search.indexing import heal
from face_search.ports import VectorIndex
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

#: Name of the lock that the one writer holds.
LOCK: Final = "face-index"
#: The lock outlives a holder that was killed by this much at most, seconds. Rarely does a round take longer; then two
#: write at once, which only a comparison with strange entries minds, and the next one makes it good.
LOCK_TTL_S: Final = 15.0
#: Pause when there is nothing to do, seconds: somebody who was just enrolled is recognised after this.
POLL_S: Final = 0.3
#: Vectors of one round.
BATCH: Final = 1_000
#: How often it is asked whether the collections are still there, and how often everything is compared, seconds.
ENSURE_EVERY_S: Final = 5.0
COMPARE_EVERY_S: Final = 3600.0
#: First and longest pause while a part is away, seconds.
_FIRST_PAUSE_S: Final = 0.2
_LONGEST_PAUSE_S: Final = 2.0

_moved = Counter("face_vectors_synced_total", "Vectors put into the index and taken out", ["direction"])
_waiting = Gauge("face_vectors_waiting", "Vectors that the index has not got or still has", ["model"])


class Syncer:
    """Keeps the index like SQL. Not thread safe.

    Args:
        database: the truth.
        index: the cache.
        model: whose vectors this process makes.
        dimension: of them.
        embedded: whether every stored face has been given a vector of that model, as far as it can be read.
    """

    def __init__(
        self,
        database: Database[Store],
        index: VectorIndex,
        model: str,
        dimension: int,
        *,
        embedded: Callable[[], bool] = lambda: True,
    ) -> None:
        self._database = database
        self._index = index
        self._model = model
        self._dimension = dimension
        self._embedded = embedded
        self._ensure_at: dict[str, float] = {}
        self._compare_at: dict[str, float] = {}
        #: Models whose collection was gone, and which serve again when it is full.
        self._refilled: set[str] = set()
        self._dropped: set[str] = set()

    def run(self, alone: Callable[[], AbstractContextManager[bool]], stop: threading.Event) -> None:
        """Sync until `stop`, while `alone` says that nobody else does."""
        pause_s = _FIRST_PAUSE_S
        while not stop.is_set():
            try:
                with alone() as mine:
                    moved = self.step() if mine else 0
                pause_s = _FIRST_PAUSE_S
            except Unavailable as error:
                log.warning("face index waits", extra=fields(part=error.part, reason=error.reason[:200]))
                self.distrust()
                stop.wait(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            if not moved:
                stop.wait(POLL_S)

    def distrust(self) -> None:
        """Compare everything at the next step: the index was away, who knows what it has."""
        self._ensure_at.clear()
        self._compare_at.clear()

    def step(self) -> int:
        """Do one round; give how many vectors were moved.

        Raises:
            Unavailable: a part is away; the next round goes on.
        """
        models = self._database.run(self._known)
        live = {model: about for model, about in models.items() if about[1] != "retired"}
        self._ensure(live)
        moved = 0
        for model in models:
            moved += self._take_out(model)
            if model in live:
                self._compare(model)
                moved += self._put_in(model)
        for model in models.keys() - live.keys() - self._dropped:
            self._drop(model)
        for model in live:
            self._serve(model, models[model][1])
        return moved

    def _known(self, store: Store) -> dict[str, tuple[int, str]]:
        """Dimension and state of every model."""
        store.vectors.know(self._model, self._dimension)
        return {row.model: (row.dimension, row.state) for row in store.vectors.models()}

    def _ensure(self, models: Mapping[str, tuple[int, str]]) -> None:
        """Make missing collections; what should be in them is put in again before anybody may search there."""
        for model, (dimension, state) in models.items():
            if time.monotonic() < self._ensure_at.get(model, 0.0):
                continue
            if state == "serving" and not self._index.has(model):
                self._begin_again(model)  # before there is an empty collection in which nobody can be found
            if self._index.ensure(model, dimension) and state == "serving":
                self._begin_again(model)
            self._ensure_at[model] = time.monotonic() + ENSURE_EVERY_S

    def _begin_again(self, model: str) -> None:
        self._refilled.add(model)
        waiting = self._database.run(partial(_closed, model=model))
        if waiting:
            log.warning("face index was empty: filling it", extra=fields(model=model, vectors=waiting))

    def _compare(self, model: str) -> None:
        if time.monotonic() >= self._compare_at.get(model, 0.0):
            heal(self._database, self._index, model)
            self._compare_at[model] = time.monotonic() + COMPARE_EVERY_S

    def _put_in(self, model: str) -> int:
        with self._database.read() as store:
            ids = store.vectors.pending(model, BATCH)
            entries = store.vectors.entries(ids)
        if not ids:
            return 0
        nobodys = [one for one in ids if one not in entries]
        if nobodys:
            self._database.run(lambda store: store.vectors.discard(nobodys))
        if not entries:
            return len(nobodys)
        self._index.upsert(model, list(entries.values()))
        settled = self._database.run(lambda store: store.vectors.settle(entries))
        _moved.labels("in").inc(settled)
        return settled + len(nobodys)

    def _take_out(self, model: str) -> int:
        with self._database.read() as store:
            ids = store.vectors.removing(model, BATCH)
        if not ids:
            return 0
        self._index.remove(model, ids)
        gone = self._database.run(lambda store: store.vectors.forget(ids))
        _moved.labels("out").inc(gone)
        return gone

    def _drop(self, model: str) -> None:
        with self._database.read() as store:
            left = store.vectors.counts(model)
        if not left:
            self._index.drop(model)
            self._dropped.add(model)

    def _serve(self, model: str, state: str) -> None:
        """Open a model to searches once all that there is of it is in the index."""
        with self._database.read() as store:
            waiting = store.vectors.waiting(model)
        _waiting.labels(model).set(waiting)
        full = model in self._refilled or (model == self._model and self._embedded())
        if state != "building" or waiting or not full:
            return
        self._refilled.discard(model)
        self._database.run(lambda store: _opened(store, model))
        log.info("face index is complete", extra=fields(model=model))


def _closed(store: Store, model: str) -> int:
    row = store.vectors.model(model, lock=True)
    if row is not None:
        row.state = "building"
    return store.vectors.put_all_in_again(model)


def _opened(store: Store, model: str) -> None:
    row = store.vectors.model(model, lock=True)
    if row is not None and row.state == "building":
        row.state, row.served_at = "serving", now()
