"""Imports: who gets whose pictures, a line for each file, and the same end whatever happens on the way."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from obstore.store import LocalStore

from face_search.adapters.store import Store
from face_search.erasing import ask_for_person
from face_search.import_lines import Hold, Lost
from face_search.importing import Importer, run
from face_search.ports import FaceRead
from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.blobs import Blobs
from shared_kernel.clock import now
from shared_kernel.database import Database
from shared_kernel.errors import NotFound, Unavailable
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceImport, FaceImportLine, FaceSample, Person, PersonOnList
from shared_kernel.testing import wait_until
from shared_kernel.testing.mariadb import MariadbServer
from tests.integration.face_search import import_process
from tests.integration.face_search.canned_enrolment import CannedEnrolment
from tests.integration.face_search.dying import Countdown, DyingBlobs, DyingDatabase, Killed
from tests.integration.face_search.gallery import Gallery
from tests.unit.face_search.zips import zipped

NO_LIMIT = 10_000_000
ROOT = Path(__file__).resolve().parents[3]


class Desk:
    """Takes bundles in and lets importers at them."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder, self.blobs_url = url, folder, f"file://{folder}/blobs"
        self.database: Database[Store] = Database(url, Store)
        self.blobs = Blobs.open(self.blobs_url)
        self.gallery = Gallery(self.database, self.blobs)

    def importer(self, database: Database[Store] | None = None, blobs: Blobs | None = None) -> Importer:
        blobs = blobs or self.blobs
        return Importer(database or self.database, blobs, CannedEnrolment(blobs), max_unpacked_bytes=NO_LIMIT)

    def submit(self, files: dict[str, str] | io.BytesIO, **wanted: Any) -> str:
        import_id = new_id()
        bundle = files if isinstance(files, io.BytesIO) else zipped([(n, t.encode()) for n, t in files.items()])
        row = FaceImport(import_id=import_id, name="all.zip", object_key=f"face-imports/{import_id}.zip")
        row.settings, row.state, row.created_at, row.heard_at = json.dumps(wanted), "waiting", now(), now()
        row.total = row.accepted = row.refused = 0
        self.blobs.put(row.object_key, bundle.getvalue())
        self.gallery.add(row)
        return import_id

    def do(self, files: dict[str, str] | io.BytesIO, **wanted: Any) -> str:
        """Submit and do an import; its id."""
        import_id = self.submit(files, **wanted)
        assert self.importer().run_next(threading.Event())
        return import_id

    def row(self, import_id: str) -> FaceImport:
        [row] = self.gallery.rows(FaceImport, FaceImport.import_id == import_id)
        assert isinstance(row, FaceImport)
        return row

    def lines(self, import_id: str) -> list[tuple[str, str | None]]:
        """File, and why it was not enrolled."""
        with self.database.read() as store:
            return [(line.file, line.reason) for line in store.imports.lines(import_id, limit=1000)]

    def enrolled(self) -> dict[str, int]:
        """Name to pictures."""
        names = {row.person_id: row.name for row in self.gallery.rows(Person)}
        found = dict.fromkeys(names.values(), 0)
        for row in self.gallery.rows(FaceSample):
            found[names[row.person_id]] += 1
        return found

    def silent(self, import_id: str) -> None:
        """Make the worker of an import one that was not heard of for a minute."""
        with self.database.write() as store:
            row = store.imports.get(import_id)
            assert row is not None
            row.heard_at = now() - timedelta(minutes=1)


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("imports") / "xunshi.db"
    upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def make_desk(template: Path, tmp_path: Path) -> Iterator[Callable[[], Desk]]:
    made: list[Desk] = []

    def make() -> Desk:
        folder = tmp_path / str(len(made))
        folder.mkdir()
        shutil.copy(template, folder / "xunshi.db")
        made.append(Desk(f"sqlite:///{folder}/xunshi.db", folder))
        return made[-1]

    yield make
    for desk in made:
        desk.database.close()


@pytest.fixture
def desk(make_desk: Callable[[], Desk]) -> Desk:
    return make_desk()


