"""One picture of an import: whose it is, whether it can be enrolled, and its line of the report. Used by `importing`.

Each line is one transaction: person, sample, vector, the line, the counts, and the proof that this worker still holds
the import appear together or not at all.

Who is who: the same number (`external_ref`) is the same person, also of former imports. Without a number the name must
do: the person of that name if there is just one, a new one if there is none; with several the line is refused. A
picture that looks nothing like those a person has already is refused too: two people of one name, or a wrong picture.
So is a face that somebody else is enrolled with: one human twice, or two who look alike, which a human has to say.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Protocol

from pydantic import BaseModel, ConfigDict

from face_search.adapters.store import Store
from face_search.bundles import BadBundle, Bundle
from face_search.ports import FaceRead
from face_search.resemblance import Resemblance
from face_search.roster import Entry
from shared_kernel.clock import now, now_after
from shared_kernel.database import Database
from shared_kernel.errors import Refused, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Moment, derived_id
from shared_kernel.tables import FaceImport, FaceImportLine, Person

log = get_logger(__name__)

#: How often a worker is heard of while a line takes long, seconds.
_HEARD_EVERY_S: Final = 5.0
LONGEST_DETAIL: Final = 200


class Wanted(BaseModel):
    """What holds for everybody whom an import brings, unless the CSV says otherwise."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    list_ids: tuple[str, ...] = ()
    basis: str = "consent"
    basis_detail: str = ""
    expires_at: Moment | None = None
    #: Faces are enrolled although somebody else has such a one.
    accept_alike: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """A picture that becomes a sample."""

    sample_id: str
    person_id: str
    face: FaceRead
    content_sha256: bytes
    created_by: str | None


class Enrolment(Protocol):
    """What importing asks of `enrol`."""

    def read(self, photo: bytes) -> FaceRead:
        """Decode a stranger's picture and read the face that is to be enrolled.

        Raises:
            Refused: no picture, or no face that can be enrolled; `code` says why.
            Unavailable: no decoder.
        """
        ...

    def is_unlike(self, store: Store, face: FaceRead, person_id: str) -> bool:
        """Tell whether a face is surely not the one of the samples that a person has."""
        ...

    def likest_other(self, store: Store, face: FaceRead, person_id: str) -> Resemblance | None:
        """Say whose face it rather is, of those who are enrolled.

        Raises:
            Unavailable: the index is away and the gallery too large to do without.
        """
        ...

    def keep(self, sample_id: str, face: FaceRead) -> None:
        """Store the pictures of a sample; a repeat stores the same."""
        ...

    def add(self, store: Store, sample: Imported) -> None:
        """Add the rows of a sample whose pictures are stored."""
        ...


class Lost(Exception):
    """Somebody else has this import now, or it was cancelled."""


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a line. `reason` is a code, `detail` words; `person_id`: whose, or whom a refused face is like."""

    outcome: str
    reason: str | None = None
    detail: str | None = None
    person_id: str | None = None
    sample_id: str | None = None


class Hold:
    """A worker's hold on an import. Whoever writes proves it, in the same transaction."""

    def __init__(self, database: Database[Store], row: FaceImport) -> None:
        self.import_id = row.import_id
        self._database = database
        self._heard_at = row.heard_at
        self._turn = threading.Lock()

    @contextmanager
    def proved(self, **progress: object) -> Iterator[Store]:
        """A transaction that is committed only if the import is still held.

        Raises:
            Lost: it is not.
        """
        with self._turn:
            moment = now_after(self._heard_at)
            with self._database.write() as store:
                if not store.imports.hear(self.import_id, self._heard_at, moment, **progress):  # type: ignore[arg-type]
                    raise Lost(self.import_id)
                yield store
            self._heard_at = moment

    def keep(self, ended: threading.Event) -> None:
        """Be heard of until `ended`: a line may take longer than the others are patient."""
        while not ended.wait(_HEARD_EVERY_S):
            try:
                with self.proved():
                    pass
            except Lost:
                return
            except Unavailable as error:
                log.warning("import not heard of", extra=fields(import_id=self.import_id, part=error.part))


