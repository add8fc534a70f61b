"""A worker that does imports, as a process that can be killed: `python import_process.py DATABASE_URL BLOBS_URL`."""

from __future__ import annotations

import sys
import threading

from face_search.adapters.store import Store
from face_search.importing import Importer
from shared_kernel.blobs import Blobs
from shared_kernel.database import Database
from tests.integration.face_search.canned_enrolment import CannedEnrolment


def main() -> None:
    database, blobs = Database(sys.argv[1], Store), Blobs.open(sys.argv[2])
    importer = Importer(database, blobs, CannedEnrolment(blobs), max_unpacked_bytes=1_000_000)
    while importer.run_next(threading.Event()):
        pass


if __name__ == "__main__":
    main()
