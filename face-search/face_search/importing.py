"""A bundle of pictures in, persons and samples out, with a line of the report for each file.

An import that was cut off anywhere goes on with the first line that is missing; of two workers that both believe to
hold one, the one goes on that was heard of last (`import_lines`).
"""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from functools import partial
from typing import IO, Final

from face_search.adapters.store import Store
from face_search.bundles import BadBundle, BadFile, Bundle
from face_search.import_lines import LONGEST_DETAIL, Enrolment, Hold, Line, Lost, Wanted
from face_search.roster import Entry, by_folders, by_table, table_of
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.tables import FaceImport

log = get_logger(__name__)

#: Folder of the bundles in object storage.
PREFIX: Final = "face-imports"
#: An import whose worker was not heard of for this long is taken over.
SILENCE: Final = timedelta(seconds=20)
#: How soon an import that waits is begun, seconds.
_LOOK_EVERY_S: Final = 1.0
#: First and longest pause before something that was away is tried again, seconds.
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_PIECE_BYTES: Final = 4 * 1024 * 1024


def new_import(import_id: str, key: str, name: str, wanted: Wanted, created_by: str | None) -> FaceImport:
    """The row of an import whose ZIP is stored under `key`."""
    moment = now()
    return FaceImport(
        import_id=import_id,
        name=name,
        object_key=key,
        settings=wanted.model_dump_json(),
        state="waiting",
        total=0,
        accepted=0,
        refused=0,
        detail=None,
        created_by=created_by,
        created_at=moment,
        heard_at=moment,
        ended_at=None,
    )


class Importer:
    """Does imports, one at a time. Not thread safe; several of them share one queue."""

    def __init__(
        self,
        database: Database[Store],
        blobs: Blobs,
        enrolment: Enrolment,
        *,
        max_unpacked_bytes: int,
        zone: tzinfo | None = None,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._enrolment = enrolment
        self._max_unpacked_bytes = max_unpacked_bytes
        self._zone = zone or datetime.now().astimezone().tzinfo

    def run_next(self, stop: threading.Event) -> bool:
        """Do the import that has waited longest, or what a dead worker left of one; False when there is none.

        Raises:
            Unavailable: something is away; the import goes on later.
        """
        row = self._database.run(lambda store: store.imports.claim(now(), SILENCE))
        if row is None:
            return False
        hold, ended = Hold(self._database, row), threading.Event()
        keeper = threading.Thread(target=hold.keep, args=(ended,), name="import-keeper")
        keeper.start()
        log.info("import begins", extra=fields(import_id=row.import_id))
        try:
            self._do(row, hold, stop)
        except Lost:
            log.info("import is not ours any more", extra=fields(import_id=row.import_id))
        except Unavailable:
            raise
        except Exception:  # the worker loop: one import must not stop the others
            log.exception("import failed", extra=fields(import_id=row.import_id))
            self._end(row, hold, "failed", "an error of ours; the log has it")
        finally:
            ended.set()
            keeper.join()
        return True

    def _do(self, row: FaceImport, hold: Hold, stop: threading.Event) -> None:
        """Settle every line that is missing.

        Raises:
            Lost: somebody else has the import now, or it was cancelled.
        """
        try:
            with self._fetched(row.object_key) as file:
                bundle = Bundle(file, max_unpacked_bytes=self._max_unpacked_bytes)
                entries = self._entries(bundle)
                with hold.proved(total=len(entries)) as store:
                    done = store.imports.lines_done(row.import_id)
                for entry in entries:
                    if entry.line_no not in done:
                        line = Line(self._database, self._enrolment, row, hold, entry)
                        _patiently(partial(line.settle, bundle), stop)
                    if stop.is_set():
                        return self._give_back(hold)
        except (BadBundle, NotFound) as error:
            self._end(row, hold, "failed", error.detail[:LONGEST_DETAIL])
        else:
            self._end(row, hold, "done", None)
        return None

    def _give_back(self, hold: Hold) -> None:
        """We stop: whoever comes next need not wait until we count as dead."""
        with hold.proved(state="waiting"):
            pass

    def _entries(self, bundle: Bundle) -> Sequence[Entry]:
        table = table_of(bundle.files)
        if table is None:
            return by_folders(bundle.files)
        try:
            content = bundle.read(table)
        except BadFile as error:
            raise BadBundle(error.code, f"{table.path}: {error.detail}") from error
        assert self._zone is not None  # noqa: S101 - for the type checker: local time has a zone
        return by_table(bundle.files, table, content, self._zone)

    @contextmanager
    def _fetched(self, key: str) -> Iterator[IO[bytes]]:
        """The bundle as a file without a name: it is gone when the process is."""
        size = self._blobs.size(key)
        with tempfile.TemporaryFile() as file:
            for start in range(0, size, _PIECE_BYTES):
                file.write(self._blobs.part(key, start, min(size, start + _PIECE_BYTES)))
            file.seek(0)
            yield file

    def _end(self, row: FaceImport, hold: Hold, state: str, detail: str | None) -> None:
        with hold.proved(state=state, detail=detail, ended_at=now()):
            pass
        self._blobs.delete(row.object_key)
        log.info("import ended", extra=fields(import_id=row.import_id, state=state, detail=detail))


def run(importer: Importer, stop: threading.Event) -> None:
    """Do imports until `stop`."""
    while not stop.is_set():
        try:
            did = importer.run_next(stop)
        except Unavailable as error:
            log.warning("imports wait", extra=fields(part=error.part))
            did = False
        if not did:
            stop.wait(_LOOK_EVERY_S)


def _patiently(work: Callable[[], None], stop: threading.Event) -> None:
    """Work, and try again as long as something is away, until `stop`."""
    pause_s = _FIRST_PAUSE_S
    while True:
        try:
            return work()
        except Unavailable as error:
            log.warning("import waits", extra=fields(part=error.part, reason=error.reason))
            if stop.wait(pause_s):
                return None
            pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