class Line:
    """One picture of an import."""

    def __init__(
        self, database: Database[Store], enrolment: Enrolment, row: FaceImport, hold: Hold, entry: Entry
    ) -> None:
        self._database = database
        self._enrolment = enrolment
        self._row = row
        self._hold = hold
        self._entry = entry
        self._wanted = Wanted.model_validate_json(row.settings)

    def settle(self, bundle: Bundle) -> None:
        """Make the line of the report, and what it tells of.

        Raises:
            BadBundle: the whole bundle is bad, as it turns out.
        """
        problem = self._entry.problem
        if problem is not None:
            return self._note(Settled("refused", *problem))
        assert self._entry.file is not None  # noqa: S101 - a line without a file has a problem
        try:
            photo = bundle.read(self._entry.file)
            return self._enrol(photo)
        except BadBundle:
            raise
        except Refused as error:
            return self._note(Settled("refused", _reason(error), error.detail))

    def _enrol(self, photo: bytes) -> None:
        content = hashlib.sha256(photo).digest()
        with self._database.read() as store:
            person_id, exists = self._person_id(store)
            lists = self._lists(store)
            same = store.imports.sample_with(person_id, content) if exists else None
        if same is not None:
            return self._note(Settled("repeated", "repeated", "is enrolled already", person_id, same))
        face = self._enrolment.read(photo)
        with self._database.read() as store:
            if exists and self._enrolment.is_unlike(store, face, person_id):
                raise _refused("other_face", "looks nothing like the pictures of this person that are enrolled")
            held = None if self._may_be_alike else self._held_back(store, face, person_id)
        if held is not None:
            return self._note(held)
        sample_id = derived_id(f"{self._row.import_id}/{self._entry.line_no}", content.hex())
        self._enrolment.keep(sample_id, face)
        with self._hold.proved(accepted=1) as store:
            person_id, exists = self._person_id(store)  # somebody else may have made, merged or erased the person
            if not exists:
                self._add_person(store, person_id)
            store.imports.put_on_lists(person_id, lists, now())
            self._enrolment.add(store, Imported(sample_id, person_id, face, content, self._row.created_by))
            store.imports.add_line(self._line(Settled("accepted", None, None, person_id, sample_id)))
        return None

    @property
    def _may_be_alike(self) -> bool:
        return self._entry.accept_alike or self._wanted.accept_alike

    def _held_back(self, store: Store, face: FaceRead, person_id: str) -> Settled | None:
        """The line for a face that is rather somebody else's. Names them: erasing them empties the line."""
        other = self._enrolment.likest_other(store, face, person_id)
        known = None if other is None else store.likeness.known([other.person_id]).get(other.person_id)
        if other is None or known is None:
            return None
        number = f" ({known.external_ref})" if known.external_ref else ""
        words = f"like {known.name}{number}, who is enrolled: {other.score:.2f}, {other.threshold:.2f} is enough"
        return Settled("refused", "face_of_other", words, other.person_id)

    def _person_id(self, store: Store) -> tuple[str, bool]:
        """Whose picture this is, and whether that person is enrolled.

        Raises:
            Refused: nobody can tell, or the person is being erased.
        """
        number, name = self._entry.external_ref, self._entry.name
        own = derived_id(self._row.import_id, f"person/{number or name}")
        if number:
            found = store.imports.person_with_ref(number)
        else:
            namesakes = store.imports.persons_called(name)
            if len(namesakes) > 1 and own not in namesakes:
                raise _refused("ambiguous_name", f"{len(namesakes)} persons are called so: give their numbers")
            found = namesakes[0] if namesakes and own not in namesakes else None
        found = found or store.imports.person_now(own)
        if store.erasures.of_subject(found or own) is not None:
            raise _refused("erased", "this person was, or is being, erased")
        return found or own, found is not None

    def _lists(self, store: Store) -> frozenset[str]:
        """Lists of the import and of the row.

        Raises:
            Refused: the row names one that does not exist.
        """
        named = store.imports.lists_named(self._entry.lists)
        unknown = [name for name in self._entry.lists if name not in named]
        if unknown:
            raise _refused("no_list", f"lists: expected one that exists, got {', '.join(unknown)}")
        return frozenset({*store.imports.lists_that_exist(self._wanted.list_ids), *named.values()})

    def _add_person(self, store: Store, person_id: str) -> None:
        entry, wanted, moment = self._entry, self._wanted, now()
        store.imports.add_person(
            Person(
                person_id=person_id,
                name=entry.name,
                external_ref=entry.external_ref or None,
                note=entry.note,
                basis=entry.basis or wanted.basis,
                basis_detail=entry.basis_detail or wanted.basis_detail,
                consented_at=entry.consented_at,
                expires_at=entry.expires_at or wanted.expires_at,
                created_by=self._row.created_by,
                created_at=moment,
                updated_at=moment,
            )
        )

    def _note(self, settled: Settled) -> None:
        with self._hold.proved(refused=int(settled.outcome == "refused")) as store:
            store.imports.add_line(self._line(settled))

    def _line(self, settled: Settled) -> FaceImportLine:
        row = FaceImportLine(import_id=self._row.import_id, line_no=self._entry.line_no, file=self._entry.path)
        row.outcome, row.reason = settled.outcome, settled.reason
        row.detail = None if settled.detail is None else settled.detail[:LONGEST_DETAIL]
        row.person_id, row.sample_id = settled.person_id, settled.sample_id
        return row


def _reason(error: Refused) -> str:
    """The code for the report: of a poor face what is worst about it."""
    return next((problem.message for problem in error.fields if problem.field == "quality"), error.code)


def _refused(code: str, detail: str) -> Refused:
    return Refused(detail, code=code)
