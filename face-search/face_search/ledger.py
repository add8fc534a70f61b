"""What was erased, kept beside the database: a database that is restored from yesterday is told again at start.

One folder an erasure in object storage, with ids and object keys only, nothing by which anybody could be recognised:

    erasures/<erasure_id>/request.json     what was asked, written before anything is removed
    erasures/<erasure_id>/<part_id>.json   what is about to be removed, written before each step
    erasures/<erasure_id>/receipt.json     what was removed, in numbers

A step that is repeated writes its part again under another name: the receipt counts ids, not parts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Final

from pydantic import BaseModel, ConfigDict

from shared_kernel.blobs import Blobs
from shared_kernel.errors import NotFound
from shared_kernel.messages import Moment, new_id

PREFIX: Final = "erasures"
_REQUEST: Final = "request.json"
_RECEIPT: Final = "receipt.json"


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Request(Record):
    """What was asked: to erase these persons, and these sightings of nobody who is enrolled."""

    erasure_id: str
    subject_id: str
    cause: str
    reason: str
    requested_by: str | None
    requested_at: Moment
    person_ids: tuple[str, ...] = ()
    sighting_ids: tuple[str, ...] = ()


class Part(Record):
    """Rows and objects that one step removes."""

    persons: tuple[str, ...] = ()
    samples: tuple[str, ...] = ()
    sightings: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    vectors: tuple[str, ...] = ()
    pictures: tuple[str, ...] = ()

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: len(getattr(self, name)) for name in Part.model_fields}


class Receipt(Record):
    """What was removed, in numbers."""

    erasure_id: str
    done_at: Moment
    removed: dict[str, int]


class Ledger:
    """The folder. Thread safe.

    Raises (every method):
        Unavailable: the object store is away.
    """

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def ask(self, request: Request) -> None:
        """Note what was asked; again with more when more was found."""
        self._put(request.erasure_id, _REQUEST, request)

    def asked(self, erasure_id: str) -> Request | None:
        """What was asked; None where nobody noted it."""
        try:
            return Request.model_validate_json(self._blobs.get(f"{PREFIX}/{erasure_id}/{_REQUEST}"))
        except NotFound:
            return None

    def add(self, erasure_id: str, part: Part) -> None:
        """Note what the next step removes."""
        self._put(erasure_id, f"{new_id()}.json", part)

    def removed(self, erasure_id: str) -> Part:
        """Everything that was, or was about to be, removed; each id once."""
        found: dict[str, dict[str, None]] = {name: {} for name in Part.model_fields}
        for key in sorted(self._blobs.keys(f"{PREFIX}/{erasure_id}")):
            if not key.endswith((_REQUEST, _RECEIPT)):
                part = Part.model_validate_json(self._blobs.get(key))
                for name, ids in found.items():
                    ids.update(dict.fromkeys(getattr(part, name)))
        return Part(**{name: tuple(ids) for name, ids in found.items()})

    def close(self, erasure_id: str, done_at: datetime, removed: dict[str, int]) -> None:
        """Note that nothing was left."""
        self._put(erasure_id, _RECEIPT, Receipt(erasure_id=erasure_id, done_at=done_at, removed=removed))

    def ids(self) -> Iterator[str]:
        """Every erasure that was ever asked for."""
        for key in self._blobs.keys(PREFIX):
            folder, _, name = key.removeprefix(f"{PREFIX}/").partition("/")
            if name == _REQUEST:
                yield folder

    def _put(self, erasure_id: str, name: str, record: Record) -> None:
        self._blobs.put(f"{PREFIX}/{erasure_id}/{name}", record.model_dump_json().encode())
