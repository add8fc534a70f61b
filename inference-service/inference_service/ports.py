"""What the story of this service needs from the outside, as protocols.

`analyse` works on these; `bootstrap` alone knows which class stands behind each of them.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Literal, Protocol

from shared_kernel.errors import Unavailable, XunshiError
from shared_kernel.messages import FrameAnalysed, Task
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found, Urgency


class Model(Protocol):
    """Finds in pictures what it was trained for: faces and their state, objects, or what a whole picture shows.

    Threads may share one.
    """

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        """Give what was found in every picture, in the order of the pictures, best score first.

        A classifier gives its likeliest labels with the whole picture as their box.
        """
        ...


class Card(Protocol):
    """What is known of a model before it is opened."""

    @property
    def name(self) -> str:
        """As messages name it."""
        ...

    @property
    def version(self) -> str:
        """Of this card; a name may have several."""
        ...

    @property
    def min_score(self) -> float:
        """Least score of what it reports, 0..1; a question may ask for more, not for less."""
        ...


class Models(Protocol):
    """The models of this machine, by name. Threads may share one."""

    def find(self, name: str, version: str | None = None) -> Card:
        """Give the card of a model, the newest version when none is asked for.

        Raises:
            NotFound: there is no such model.
        """
        ...

    def default(self, task: Task) -> Card:
        """Give the card of the model that is meant when a task is all that was said.

        Raises:
            NotFound: no model does this.
        """
        ...

    def open(self, name: str, version: str | None = None) -> Model:
        """Give the model ready to read; loaded once, then kept.

        Raises:
            NotFound: there is no such model.
            ArtifactError: a file of it is missing.
        """
        ...


#: Draws what was found into a copy of the picture, with the words and colours of the model's card; gives a JPEG.
Draw = Callable[[Picture, Sequence[Found], Card, Literal["zh", "en"]], bytes]


class DeskFull(Unavailable):
    """As many pictures of this urgency wait for this model as may."""


class ReadFailed(XunshiError):
    """The model cannot read this picture; it was tried alone."""


class Desk(Protocol):
    """Where pictures wait for their model."""

    def submit(
        self, name: str, pictures: Sequence[Picture], urgency: Urgency, version: str | None = None
    ) -> Future[list[list[Found]]]:
        """Have pictures read by the model of this name; see `inference_service.desk.Desk.submit`."""
        ...


class Objects(Protocol):
    """Where photos lie."""

    def get(self, key: str) -> bytes:
        """Give an object's bytes.

        Raises:
            NotFound: no such object.
            Unavailable: the store is away.
        """
        ...

    def put(self, key: str, data: bytes, *, content_type: str = ...) -> None:
        """Store an object.

        Raises:
            Unavailable: the store is away.
        """
        ...


class DeskTally(Protocol):
    """Counts what happens at the desk, for metrics."""

    def waiting(self, model: str, urgency: Urgency, pictures: int) -> None:
        """Note how many pictures wait now."""
        ...

    def refused(self, model: str, urgency: Urgency) -> None:
        """Count a submission that found the queue full."""
        ...

    def batch_read(self, model: str, pictures: int) -> None:
        """Count a batch that was read."""
        ...

    def picture_read(self, model: str, urgency: Urgency, queued_s: float, total_s: float) -> None:
        """Count one submission that was read: how long it waited, and how long it took with that."""
        ...


class Tally(Protocol):
    """Counts what the story does, for metrics."""

    def frame_analysed(self, frame: FrameAnalysed) -> None:
        """Count a frame whose verdict goes out."""
        ...

    def frame_skipped(self, reason: str) -> None:
        """Count a frame that was not analysed: `stale`, `overtaken`, `unreadable`, `full` (the queue) or `failed`."""
        ...

    def live_done(self, outcome: str) -> None:
        """Count a picture of a live session: `analysed`, or the code of its error."""
        ...

    def photo_done(self, outcome: str) -> None:
        """Count a photo: `analysed`, `late`, or the code of its error."""
        ...
