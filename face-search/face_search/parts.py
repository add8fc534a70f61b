"""The parts that one process is made of; `bootstrap` makes them, the routes and the worker use them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from face_search.adapters.store import Store
from face_search.comparing import Limits
from face_search.enrol import Enrolment
from face_search.finding import Finder
from face_search.ports import FaceReader, VectorIndex
from face_search.resemblance import Others
from face_search.settings import Settings
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.database import Database
from shared_kernel.door import Door
from shared_kernel.vision.ports import Decoder
from shared_kernel.vision.rules import Urgency


@dataclass(frozen=True)
class Parts:
    """Everything a route or a task may need.

    Attributes:
        reader: finds faces and makes vectors; its networks are loaded when they are first needed.
        thresholds: how alike two faces of that reader must be.
        decoder: turns strangers' files into pictures, in a process of its own.
        door: says who may come in, and which cameras they see.
        close_all: ends threads, children and connections.
    """

    settings: Settings
    database: Database[Store]
    bus: Bus
    blobs: Blobs
    index: VectorIndex
    reader: FaceReader
    thresholds: Limits
    decoder: Decoder
    door: Door
    close_all: Callable[[], None] = lambda: None

    @property
    def ticket_key(self) -> str:
        """Signs tickets for pictures."""
        return self.settings.ticket_key.get_secret_value()

    def enrolment(self, urgency: Urgency = "interactive") -> Enrolment:
        """What enrols faces. Pictures of a job hurry less than those that somebody waits for."""
        return Enrolment(
            database=self.database,
            blobs=self.blobs,
            decoder=self.decoder,
            reader=self.reader,
            others=Others(self.index, self.thresholds, self.reader.model),
            samples_per_person=self.settings.samples_per_person,
            urgency=urgency,
        )

    def finder(self) -> Finder:
        """What finds everything that shows one face."""
        return Finder(self.database, self.index, self.thresholds, self.reader.model)

    def close(self) -> None:
        """End threads, children and connections."""
        self.close_all()
        self.bus.close()
        self.database.close()
