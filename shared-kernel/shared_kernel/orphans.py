"""Objects that no row names: a process was killed between storing an object and committing its row."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Final, TypeVar

from shared_kernel.blobs import Blobs
from shared_kernel.database import Database

S = TypeVar("S")

#: Keys that the database is asked about at once.
_PORTION: Final = 200


def remove_orphans(
    database: Database[S], blobs: Blobs, keys: Iterable[str], in_use: Callable[[S, Sequence[str]], Collection[str]]
) -> int:
    """Remove those of the objects `keys` that no row names, as `in_use` says of some at a time. Returns how many."""
    found, removed = list(keys), 0
    for start in range(0, len(found), _PORTION):
        portion = found[start : start + _PORTION]
        with database.read() as store:
            used = in_use(store, portion)
        for key in portion:
            if key not in used:
                blobs.delete(key)
                removed += 1
    return removed
