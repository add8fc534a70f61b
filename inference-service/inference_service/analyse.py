"""Step 2 of 4. FrameCaptured in, FrameAnalysed out; and the same for single photos and for pictures of live sessions.

Step 1 is `stream_service.capture`, step 3 is `stream_service.follow`. Nothing here knows of Redis or of networks: the
pictures go to a desk, where they wait for their model beside those of all others (`desk`).
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotInTime
from dataclasses import dataclass
from datetime import datetime

from inference_service.judge import Judge, NoVerdict, Question, Verdict
from inference_service.ports import DeskFull, Draw, Objects, ReadFailed, Tally
from inference_service.rules import MAX_PHOTO_TRIES, annotated_key, is_stale
from inference_service.verdicts import as_faces, as_objects
from shared_kernel.errors import NotFound
from shared_kernel.messages import (
    FrameAnalysed,
    FrameCaptured,
    LiveFrameAnalysed,
    LiveFrameSubmitted,
    PhotoAnalysed,
    PhotoSubmitted,
)
from shared_kernel.vision.pictures import UnreadablePicture, decode_frame
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Analyst:
    """What the story needs: a judge (models, desk, decoder), somebody who draws, the time, limits, who counts."""

    judge: Judge
    draw: Draw
    clock: Clock
    max_frame_age_ms: int
    max_batch: int
    tally: Tally

    def frames(self, backlog: Sequence[FrameCaptured]) -> Iterator[FrameAnalysed]:
        """Analyse the frames that are still worth it, in their order; `max_batch` of them are at the desk at once.

        Of several frames of one camera only the newest is: whoever is behind catches up at once instead of being late
        with every frame. Overtaken, stale and unreadable frames give nothing; they are counted. The ids are those of
        the frames, so what is delivered twice is said twice.
        """
        newest = list({frame.camera_id: frame for frame in backlog}.values())
        for _ in range(len(backlog) - len(newest)):
            self.tally.frame_skipped("overtaken")
        if not newest:
            return
        card = self.judge.models.default("state")
        waiting: deque[tuple[FrameCaptured, Picture, Future[list[list[Found]]]]] = deque()
        for frame in newest:
            if self._is_late(frame.captured_at):
                self.tally.frame_skipped("stale")
                continue
            try:
                picture = decode_frame(frame.jpeg)
                waiting.append((frame, picture, self.judge.desk.submit(card.name, [picture], "live", card.version)))
            except UnreadablePicture:
                self.tally.frame_skipped("unreadable")
            except DeskFull:
                self.tally.frame_skipped("full")
            if len(waiting) == self.max_batch:
                yield from self._frame(*waiting.popleft())
        while waiting:
            yield from self._frame(*waiting.popleft())

    def _frame(
        self, frame: FrameCaptured, picture: Picture, answer: Future[list[list[Found]]]
    ) -> Iterator[FrameAnalysed]:
        try:
            [found] = answer.result()
        except ReadFailed:
            self.tally.frame_skipped("failed")
            return
        analysed = FrameAnalysed(
            frame_id=frame.frame_id,
            camera_id=frame.camera_id,
            owner=frame.owner,
            seq=frame.seq,
            captured_at=frame.captured_at,
            analysed_at=self.clock(),
            width=frame.width,
            height=frame.height,
            faces=as_faces(found, picture),
        )
        self.tally.frame_analysed(analysed)
        yield analysed

    def photo(self, photo: PhotoSubmitted, objects: Objects, tries: int) -> PhotoAnalysed | None:
        """Analyse one photo.

        Args:
            photo: what was submitted.
            objects: where the photo lies, and where it is put once more when it is to be annotated.
            tries: how often this photo was handed out, this time included.

        Returns:
            The answer, an error included; None when nobody waits any more.
        """
        began_at = self.clock()
        left_s = (photo.deadline_at - began_at).total_seconds()
        if left_s <= 0:
            self.tally.photo_done("late")
            return None
        try:
            data = _stored(objects, photo.key, tries)
            asked = Question(photo.task, photo.model, photo.version, photo.urgency, photo.min_score, left_s)
            verdict = self.judge.judge(data, asked)
            drawn_key = self._annotated(photo, verdict, objects) if photo.annotate else ""
        except NoVerdict as none:
            self.tally.photo_done(none.error.code)
            return PhotoAnalysed(photo_id=photo.photo_id, error=none.error)
        except NotInTime:
            self.tally.photo_done("late")
            return None
        self.tally.photo_done("analysed")
        height, width = verdict.picture.shape[:2]
        return PhotoAnalysed(
            photo_id=photo.photo_id,
            width=width,
            height=height,
            model=verdict.card.name,
            version=verdict.card.version,
            faces=as_faces(verdict.found, verdict.picture),
            objects=as_objects(verdict.found, verdict.picture),
            elapsed_ms=self._elapsed_ms(began_at),
            annotated_key=drawn_key,
        )

    def live(self, frame: LiveFrameSubmitted) -> LiveFrameAnalysed:
        """Analyse one picture of a live session; also what is too late is answered, because its sender counts."""
        began_at = self.clock()
        try:
            self._refuse_late(frame)
            asked = Question("state", frame.model, frame.version, "live", frame.min_score)
            verdict = self.judge.judge(frame.jpeg, asked)
        except NoVerdict as none:
            self.tally.live_done(none.error.code)
            return LiveFrameAnalysed(session_id=frame.session_id, owner=frame.owner, seq=frame.seq, error=none.error)
        self.tally.live_done("analysed")
        height, width = verdict.picture.shape[:2]
        return LiveFrameAnalysed(
            session_id=frame.session_id,
            owner=frame.owner,
            seq=frame.seq,
            width=width,
            height=height,
            model=verdict.card.name,
            version=verdict.card.version,
            faces=as_faces(verdict.found, verdict.picture),
            objects=as_objects(verdict.found, verdict.picture),
            infer_ms=self._elapsed_ms(began_at),
        )

    def _annotated(self, photo: PhotoSubmitted, verdict: Verdict, objects: Objects) -> str:
        """Put the photo with its boxes beside the photo; a repeat says the same under the same key."""
        key = annotated_key(photo.key)
        objects.put(
            key, self.draw(verdict.picture, verdict.found, verdict.card, photo.language), content_type="image/jpeg"
        )
        return key

    def _refuse_late(self, frame: LiveFrameSubmitted) -> None:
        if self._is_late(frame.sent_at):
            raise NoVerdict("skipped", "it waited for too long: more pictures come than can be analysed")

    def _is_late(self, sent_at: datetime) -> bool:
        return is_stale(self._elapsed_ms(sent_at), self.max_frame_age_ms)

    def _elapsed_ms(self, since: datetime) -> float:
        return max(0.0, (self.clock() - since).total_seconds() * 1000)


def _stored(objects: Objects, key: str, tries: int) -> bytes:
    if tries > MAX_PHOTO_TRIES:
        # Whoever had it before died over it; the next would too.
        raise NoVerdict("not_analysable", "this photo stopped the analysis more than once")
    try:
        return objects.get(key)
    except NotFound as error:
        raise NoVerdict("not_found", error.detail) from error
