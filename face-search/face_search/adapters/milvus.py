"""The vector index in Milvus: one collection a model. The only module that imports pymilvus.

Embedded (a Milvus Lite server) every search looks at everything, `FLAT`; a cluster walks a graph, `HNSW`, widely, and
more widely where a filter lets little through. Which one is a setting, all else is the same, `adapters.exact` the twin.
What is called `FLAT` is inverted lists of which every one is read, compared by dot products: the same answers, but from
faiss, where Milvus Lite would copy all vectors for each search of its own `FLAT` and measure their lengths.
Samples and sightings are two partitions: whoever is to be recognised is looked for among people, not among all that
was ever seen.

Whatever comes from outside reaches a filter as a literal that cannot be anything else: ids that are ULIDs, integers,
words of an enumeration. What is none of these can be in no entry, so it is left out.
"""

from __future__ import annotations

import hashlib
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from face_search.ports import Hit, IndexEntry, IndexFilter, VectorKind
from shared_kernel.errors import Unavailable
from shared_kernel.wire import is_ulid

if TYPE_CHECKING:
    from pymilvus import MilvusClient

T = TypeVar("T")

#: How vectors are found; see the module.
IndexType = Literal["FLAT", "HNSW"]

#: Inverted lists, of which a search reads all. As many as Milvus Lite makes whatever it is told: fewer read than made
#: would not be exact.
_LISTS: Final = 128
#: What Milvus calls each type, and what it is made with: of a graph neighbours of a node, and breadth meanwhile.
_INDEXES: Final[Mapping[IndexType, tuple[str, Mapping[str, int]]]] = {
    "FLAT": ("IVF_FLAT", {"nlist": _LISTS}),
    "HNSW": ("HNSW", {"M": 16, "efConstruction": 200}),
}
#: Vectors have length 1: their dot product is the cosine.
_METRIC: Final = "IP"
#: Breadth of a search, and of one with a filter: with 256 a filter for one camera in forty loses half of the hits
#: (docs/design/0018-face-index.md).
EF: Final = 512
FILTERED_EF: Final = 2048
#: Milvus gives no more of one search.
MAX_HITS: Final = 16_384
#: Entries of one call, so that no call is larger than a message of gRPC may be.
_BATCH: Final = 1_000
#: Milvus Lite reads what it has not written to a segment yet row by row, 15 us each and search: after so many rows it
#: is told to write. A cluster does so by itself, and refuses to be told often.
_FLUSH_ROWS: Final = 1_000
#: But not more often than this, seconds: many rows at once shall not be many segments.
_FLUSH_EVERY_S: Final = 2.0
#: Longest wait for an answer, seconds: a search somebody waits for, and everything else.
SEARCH_S: Final = 5.0
_CALL_S: Final = 30.0
#: Codes of Milvus: there is no such collection; it is not in memory, as all are not after a restart.
_NO_COLLECTION: Final = 100
_NOT_LOADED: Final = 101
_PART: Final = "face index"
_ULID_CHARS: Final = 26


