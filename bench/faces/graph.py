"""The graph that a cluster walks (HNSW), beside looking at everything: time, recall with and without filter, memory.

By faiss, whose graph with these parameters is the one that Milvus builds: so much can be known without a cluster. One
thread. A filter lets the faces of one camera in forty through, and is asked while the graph is walked, as Milvus does.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.faces.vectors import CAMERAS, DIMENSION, QUESTIONS, TOP, exact, made_up, resident_mb
from bench.figure import Figure

#: As `face_search.adapters.milvus` makes it.
NEIGHBOURS: Final = 16
BREADTH_OF_BUILD: Final = 200
BREADTHS: Final = (256, 512, 2048)


def figures(count: int) -> Iterator[Figure]:
    """For each breadth of the search: milliseconds and recall, beside everything."""
    import faiss

    faiss.omp_set_num_threads(1)
    faces = made_up(count)
    asked = made_up(QUESTIONS, seed=2, like=count).vectors
    before_mb = resident_mb(os.getpid())
    graph = faiss.IndexHNSWFlat(DIMENSION, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
    graph.hnsw.efConstruction = BREADTH_OF_BUILD
    began = time.perf_counter()
    graph.add(faces.vectors)
    label = f"graph of {count:,}"
    yield Figure(f"{label}: built", count / (time.perf_counter() - began), None, "1/s")
    yield Figure(f"{label}: memory", resident_mb(os.getpid()) - before_mb, faces.vectors.nbytes / 1e6, "MB")
    chosen = faces.cameras == 0
    selector = faiss.IDSelectorBatch(np.flatnonzero(chosen).astype(np.int64))
    for name, rows, allowed in (("", None, None), (f", one camera in {CAMERAS}", chosen, selector)):
        true, exact_ms = _timed_exact(faces.vectors, rows, asked)
        for breadth in BREADTHS:
            hits, ms = _timed(faiss, graph, asked, breadth, allowed)
            found = sum(len(set(row) & set(best)) for row, best in zip(hits, true, strict=True))
            first = sum(best[0] in row for row, best in zip(hits, true, strict=True))
            yield Figure(f"{label}{name}, ef {breadth}, p50", float(np.median(ms)), float(np.median(exact_ms)), "ms")
            yield Figure(f"{label}{name}, ef {breadth}, recall of ten", found / sum(map(len, true)), 1.0, "")
            yield Figure(f"{label}{name}, ef {breadth}, the nearest", first / len(true), 1.0, "")


def _timed(
    faiss: Any, graph: Any, asked: NDArray[np.float32], breadth: int, allowed: Any
) -> tuple[list[list[int]], list[float]]:
    parameters = faiss.SearchParametersHNSW(efSearch=breadth, **({} if allowed is None else {"sel": allowed}))
    answers, milliseconds = [], []
    for one in asked:
        began = time.perf_counter()
        _, places = graph.search(one[None], TOP, params=parameters)
        milliseconds.append((time.perf_counter() - began) * 1000)
        answers.append([int(place) for place in places[0]])
    return answers, milliseconds


def _timed_exact(
    vectors: NDArray[np.float32], rows: NDArray[np.bool_] | None, asked: NDArray[np.float32]
) -> tuple[list[list[int]], list[float]]:
    answers, milliseconds = [], []
    for one in asked:
        began = time.perf_counter()
        answers.append(exact(vectors, rows, one))
        milliseconds.append((time.perf_counter() - began) * 1000)
    return answers, milliseconds
