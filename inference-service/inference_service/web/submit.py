"""Pictures to the workers and their verdicts back: bytes into object storage, a message each, replies awaited.

What was put into the store is removed again whatever happens; the clock of miniprogram-api clears what a killed
process left behind under `inbox/`.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from inference_service.web.intake import Sent
from inference_service.web.shapes import Language
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.errors import Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import PhotoAnalysed, PhotoError, PhotoSubmitted, Task, new_id

log = get_logger(__name__)

#: How long the pictures of a request wait for their verdicts, seconds.
ANSWER_WITHIN_S: Final = 30.0
NO_ANSWER: Final = "no_answer"


@dataclass(frozen=True, slots=True)
class Wish:
    """What is asked of the pictures of one request."""

    task: Task
    model: str
    version: str
    min_score: float | None
    annotate: bool
    language: Language


@dataclass(frozen=True)
class Submitter:
    """Has pictures analysed; a request waits `answer_within_s` at most. Thread safe."""

    bus: Bus
    blobs: Blobs
    answer_within_s: float = ANSWER_WITHIN_S

    def analysed(self, pictures: Sequence[Sent], wish: Wish) -> list[PhotoAnalysed]:
        """Give the verdict on every picture, in their order; what has none has an error.

        Raises:
            Unavailable: Redis or the object store is away.
        """
        until_s = time.monotonic() + self.answer_within_s
        ids = [new_id() for _ in pictures]
        with self._stored({photo_id: sent.data for photo_id, sent in zip(ids, pictures, strict=True) if sent.data}):
            deadline_at = now() + timedelta(seconds=self.answer_within_s)
            for photo_id, sent in zip(ids, pictures, strict=True):
                if sent.data:
                    photo = PhotoSubmitted(
                        photo_id=photo_id,
                        key=inbox_key(photo_id),
                        deadline_at=deadline_at,
                        model=wish.model,
                        version=wish.version,
                        task=wish.task,
                        min_score=wish.min_score,
                        annotate=wish.annotate,
                        language=wish.language,
                    )
                    self.bus.publish(photo, route=photo.route)
            return [self._verdict(photo_id, sent, until_s) for photo_id, sent in zip(ids, pictures, strict=True)]

    def _verdict(self, photo_id: str, sent: Sent, until_s: float) -> PhotoAnalysed:
        if not sent.data:
            return PhotoAnalysed(photo_id=photo_id, error=PhotoError(code=sent.code, detail=sent.detail))
        left_s = max(0.001, until_s - time.monotonic())
        answer = self.bus.await_reply(photo_id, PhotoAnalysed, timeout_s=left_s)
        if answer is not None:
            return answer
        detail = f"no worker answered within {self.answer_within_s:g} s"
        return PhotoAnalysed(photo_id=photo_id, error=PhotoError(code=NO_ANSWER, detail=detail))

    @contextmanager
    def _stored(self, pictures: dict[str, bytes]) -> Iterator[None]:
        try:
            for photo_id, data in pictures.items():
                self.blobs.put(inbox_key(photo_id), data)
            yield
        finally:
            for photo_id in pictures:
                self.remove(inbox_key(photo_id))

    def remove(self, key: str) -> None:
        """Remove an object; when the store is away the clock does it later."""
        try:
            self.blobs.delete(key)
        except Unavailable as error:
            log.warning("picture left in the inbox", extra=fields(key=key, reason=error.reason))


def inbox_key(photo_id: str) -> str:
    """Key of a picture that waits for its verdict."""
    return f"inbox/{photo_id}"