FOLDERS = {
    "Ada/1.jpg": "face:ada1",
    "Ada/2.jpg": "face:ada2",
    "Bob/1.jpg": "face:bob1",
    "Bob/2.jpg": "bad:blurred",
    "Bob/note.txt": "shy",
    "../../etc/passwd.jpg": "root",
}


def check_folders(desk: Desk) -> None:
    staff = desk.gallery.face_list(name="Staff")
    import_id = desk.do(FOLDERS, list_ids=[staff, new_id()], basis="contract")
    row = desk.row(import_id)
    assert (row.state, row.total, row.accepted, row.refused, row.detail) == ("done", 6, 3, 3, None)
    assert row.ended_at is not None
    assert desk.lines(import_id) == [
        ("Ada/1.jpg", None),
        ("Ada/2.jpg", None),
        ("Bob/1.jpg", None),
        ("Bob/2.jpg", "blurred"),
        ("Bob/note.txt", "not_a_picture"),
        ("../../etc/passwd.jpg", "bad_path"),
    ]
    assert desk.enrolled() == {"Ada": 2, "Bob": 1}
    assert {row.basis for row in desk.gallery.rows(Person)} == {"contract"}
    assert [row.list_id for row in desk.gallery.rows(PersonOnList)] == [staff, staff]
    with pytest.raises(NotFound):
        desk.blobs.get(row.object_key)
    assert not desk.importer().run_next(threading.Event())

    again = desk.do({**FOLDERS, "Ada/3.jpg": "face:ada3"})
    assert [reason for _, reason in desk.lines(again)][:4] == ["repeated", "repeated", "repeated", "blurred"]
    assert desk.enrolled() == {"Ada": 3, "Bob": 1}
    assert desk.row(again).accepted == 1
    with desk.database.read() as store:
        assert store.imports.repeated([import_id, again]) == {again: 3}


def test_folders_become_persons_and_a_repeat_adds_what_is_new(desk: Desk) -> None:
    check_folders(desk)


def test_it_is_the_same_on_mariadb(mariadb_server: MariadbServer, tmp_path: Path) -> None:
    url = mariadb_server.make_database()
    upgrade(url)
    desk = Desk(url, tmp_path)
    check_folders(desk)
    desk.database.close()
    mariadb_server.drop_database(url)


def test_the_table_says_who_is_who(desk: Desk) -> None:
    desk.gallery.face_list(name="员工")
    csv = (
        "照片,姓名,编号,名单,备注,依据,有效期至\n"
        "1.jpg,张伟,007,员工,夜班,合同,2030-01-31\n"
        "2.jpg,张伟,008,,,,\n"
        "3.jpg,张伟,007,,,,\n"
        "4.jpg,李娜,009,没有的,,,\n"
    )
    pictures = {"1.jpg": "face:wei", "2.jpg": "face:other", "3.jpg": "face:wei2", "4.jpg": "face:na"}
    import_id = desk.do({"persons.csv": csv, **pictures}, basis="duty")
    assert [reason for _, reason in desk.lines(import_id)] == [None, None, None, "no_list"]
    first, second = sorted(desk.gallery.rows(Person), key=lambda row: str(row.external_ref))
    assert (first.name, first.external_ref, first.note, first.basis) == ("张伟", "007", "夜班", "contract")
    assert first.expires_at is not None
    assert (second.external_ref, second.basis, second.expires_at) == ("008", "duty", None)
    assert [row.person_id for row in desk.gallery.rows(PersonOnList)] == [first.person_id]


def test_who_has_the_number_is_the_person_also_after_two_turned_out_to_be_one(desk: Desk) -> None:
    ada = desk.gallery.person("Ada", external_ref="1")
    desk.gallery.person("Countess", external_ref="2", merged_into=ada)
    desk.do({"t.csv": "file,name,ref\n1.jpg,Anybody,2\n", "1.jpg": "face:ada"})
    assert desk.enrolled() == {"Ada": 1, "Countess": 0}


def test_two_persons_of_one_name_need_numbers(desk: Desk) -> None:
    desk.gallery.person("Ada")
    import_id = desk.do({"Ada/1.jpg": "face:ada"})
    assert desk.lines(import_id) == [("Ada/1.jpg", None)]
    desk.gallery.person("Ada")
    import_id = desk.do({"Ada/2.jpg": "face:ada2"})
    assert desk.lines(import_id) == [("Ada/2.jpg", "ambiguous_name")]


