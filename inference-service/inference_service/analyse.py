"""Step 2 of 4. FrameCaptured in, FrameAnalysed out; and the same for single photos.

Step 1 is `stream_service.capture`, step 3 is `stream_service.follow`. Nothing here knows of Redis or of networks.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from inference_service.pictures import UnreadablePicture, decode, decode_frame
from inference_service.ports import Model, Picture, Tally
from inference_service.rules import MAX_PHOTO_TRIES, Found, is_stale
from shared_kernel.errors import NotFound
from shared_kernel.messages import Box, Face, FrameAnalysed, FrameCaptured, PhotoAnalysed, PhotoError, PhotoSubmitted

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Analyst:
    """What the story needs: a model, the time, the limits of frames, somebody who counts, a name."""

    reader: Model
    clock: Clock
    max_frame_age_ms: int
    max_batch: int
    tally: Tally
    model: str

    def frames(self, backlog: Sequence[FrameCaptured]) -> Iterator[FrameAnalysed]:
        """Analyse the frames that are still worth it, `max_batch` at a time.

        Of several frames of one camera only the newest is: whoever is behind catches up at once instead of being late
        with every frame. Overtaken, stale and unreadable frames give nothing; they are counted. The ids are those of
        the frames, so what is delivered twice is said twice.
        """
        newest = list({frame.camera_id: frame for frame in backlog}.values())
        for _ in range(len(backlog) - len(newest)):
            self.tally.frame_skipped("overtaken")
        for start in range(0, len(newest), self.max_batch):
            yield from self._batch(newest[start : start + self.max_batch])

    def _batch(self, batch: Sequence[FrameCaptured]) -> Iterator[FrameAnalysed]:
        taken: list[tuple[FrameCaptured, Picture]] = []
        for frame in batch:
            if is_stale((self.clock() - frame.captured_at).total_seconds() * 1000, self.max_frame_age_ms):
                self.tally.frame_skipped("stale")
                continue
            try:
                taken.append((frame, decode_frame(frame.jpeg)))
            except UnreadablePicture:
                self.tally.frame_skipped("unreadable")
        found = self.reader.read([picture for _, picture in taken])
        for (frame, picture), faces in zip(taken, found, strict=True):
            analysed = self._analysed(frame, as_faces(faces, picture))
            self.tally.frame_analysed(analysed)
            yield analysed

    def _analysed(self, frame: FrameCaptured, faces: tuple[Face, ...]) -> FrameAnalysed:
        return FrameAnalysed(
            frame_id=frame.frame_id,
            camera_id=frame.camera_id,
            owner=frame.owner,
            seq=frame.seq,
            captured_at=frame.captured_at,
            analysed_at=self.clock(),
            width=frame.width,
            height=frame.height,
            faces=faces,
        )

    def photo(self, photo: PhotoSubmitted, fetch: Callable[[str], bytes], tries: int) -> PhotoAnalysed | None:
        """Analyse one photo.

        Args:
            photo: what was submitted.
            fetch: gives the bytes of a stored object by its key.
            tries: how often this photo was handed out, this time included.

        Returns:
            The answer, an error included; None when nobody waits any more.
        """
        if self.clock() >= photo.deadline_at:
            self.tally.photo_done("late")
            return None
        if tries > MAX_PHOTO_TRIES:
            # Whoever had it before died over it; the next would too.
            return self._failed(photo, "not_analysable", "this photo stopped the analysis more than once")
        try:
            picture = decode(fetch(photo.key))
        except UnreadablePicture as error:
            return self._failed(photo, error.code, error.detail)
        except NotFound as error:
            return self._failed(photo, "not_found", error.detail)
        faces = as_faces(self.reader.read([picture])[0], picture)
        self.tally.photo_done("analysed")
        height, width = picture.shape[:2]
        return PhotoAnalysed(photo_id=photo.photo_id, width=width, height=height, model=self.model, faces=faces)

    def _failed(self, photo: PhotoSubmitted, code: str, detail: str) -> PhotoAnalysed:
        self.tally.photo_done(code)
        return PhotoAnalysed(photo_id=photo.photo_id, error=PhotoError(code=code, detail=detail))


def as_faces(found: Sequence[Found], picture: Picture) -> tuple[Face, ...]:
    """Turn what was found of faces from pixels into fractions; what reaches beyond the picture's edges is cut off."""
    height, width = picture.shape[:2]
    faces = []
    for one in found:
        if one.face is None:
            continue
        x0, y0, x1, y1 = one.box
        faces.append(
            Face(
                box=Box(x0=_share(x0, width), y0=_share(y0, height), x1=_share(x1, width), y1=_share(y1, height)),
                score=min(1.0, one.face.score),
                state=one.face.state,
                state_score=min(1.0, one.face.state_score),
                landmarks=tuple((float(x) / width, float(y) / height) for x, y in one.face.landmarks),
            )
        )
    return tuple(faces)


def _share(pixels: float, side: int) -> float:
    return min(1.0, max(0.0, pixels / side))