class MilvusIndex:
    """See `face_search.ports.VectorIndex`. Connects when it is first asked; one connection for all threads.

    Args:
        url: of Milvus, or of the server of Milvus Lite.
        token: `user:password`; empty: none.
        database: of Milvus.
        index_type: see `IndexType`.
        patience_s: longest wait for a search.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str = "",
        database: str = "default",
        index_type: IndexType = "FLAT",
        patience_s: float = SEARCH_S,
    ) -> None:
        self._patience_s = patience_s
        self._url = url
        self._token = token
        self._database = database
        self._index_type: IndexType = index_type
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()
        #: Rows of each collection that Milvus Lite may not have written to a segment, and when it was last told to.
        self._loose: dict[str, tuple[int, float]] = {}

    def close(self) -> None:
        """End the connection."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def has(self, model: str) -> bool:
        """See the port."""
        name = collection_name(model)
        return self._ask(lambda client: bool(client.has_collection(name, timeout=_CALL_S)))

    def ensure(self, model: str, dimension: int) -> bool:
        """See the port."""
        name = collection_name(model)

        def make(client: MilvusClient) -> bool:
            missing = not client.has_collection(name, timeout=_CALL_S)
            if missing:
                self._create(client, name, dimension)
            # each by itself: whoever made the collection may have been killed in between
            for partition in _PARTITIONS.values():
                if not client.has_partition(name, partition, timeout=_CALL_S):
                    client.create_partition(name, partition, timeout=_CALL_S)
            client.load_collection(name, timeout=_CALL_S)
            self._flush(client, name, 0)
            return missing

        return self._ask(make)

    def upsert(self, model: str, entries: Sequence[IndexEntry]) -> None:
        """See the port."""
        name = collection_name(model)
        for kind, partition in _PARTITIONS.items():
            for some in _batches([entry for entry in entries if entry.kind == kind]):
                self._put(name, partition, [_row(entry) for entry in some])

    def remove(self, model: str, vector_ids: Sequence[str]) -> None:
        """See the port."""
        name = collection_name(model)
        for some in _batches([one for one in vector_ids if is_ulid(one)]):
            self._take_out(name, some)

    def search(self, model: str, vectors: NDArray[np.float32], top_k: int, only: IndexFilter) -> list[list[Hit]]:
        """See the port."""
        name, where = collection_name(model), expression(only)
        if where is None or not len(vectors) or top_k < 1:
            return [[] for _ in vectors]
        top_k = min(top_k, MAX_HITS)
        breadth = max(FILTERED_EF if where else EF, top_k)
        parameters = {"ef": breadth} if self._index_type == "HNSW" else {"nprobe": _LISTS}

        def find(client: MilvusClient) -> Any:
            return client.search(
                name,
                data=list(vectors),
                filter=where,
                partition_names=[_PARTITIONS[only.kind]],
                limit=top_k,
                output_fields=["subject_id"],
                search_params={"metric_type": _METRIC, "params": parameters},
                timeout=self._patience_s,
            )

        return [
            [Hit(hit["vector_id"], hit["entity"]["subject_id"], float(hit["distance"])) for hit in hits]
            for hits in self._loaded(name, find)
        ]

    def ids(self, model: str) -> Iterator[str]:
        """See the port."""
        name = collection_name(model)
        fields = ["vector_id"]

        def begin(client: MilvusClient) -> Any:
            if not client.has_collection(name, timeout=_CALL_S):
                return None
            return client.query_iterator(
                name, batch_size=_BATCH, output_fields=fields, timeout=_CALL_S, consistency_level="Strong"
            )

        rows = self._loaded(name, begin)
        try:
            while rows is not None and (page := self._ask(lambda _client: rows.next())):
                yield from (row["vector_id"] for row in page)
        finally:
            if rows is not None:
                rows.close()

    def drop(self, model: str) -> None:
        """See the port."""
        self._ask(lambda client: client.drop_collection(collection_name(model), timeout=_CALL_S))

    def _put(self, name: str, partition: str, rows: Sequence[Mapping[str, Any]]) -> None:
        def put(client: MilvusClient) -> None:
            client.upsert(name, list(rows), partition_name=partition, timeout=_CALL_S)
            self._flush(client, name, len(rows))

        self._ask(put)

    def _flush(self, client: MilvusClient, name: str, rows: int) -> None:
        """Note that so many rows came; have Milvus Lite write them when they are many."""
        if self._index_type != "FLAT":
            return
        with self._lock:
            # nobody knows how many there are from before
            before, told_at = self._loose.get(name, (_FLUSH_ROWS, 0.0))
            loose, moment = before + rows, time.monotonic()
            due = loose >= _FLUSH_ROWS and moment - told_at >= _FLUSH_EVERY_S
            self._loose[name] = (0, moment) if due else (loose, told_at)
        if not due:
            return
        client.flush(name, timeout=_CALL_S)

    def _take_out(self, name: str, ids: Sequence[str]) -> None:
        self._ask(lambda client: client.delete(name, ids=list(ids), timeout=_CALL_S), missing=dict)

    def _create(self, client: MilvusClient, name: str, dimension: int) -> None:
        from pymilvus import DataType

        schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
        schema.add_field("vector_id", DataType.VARCHAR, is_primary=True, max_length=_ULID_CHARS)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=dimension)
        for field, length in _WORDS.items():
            schema.add_field(field, DataType.VARCHAR, max_length=length)
        schema.add_field("seen_at_ms", DataType.INT64)
        schema.add_field("covered", DataType.BOOL)
        index, (kind, parameters) = client.prepare_index_params(), _INDEXES[self._index_type]
        index.add_index("vector", index_type=kind, metric_type=_METRIC, params=dict(parameters))
        client.create_collection(name, schema=schema, index_params=index, timeout=_CALL_S)

    def _loaded(self, name: str, ask: Callable[[MilvusClient], T]) -> T:
        """Ask what needs the collection in memory. After a restart of Milvus none is, until somebody loads it."""

        def ask_loaded(client: MilvusClient) -> T:
            from pymilvus import MilvusException

            try:
                return ask(client)
            except MilvusException as error:
                if error.code != _NOT_LOADED:
                    raise
            client.load_collection(name, timeout=_CALL_S)
            return ask(client)

        return self._ask(ask_loaded)

    def _ask(self, ask: Callable[[MilvusClient], T], missing: Callable[[], T] | None = None) -> T:
        """Ask Milvus. `missing`: what a collection that is not there answers; else that is Unavailable."""
        from pymilvus import MilvusException

        with _translated():
            try:
                return ask(self._connected())
            except MilvusException as error:
                if missing is None or error.code != _NO_COLLECTION:
                    raise
                return missing()

    def _connected(self) -> MilvusClient:
        with self._lock:
            if self._client is None:
                from pymilvus import MilvusClient

                # it writes a page about each error that it also raises
                logging.getLogger("pymilvus").setLevel(logging.CRITICAL)
                self._client = MilvusClient(self._url, token=self._token, db_name=self._database, timeout=SEARCH_S)
            return self._client