def test_a_picture_of_somebody_else_is_refused_and_leaves_nothing(desk: Desk) -> None:
    import_id = desk.do({"Ada/1.jpg": "face:ada", "Ada/2.jpg": "face:bob"})
    assert desk.lines(import_id) == [("Ada/1.jpg", None), ("Ada/2.jpg", "other_face")]
    assert len(desk.gallery.objects()) == 2


def test_who_is_erased_while_an_import_runs_is_not_enrolled_again_by_it(desk: Desk) -> None:
    import_id = desk.submit({f"Ada/{n}.jpg": f"slow:ada{n}" for n in range(20)})
    thread = threading.Thread(target=desk.importer().run_next, args=(threading.Event(),))
    thread.start()
    wait_until(lambda: desk.row(import_id).accepted >= 1)
    [ada] = [row.person_id for row in desk.gallery.rows(Person)]
    with desk.database.write() as store:
        ask_for_person(store, ada, cause="request", reason="", requested_by=None)
    thread.join()
    reasons = [reason for _, reason in desk.lines(import_id)]
    assert (reasons[0], reasons[-1]) == (None, "erased")
    assert desk.enrolled()["Ada"] == reasons.count(None)


@pytest.mark.parametrize(
    ("bundle", "words"),
    [
        pytest.param(io.BytesIO(b"no zip"), "expected a ZIP", id="no zip"),
        pytest.param(zipped([("a.csv", b"what,ever\n")]), "expected a column file", id="no table"),
        pytest.param(zipped([(f"{n}/1.jpg", bytes(900_000)) for n in range(20)]), "unpacked", id="too much in all"),
    ],
)
def test_a_bad_bundle_fails_with_its_reason(desk: Desk, bundle: io.BytesIO, words: str) -> None:
    import_id = desk.do(bundle)
    row = desk.row(import_id)
    assert row.state == "failed"
    assert words in str(row.detail)
    assert desk.gallery.objects("face-imports") == set()


def test_a_bundle_that_is_gone_fails(desk: Desk) -> None:
    import_id = desk.submit({})
    desk.blobs.delete(desk.row(import_id).object_key)
    desk.importer().run_next(threading.Event())
    assert desk.row(import_id).state == "failed"


MANY = {f"P{n}/1.jpg": f"slow:p{n}x" for n in range(24)}


def end(desk: Desk, import_id: str) -> None:
    """Check that every picture was enrolled just once."""
    row = desk.row(import_id)
    assert (row.state, row.accepted, row.refused) == ("done", len(MANY), 0)
    assert [line.line_no for line in desk.gallery.rows(FaceImportLine)] == list(range(1, len(MANY) + 1))
    assert desk.enrolled() == {f"P{n}": 1 for n in range(len(MANY))}
    assert len(desk.gallery.objects()) == 2 * len(MANY)


def process(desk: Desk) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", import_process.__name__, desk.url, desk.blobs_url]
    return subprocess.Popen(command, cwd=ROOT)


def test_killed_with_nine_it_goes_on_where_it_was(desk: Desk) -> None:
    import_id = desk.submit(MANY)
    with process(desk) as worker:
        wait_until(lambda: desk.row(import_id).accepted >= 5)
        worker.kill()
    reached = desk.row(import_id).accepted
    assert reached < len(MANY)
    assert not desk.importer().run_next(threading.Event())  # it may be alive yet
    desk.silent(import_id)
    assert desk.importer().run_next(threading.Event())
    end(desk, import_id)


def test_two_workers_on_one_queue_do_each_line_once(desk: Desk) -> None:
    import_id = desk.submit(MANY)
    with process(desk) as one, process(desk) as other:
        for worker in (one, other):
            assert worker.wait(60) == 0
    end(desk, import_id)


def test_who_was_taken_over_writes_nothing_more(desk: Desk) -> None:
    import_id = desk.submit({"Ada/1.jpg": "face:ada"})
    with desk.database.write() as store:
        row = store.imports.claim(now(), timedelta(seconds=20))
        assert row is not None
    former = Hold(desk.database, row)
    desk.silent(import_id)
    assert desk.importer().run_next(threading.Event())
    with pytest.raises(Lost), former.proved():
        pytest.fail("it was lost")
    assert desk.row(import_id).state == "done"


