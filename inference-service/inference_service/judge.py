"""A stranger's bytes in, a verdict out, or the reason why there is none. `analyse` makes messages of both."""

from collections.abc import Sequence
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass

from inference_service.ports import Card, Desk, DeskFull, Models, ReadFailed
from shared_kernel.errors import ArtifactError, NotFound
from shared_kernel.messages import PhotoError, Task
from shared_kernel.vision.pictures import UnreadablePicture
from shared_kernel.vision.ports import Decoder, Picture
from shared_kernel.vision.rules import Found, Urgency


@dataclass(frozen=True, slots=True)
class Verdict:
    """A picture, the model that was asked, and what it found, best score first."""

    card: Card
    picture: Picture
    found: Sequence[Found]


@dataclass(frozen=True, slots=True)
class Question:
    """Which model is asked, how soon an answer is due, which boxes count.

    Attributes:
        task: whose default model is meant when `model` is empty.
        model: name of the model.
        version: of the model; empty takes the newest.
        urgency: decides who goes first.
        min_score: boxes below are left out, 0..1; what lies below the model's own threshold has no effect.
        within_s: how long the answer is waited for; None waits until it comes.
    """

    task: Task
    model: str
    version: str
    urgency: Urgency
    min_score: float | None = None
    within_s: float | None = None


class NoVerdict(Exception):
    """There is no verdict, for a reason that the sender is told."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.error = PhotoError(code=code, detail=detail)


@dataclass(frozen=True)
class Judge:
    """Decodes what came and has it read. Threads may share one; each waits for its own answer."""

    models: Models
    desk: Desk
    decoder: Decoder

    def judge(self, data: bytes, question: Question) -> Verdict:
        """Have a stranger's picture read.

        Raises:
            NoVerdict: it has none. `code` is one of `UnreadablePicture`'s, `no_model`, `busy` or `not_analysable`.
            TimeoutError: not within the time.
            Unavailable: the worker is stopping, or cannot decode at this moment.
        """
        try:
            card = self._card(question)
            picture = self.decoder.decode(data, question.urgency)
            found = self._read(card, picture, question)
        except UnreadablePicture as error:
            raise NoVerdict(error.code, error.detail) from error
        except (NotFound, ArtifactError) as error:
            raise NoVerdict("no_model", str(error)) from error
        except DeskFull as error:
            raise NoVerdict("busy", error.reason) from error
        except ReadFailed as error:
            raise NoVerdict("not_analysable", str(error)) from error
        least = max(card.min_score, question.min_score or 0.0)
        return Verdict(card, picture, [one for one in found if one.score >= least])

    def _card(self, question: Question) -> Card:
        if question.model:
            return self.models.find(question.model, question.version or None)
        return self.models.default(question.task)

    def _read(self, card: Card, picture: Picture, question: Question) -> list[Found]:
        answer = self.desk.submit(card.name, [picture], question.urgency, card.version)
        try:
            return answer.result(question.within_s)[0]
        except NotInTime:
            answer.cancel()  # nobody waits: the desk need not read it
            raise
