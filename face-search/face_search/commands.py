"""What the command line does with imports: a folder or ZIP is put before the workers, and followed line by line.

Needs the database and the object store only. The workers of a running stack do the import; without them it waits.
"""

from __future__ import annotations

import tempfile
import time
import zipfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from face_search.adapters.store import Store
from face_search.bundles import MAX_FILE_BYTES, MAX_FILES, BadBundle, check_outline
from face_search.import_lines import Wanted
from face_search.importing import PREFIX, new_import
from shared_kernel.blobs import Blobs
from shared_kernel.database import Database
from shared_kernel.errors import Invalid, NotFound
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceImport

#: How often a running import is looked at, seconds.
_LOOK_EVERY_S: Final = 0.3
_LINES: Final = 500
_LONGEST_NAME: Final = 120


@dataclass(frozen=True)
class ReportLine:
    """What became of one file."""

    line_no: int
    file: str
    outcome: str
    reason: str | None
    detail: str | None


@dataclass(frozen=True)
class Progress:
    """How far an import is, and the lines that were settled since the last time."""

    state: str
    total: int
    accepted: int
    refused: int
    detail: str | None
    lines: tuple[ReportLine, ...]

    @property
    def ended(self) -> bool:
        return self.state in ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Desk:
    """Where imports are handed in."""

    database_url: str
    blobs_url: str

    def submit(self, path: Path, wanted: Wanted, list_names: Collection[str] = ()) -> str:
        """Hand in a folder or ZIP; the id of the import.

        Args:
            path: a ZIP; or a folder with pictures, and a CSV or a folder for each person.
            wanted: what holds for everybody in it.
            list_names: codes or names of lists to put everybody on.

        Raises:
            Invalid: it is neither, or a list does not exist.
            Unavailable: database or object store are away.
        """
        with tempfile.TemporaryFile() as packed:
            if path.is_dir():
                pack_folder(path, packed)
            elif path.is_file():
                with path.open("rb") as file:
                    check_outline(file)
                    return self._store(path.name, file, wanted, list_names)
            else:
                raise Invalid.field("path", f"expected a folder or a ZIP, got {path}")
            packed.seek(0)
            return self._store(path.resolve().name, packed, wanted, list_names)

    def follow(self, import_id: str) -> Iterator[Progress]:
        """How it goes, until it has ended and every line was told.

        Raises:
            NotFound: there is no such import.
        """
        database = Database(self.database_url, Store)
        after: int | None = None
        try:
            while True:
                with database.read() as store:
                    row = store.imports.get(import_id)
                    rows = store.imports.lines(import_id, after=after, limit=_LINES)
                if row is None:
                    raise NotFound(f"import {import_id}: expected one of this installation", code="no_import")
                after = rows[-1].line_no if rows else after
                found = tuple(ReportLine(one.line_no, one.file, one.outcome, one.reason, one.detail) for one in rows)
                progress = _progress(row, found)
                yield progress
                if progress.ended and len(found) < _LINES:
                    return
                time.sleep(0 if found else _LOOK_EVERY_S)
        finally:
            database.close()

    def _store(self, name: str, file: IO[bytes], wanted: Wanted, list_names: Collection[str]) -> str:
        database, blobs = Database(self.database_url, Store), Blobs.open(self.blobs_url)
        try:
            with database.read() as store:
                named = store.imports.lists_named(list_names)
            unknown = [one for one in list_names if one not in named]
            if unknown:
                raise Invalid.field("list", f"expected lists that exist, got {', '.join(unknown)}")
            everybody = wanted.model_copy(update={"list_ids": (*wanted.list_ids, *named.values())})
            import_id = new_id()
            key = f"{PREFIX}/{import_id}.zip"
            blobs.put_stream(key, file, content_type="application/zip")
            row = new_import(import_id, key, name[:_LONGEST_NAME], everybody, None)
            database.run(lambda store: store.imports.add(row))
        finally:
            database.close()
        return import_id


def pack_folder(folder: Path, out: IO[bytes]) -> None:
    """Write the plain files of a folder into a ZIP, in the order of their paths. Links are not followed.

    Raises:
        BadBundle: too many files.
        OSError: one cannot be read.
    """
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED, strict_timestamps=False) as archive:
        count = 0
        for path in sorted(folder.rglob("*")):
            inside = path.relative_to(folder)
            if path.is_symlink() or not path.is_file() or any(part.startswith(".") for part in inside.parts):
                continue
            count += 1
            if count > MAX_FILES:
                raise BadBundle("too_many", f"expected at most {MAX_FILES} files in {folder}, got more")
            if path.stat().st_size > MAX_FILE_BYTES:  # so much of it that its line of the report says why
                with path.open("rb") as file:
                    archive.writestr(inside.as_posix(), file.read(MAX_FILE_BYTES + 1))
            else:
                archive.write(path, inside.as_posix())


def _progress(row: FaceImport, lines: tuple[ReportLine, ...]) -> Progress:
    return Progress(row.state, row.total, row.accepted, row.refused, row.detail, lines)