def test_a_crash_at_any_step_is_made_good(make_desk: Callable[[], Desk]) -> None:
    files = {"Ada/1.jpg": "face:ada1", "Ada/2.jpg": "bad:dark", "Ada/3.jpg": "face:ada3"}
    crashes = 0
    while True:
        desk, countdown = make_desk(), Countdown(crashes)
        import_id = desk.submit(files)
        dying = DyingDatabase(desk.url, countdown)
        try:
            desk.importer(dying, DyingBlobs(f"{desk.folder}/blobs", countdown)).run_next(threading.Event())
        except Killed:
            crashes += 1
        dying.close()
        if desk.row(import_id).state != "done":
            desk.silent(import_id)
            assert desk.importer().run_next(threading.Event())
        assert desk.lines(import_id) == [("Ada/1.jpg", None), ("Ada/2.jpg", "dark"), ("Ada/3.jpg", None)]
        row = desk.row(import_id)
        assert (row.state, row.total, row.accepted, row.refused) == ("done", 3, 2, 1)
        assert desk.enrolled() == {"Ada": 2}
        assert len(desk.gallery.objects()) == 2 * 2
        if not countdown.reached:
            break
    assert crashes > 20


def test_a_cancelled_import_ends_between_two_lines(desk: Desk) -> None:
    import_id = desk.submit(MANY)
    thread = threading.Thread(target=desk.importer().run_next, args=(threading.Event(),))
    thread.start()
    wait_until(lambda: desk.row(import_id).accepted >= 2)
    with desk.database.write() as store:
        assert store.imports.cancel(import_id, now())
    thread.join()
    row = desk.row(import_id)
    assert (row.state, row.accepted) == ("cancelled", len(desk.lines(import_id)))
    assert row.accepted < len(MANY)
    with desk.database.write() as store:
        assert not store.imports.cancel(import_id, now())


def test_a_worker_that_stops_gives_the_import_back(desk: Desk) -> None:
    import_id = desk.submit(MANY)
    stop = threading.Event()
    stop.set()
    assert desk.importer().run_next(stop)
    assert desk.row(import_id).state == "waiting"
    assert desk.importer().run_next(threading.Event())
    end(desk, import_id)


class AwayBlobs(Blobs):
    """Is away the first times that something is stored."""

    def __init__(self, folder: Path, times: int) -> None:
        super().__init__(LocalStore(prefix=folder))
        self.times = times

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        self.times -= 1
        if self.times >= 0:
            raise Unavailable("object storage", "away")
        super().put(key, data, content_type=content_type)


def test_while_the_store_is_away_a_line_waits(desk: Desk) -> None:
    import_id = desk.submit({"Ada/1.jpg": "face:ada", "Bob/1.jpg": "face:bob"})
    blobs = AwayBlobs(desk.folder / "blobs", times=3)
    desk.importer(blobs=blobs).run_next(threading.Event())
    assert blobs.times < 0
    assert desk.row(import_id).state == "done"
    assert desk.enrolled() == {"Ada": 1, "Bob": 1}


class BrokenEnrolment(CannedEnrolment):
    """Has a defect of ours."""

    def read(self, photo: bytes) -> FaceRead:
        raise RuntimeError(f"a defect at {len(photo)} bytes")


def test_a_defect_of_ours_ends_one_import_and_not_the_worker(desk: Desk) -> None:
    first, second = desk.submit({"Ada/1.jpg": "face:ada"}), desk.submit({"Ada/1.jpg": "face:ada"})
    broken = Importer(desk.database, desk.blobs, BrokenEnrolment(desk.blobs), max_unpacked_bytes=NO_LIMIT)
    assert broken.run_next(threading.Event())
    assert (desk.row(first).state, desk.row(first).detail) == ("failed", "an error of ours; the log has it")
    stop = threading.Event()
    thread = threading.Thread(target=run, args=(desk.importer(), stop))
    thread.start()
    wait_until(lambda: desk.row(second).state == "done")
    stop.set()
    thread.join()