_PARTITIONS: Final[Mapping[VectorKind, str]] = {"sample": "samples", "sighting": "sightings"}
#: Grows with what collections are made of: those of another shape are not ours, `syncing` fills new ones.
_SHAPE: Final = 2
#: Text fields of an entry and their greatest length.
_WORDS: Final = {
    "subject_id": _ULID_CHARS,
    "person_id": _ULID_CHARS,
    "camera_id": _ULID_CHARS,
    "mask_state": 32,
}


def collection_name(model: str) -> str:
    """Give the name of a model's collection: letters, digits and `_` are all that Milvus takes.

    Two models never share one, whatever their names are made of: the end is a digest.
    """
    digest = hashlib.sha256(f"{_SHAPE}/{model}".encode()).hexdigest()[:8]
    return f"faces_{re.sub('[^A-Za-z0-9]', '_', model)[:64]}_{digest}"


def expression(only: IndexFilter) -> str | None:
    """Give a filter of one partition in the words of Milvus; None when no entry can pass it."""
    parts = []
    for field, ids in (("person_id", only.person_ids), ("camera_id", only.camera_ids)):
        if ids is not None:
            known = sorted(one for one in ids if is_ulid(one))
            if not known:
                return None
            parts.append(f"{field} in [{_quoted(known)}]")
    if only.mask_states is not None:
        if not only.mask_states:
            return None
        parts.append(f"mask_state in [{_quoted(sorted(state.value for state in only.mask_states))}]")
    if only.from_ms is not None:
        parts.append(f"seen_at_ms >= {int(only.from_ms):d}")
    if only.to_ms is not None:
        parts.append(f"seen_at_ms < {int(only.to_ms):d}")
    return " and ".join(parts)


def _quoted(words: Iterable[str]) -> str:
    return ", ".join(f'"{word}"' for word in words)


def _batches(items: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(items), _BATCH):
        yield items[start : start + _BATCH]


def _row(entry: IndexEntry) -> dict[str, Any]:
    return {
        "vector_id": entry.vector_id,
        "vector": entry.vector,
        "subject_id": entry.subject_id,
        "person_id": entry.person_id,
        "camera_id": entry.camera_id,
        "seen_at_ms": entry.seen_at_ms,
        "mask_state": entry.mask_state.value,
        "covered": entry.covered,
    }


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of Milvus and of gRPC become ours: whatever it is, the index does not answer, and SQL has everything."""
    import grpc
    from pymilvus import MilvusException

    try:
        yield
    except MilvusException as error:
        raise Unavailable(_PART, f"code {error.code}: {error.message}"[:300]) from error
    except grpc.RpcError as error:
        code = cast("Any", error).code() if hasattr(error, "code") else ""
        raise Unavailable(_PART, f"no answer: {code}") from error
    except ValueError as error:
        if "closed channel" not in str(error):
            raise
        raise Unavailable(_PART, "the connection was closed") from error
