"""A picture becomes a sample: read, judged, compared with everybody else, stored, written down.

The pictures are stored first, then sample and vector are written in one transaction. A process that is killed between
them leaves objects that no row names, which `keeping` removes; never a sample without its pictures or its vector. The
transaction decides what counts: somebody who was erased, merged or filled up meanwhile gets no sample.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, Protocol

from face_search.adapters.likeness import Viewer
from face_search.adapters.store import Store
from face_search.gallery import standing, touch
from face_search.hints import hint
from face_search.ports import FaceRead, FaceReader, Picture, Quality, QualityReason
from face_search.quality import GOOD
from face_search.resemblance import Others, Resemblance
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import Conflict, FieldProblem, Invalid, NotFound, Unavailable
from shared_kernel.messages import MaskState, new_id
from shared_kernel.tables import FaceSample, Sighting
from shared_kernel.vision.encoding import jpeg, png
from shared_kernel.vision.models.resize import fitted
from shared_kernel.vision.pictures import UnreadablePicture, decode_frame
from shared_kernel.vision.ports import Decoder
from shared_kernel.vision.rules import Urgency

#: Reasons for which a face is never enrolled, however good it is otherwise.
REFUSED: Final = frozenset({QualityReason.COVERED, QualityReason.SEVERAL_FACES, QualityReason.NO_FACE})
#: Longer side of the picture that people see, pixels at most.
CROP_PX: Final = 512
_FOLDER: Final = "faces/samples"


@dataclass(frozen=True, slots=True, eq=False)
class NewSample:
    """A face that is to be enrolled.

    Attributes:
        person_id: whose.
        face: as it was read.
        content_sha256: of the picture as it was sent: a repeat is no second sample.
        created_by: the user; None: a service.
        source: upload, import or sighting.
        sighting_id: the sighting it was taken from.
    """

    person_id: str
    face: FaceRead
    content_sha256: bytes
    created_by: str | None
    source: str = "upload"
    sighting_id: str | None = None


class Imported(Protocol):
    """A face of an import, whose pictures are stored; see `import_lines.Imported`."""

    @property
    def sample_id(self) -> str: ...
    @property
    def person_id(self) -> str: ...
    @property
    def face(self) -> FaceRead: ...
    @property
    def content_sha256(self) -> bytes: ...
    @property
    def created_by(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Enrolled:
    """The sample; `fresh` False: this very picture was enrolled before."""

    row: FaceSample
    fresh: bool


class Poor(Invalid):
    """A face that is not good enough to be enrolled."""

    quality = Quality(0.0)


def is_enrolable(quality: Quality) -> bool:
    """Tell whether a face is good enough to recognise somebody by."""
    return quality.score >= GOOD and not REFUSED.intersection(quality.reasons)


@dataclass(frozen=True)
class Enrolment:
    """Enrols. Thread safe.

    Attributes:
        database: the truth.
        blobs: where pictures go.
        decoder: for strangers' files.
        reader: finds and measures faces.
        others: finds who else a face may belong to.
        samples_per_person: at most.
        urgency: how much pictures hurry.
    """

    database: Database[Store]
    blobs: Blobs
    decoder: Decoder
    reader: FaceReader
    others: Others
    samples_per_person: int
    urgency: Urgency = "interactive"

    def read(self, photo: bytes) -> FaceRead:
        """Decode a stranger's picture and read the face that is to be enrolled.

        Raises:
            Invalid: no picture, or no face that can be enrolled; `code` says why.
            Unavailable: no decoder.
        """
        try:
            return self.judged(self.decoder.decode(photo, self.urgency))
        except UnreadablePicture as error:
            raise Invalid.field("photo", error.detail, code=error.code) from error
        except Poor as error:  # a line of a report has one reason, and room for what to do about it
            worst = error.quality.reasons[:1]
            words = f"{hint(worst, 'zh-CN')} {hint(worst, 'en')}"
            raise Invalid(words, code=worst[0] if worst else error.code) from error

    def judged(self, picture: Picture) -> FaceRead:
        """Read the face of a picture that is to be enrolled.

        Raises:
            Invalid: there is none, there are several, or it is not good enough; `errors` has reasons and hints.
        """
        faces = self.reader.read(picture)  # the largest first; it knows whether another could be meant as well
        if not faces:
            raise poor(Quality(0.0, (QualityReason.NO_FACE,)))
        if not is_enrolable(faces[0].quality):
            raise poor(faces[0].quality)
        return faces[0]

    def enrol_photo(
        self, person_id: str, photo: bytes, picture: Picture, created_by: str | None, despite: Collection[str] = ()
    ) -> Enrolled:
        """Enrol the face of a picture.

        Args:
            person_id: whose face.
            photo: the file as it was sent.
            picture: its pixels, H x W x 3 uint8, blue-green-red.
            created_by: the user.
            despite: persons whom the face resembles, as a former refusal said: it is enrolled nonetheless.

        Raises:
            NotFound: the person is not enrolled.
            Conflict: the face is rather that of somebody else, the person has enough samples or was merged.
            Invalid: the face cannot be enrolled; see `judged`.
            Unavailable: a part is away.
        """
        content = hashlib.sha256(photo).digest()
        if (before := self._before(person_id, content)) is not None:
            return before
        sample = NewSample(person_id, self.judged(picture), content, created_by)
        return self._enrol(sample, despite)

    def enrol_sighting(
        self, person_id: str, sighting_id: str, viewer: Viewer, created_by: str | None, despite: Collection[str] = ()
    ) -> Enrolled:
        """Enrol the face of a sighting; like `enrol_photo`.

        Raises:
            NotFound: the person is not enrolled, or there is no such sighting for this viewer.
            Conflict: see `enrol_photo`; also when a human said that the sighting is not this person.
            Invalid: the sighting's face is below the bar; never made a sample.
            Unavailable: a part is away.
        """
        with self.database.read() as store:
            row = store.tracks.one(sighting_id, viewer)
            contrary = store.decisions.is_negative(person_id, sighting_id)
        if row is None:
            raise NotFound(f"sighting {sighting_id}: expected one that you may see, found none", code="no_sighting")
        if contrary:
            detail = f"sighting {sighting_id}: expected one that may be this person, a human said that it is not"
            raise Conflict(detail, code="not_this_person")
        face, content = self._face_of(row)
        if (before := self._before(person_id, content)) is not None:
            return before
        return self._enrol(NewSample(person_id, face, content, created_by, "sighting", sighting_id), despite)

    def is_unlike(self, store: Store, face: FaceRead, person_id: str) -> bool:
        """Tell whether a face is surely not the one of the samples that a person has."""
        return self.others.is_unlike(store, person_id, face)

    def likest_other(self, store: Store, face: FaceRead, person_id: str) -> Resemblance | None:
        """Say whose face it rather is, of those who are enrolled.

        Raises:
            Unavailable: the index is away and the gallery too large to do without.
        """
        return next(iter(self.others.than(store, person_id, face, now())), None)

    def keep(self, sample_id: str, face: FaceRead) -> None:
        """Store the pictures of a sample; a repeat stores the same.

        Raises:
            Unavailable: the object store is away.
        """
        crop_key, aligned_key = picture_keys(sample_id)
        self.blobs.put(crop_key, jpeg(fitted(face.crop, CROP_PX)), content_type="image/jpeg")
        self.blobs.put(aligned_key, png(face.aligned), content_type="image/png")

    def add(self, store: Store, sample: Imported) -> None:
        """Add the rows of an imported sample whose pictures are stored.

        Raises:
            NotFound: the person is not enrolled any more.
            Conflict: the person has enough samples, or turned out to be another.
        """
        new = NewSample(sample.person_id, sample.face, sample.content_sha256, sample.created_by, "import")
        self._write(store, sample.sample_id, new)

    def _before(self, person_id: str, content: bytes) -> Enrolled | None:
        """The sample that was made of this very picture. Refuses early what the transaction would refuse."""
        with self.database.read() as store:
            standing(store, person_id)
            row = store.samples.with_content(person_id, content)
            if row is None:
                self._check_room(store, person_id)
        return None if row is None else Enrolled(row, fresh=False)

    def _face_of(self, row: Sighting) -> tuple[FaceRead, bytes]:
        """The face of a sighting as if it had been read now, and what it is the hash of."""
        reasons = tuple(QualityReason(one) for one in row.quality_reasons.split(",") if one)
        if row.covered and QualityReason.COVERED not in reasons:
            reasons = (QualityReason.COVERED, *reasons)
        if row.aligned_key is None:
            reasons = (QualityReason.NO_FACE, *reasons)
        quality = Quality(row.quality, reasons)
        if row.aligned_key is None or not is_enrolable(quality):
            raise poor(quality, "sighting_id")
        stored = self.blobs.get(row.aligned_key)
        aligned, crop = decode_frame(stored), decode_frame(self.blobs.get(row.crop_key))
        [vector] = self.reader.embed([aligned])
        box = (0.0, 0.0, float(crop.shape[1]), float(crop.shape[0]))
        face = FaceRead(box, 1.0, aligned, crop, vector, quality, MaskState(row.mask_state), row.covered)
        return face, hashlib.sha256(stored).digest()

    def _enrol(self, sample: NewSample, despite: Collection[str]) -> Enrolled:
        with self.database.read() as store:
            others = self.others.than(store, sample.person_id, sample.face, now())
            others = [one for one in others if one.person_id not in despite]
            if others:
                raise _resembles(store, others)
        sample_id = new_id()
        self.keep(sample_id, sample.face)
        try:
            done = self.database.run(lambda store: self._once(store, sample_id, sample))
        except (Conflict, NotFound, Unavailable):
            self._discard(sample_id)
            raise
        if not done.fresh:
            self._discard(sample_id)
        return done

    def _once(self, store: Store, sample_id: str, sample: NewSample) -> Enrolled:
        person = standing(store, sample.person_id)
        before = store.samples.with_content(sample.person_id, sample.content_sha256)
        if before is not None:  # the same picture came twice at once
            return Enrolled(before, fresh=False)
        touch(person)
        return Enrolled(self._write(store, sample_id, sample), fresh=True)

    def _write(self, store: Store, sample_id: str, sample: NewSample) -> FaceSample:
        standing(store, sample.person_id)
        self._check_room(store, sample.person_id)
        face, (crop_key, aligned_key) = sample.face, picture_keys(sample_id)
        row = FaceSample(
            sample_id=sample_id,
            person_id=sample.person_id,
            content_sha256=sample.content_sha256,
            crop_key=crop_key,
            aligned_key=aligned_key,
            quality=face.quality.score,
            quality_reasons=",".join(face.quality.reasons),
            mask_state=face.mask_state,
            covered=face.covered,
            source=sample.source,
            sighting_id=sample.sighting_id,
            created_by=sample.created_by,
            created_at=now(),
        )
        store.samples.add(row)
        store.vectors.add("sample", sample_id, self.reader.model, face.vector)
        return row

    def _check_room(self, store: Store, person_id: str) -> None:
        if store.samples.counts([person_id])[person_id] >= self.samples_per_person:
            detail = f"person {person_id}: expected less than {self.samples_per_person} samples; remove one first"
            raise Conflict(detail, code="too_many_samples")

    def _discard(self, sample_id: str) -> None:
        """Remove pictures that got no row; when the store is away `keeping` does it later."""
        with contextlib.suppress(Unavailable):
            for key in picture_keys(sample_id):
                self.blobs.delete(key)


def picture_keys(sample_id: str) -> tuple[str, str]:
    """Object keys of the picture for people and of the upright face."""
    return f"{_FOLDER}/{sample_id}/crop.jpg", f"{_FOLDER}/{sample_id}/face.png"


def poor(quality: Quality, field: str = "photo") -> Poor:
    """The refusal of a face: a `quality` line for each reason, and what to do about it in both languages."""
    reasons = quality.reasons
    problems = [FieldProblem("quality", str(one)) for one in reasons] or [FieldProblem("quality", "too_poor")]
    problems += [FieldProblem(f"hint.{language}", hint(reasons, language)) for language in ("zh-CN", "en")]
    words = ", ".join(reasons) or "too poor"
    refusal = Poor(f"{field}: {words}. {hint(reasons, 'en')}", code="face_quality", fields=tuple(problems))
    refusal.quality = quality
    return refusal


def _resembles(store: Store, others: list[Resemblance]) -> Conflict:
    """The refusal of a face that is rather somebody else's: a line for each whom it resembles."""
    known = store.likeness.known([one.person_id for one in others])
    problems = [FieldProblem(f"person.{one.person_id}", known[one.person_id].name) for one in others]
    best = others[0]
    detail = (
        f"photo: expected a face of this person, got one like {known[best.person_id].name} "
        f"({best.score:.2f}, {best.threshold:.2f} is enough)"
    )
    return Conflict(detail, code="face_of_other", fields=tuple(problems))
