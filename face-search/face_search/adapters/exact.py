"""The vector index in numpy: every search looks at everything. For tests, and as the yardstick of benches.

Passes the same contract test as `milvus`, whose neighbour it is.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from face_search.ports import Hit, IndexEntry, IndexFilter
from shared_kernel.errors import Unavailable


class ExactIndex:
    """See `face_search.ports.VectorIndex`."""

    def __init__(self) -> None:
        self._models: dict[str, dict[str, IndexEntry]] = {}
        self._lock = threading.Lock()

    def has(self, model: str) -> bool:
        """See the port."""
        with self._lock:
            return model in self._models

    def ensure(self, model: str, dimension: int) -> bool:  # noqa: ARG002 - vectors say it themselves
        """See the port."""
        with self._lock:
            missing = model not in self._models
            self._models.setdefault(model, {})
            return missing

    def upsert(self, model: str, entries: Sequence[IndexEntry]) -> None:
        """See the port."""
        with self._lock:
            self._collection(model).update({entry.vector_id: entry for entry in entries})

    def remove(self, model: str, vector_ids: Sequence[str]) -> None:
        """See the port."""
        with self._lock:
            for vector_id in vector_ids:
                self._models.get(model, {}).pop(vector_id, None)

    def search(self, model: str, vectors: NDArray[np.float32], top_k: int, only: IndexFilter) -> list[list[Hit]]:
        """See the port."""
        with self._lock:
            entries = [entry for entry in self._collection(model).values() if _passes(entry, only)]
        if not entries:
            return [[] for _ in vectors]
        scores = vectors @ np.stack([entry.vector for entry in entries]).T
        order = np.argsort(-scores, axis=1, kind="stable")[:, :top_k]
        return [
            [Hit(entries[place].vector_id, entries[place].subject_id, float(row[place])) for place in places]
            for row, places in zip(scores, order, strict=True)
        ]

    def ids(self, model: str) -> Iterator[str]:
        """See the port."""
        with self._lock:
            return iter(list(self._models.get(model, {})))

    def drop(self, model: str) -> None:
        """See the port."""
        with self._lock:
            self._models.pop(model, None)

    def _collection(self, model: str) -> dict[str, IndexEntry]:
        if model not in self._models:
            raise Unavailable("face index", f"no collection of {model}")
        return self._models[model]


def _passes(entry: IndexEntry, only: IndexFilter) -> bool:
    return (
        entry.kind == only.kind
        and (only.person_ids is None or entry.person_id in only.person_ids)
        and (only.camera_ids is None or entry.camera_id in only.camera_ids)
        and (only.from_ms is None or entry.seen_at_ms >= only.from_ms)
        and (only.to_ms is None or entry.seen_at_ms < only.to_ms)
        and (only.mask_states is None or entry.mask_state in only.mask_states)
    )
