"""Imports from the command line: a folder becomes a ZIP, a list is found by name, every line is told."""

from __future__ import annotations

import io
import threading
from pathlib import Path

import pytest

from face_search.bundles import MAX_FILE_BYTES, BadBundle, Bundle
from face_search.commands import Desk, pack_folder
from face_search.import_lines import Wanted
from face_search.importing import Importer
from shared_kernel.errors import Invalid, NotFound
from shared_kernel.messages import new_id
from shared_kernel.tables import FaceImport, PersonOnList
from tests.integration.face_search.canned_enrolment import CannedEnrolment
from tests.integration.face_search.gallery import Gallery
from tests.integration.face_search.world import World
from tests.unit.face_search.zips import zipped


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two persons, a link out of the folder, and what a file manager leaves."""
    place = tmp_path / "全员"
    for path, text in {
        "Ada/1.jpg": "face:ada",
        "Bob/1.jpg": "face:bob",
        "Bob/.DS_Store": "",
        ".git/x.jpg": "x",
    }.items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(text)
    (tmp_path / "secret.jpg").write_text("face:root")
    (place / "Ada" / "2.jpg").symlink_to(tmp_path / "secret.jpg")
    return place


def desk_of(world: World) -> Desk:
    return Desk(world.settings.database_url.get_secret_value(), world.settings.blobs_url)


def do(world: World) -> None:
    enrolment = CannedEnrolment(world.parts.blobs)
    importer = Importer(world.database, world.parts.blobs, enrolment, max_unpacked_bytes=10**6)
    assert importer.run_next(threading.Event())


def test_a_folder_is_packed_without_links_and_hidden_files(folder: Path) -> None:
    out = io.BytesIO()
    pack_folder(folder, out)
    bundle = Bundle(out)
    assert [(file.path, bundle.read(file)) for file in bundle.files] == [
        ("Ada/1.jpg", b"face:ada"),
        ("Bob/1.jpg", b"face:bob"),
    ]


def test_a_file_that_is_too_large_gets_its_line(folder: Path) -> None:
    with (folder / "Ada" / "film.jpg").open("wb") as file:
        file.truncate(MAX_FILE_BYTES * 50)
    out = io.BytesIO()
    pack_folder(folder, out)
    problems = [file.problem[0] for file in Bundle(out).files if file.problem]
    assert problems == ["too_large"]


def test_a_folder_is_handed_in_done_and_told_line_by_line(small_world: World, folder: Path) -> None:
    gallery, desk = Gallery(small_world.database, small_world.parts.blobs), desk_of(small_world)
    listed = gallery.face_list(name="员工")
    import_id = desk.submit(folder, Wanted(basis="contract"), ["员工"])
    [row] = gallery.rows(FaceImport)
    assert (row.name, row.created_by) == ("全员", None)
    do(small_world)
    told = list(desk.follow(import_id))
    assert [(line.file, line.outcome) for one in told for line in one.lines] == [
        ("Ada/1.jpg", "accepted"),
        ("Bob/1.jpg", "accepted"),
    ]
    assert (told[-1].state, told[-1].accepted, told[-1].ended) == ("done", 2, True)
    assert {row.list_id for row in gallery.rows(PersonOnList)} == {listed}


def test_lines_are_told_while_it_runs(small_world: World, tmp_path: Path) -> None:
    path = tmp_path / "all.zip"
    path.write_bytes(zipped([(f"P{n}/1.jpg", f"slow:p{n}x".encode()) for n in range(12)]).getvalue())
    desk = desk_of(small_world)
    import_id = desk.submit(path, Wanted())
    thread = threading.Thread(target=do, args=(small_world,))
    thread.start()
    told = list(desk.follow(import_id))
    thread.join()
    assert [line.line_no for one in told for line in one.lines] == list(range(1, 13))
    assert len([one for one in told if one.lines]) > 1


def test_what_cannot_be_handed_in_is_refused_at_once(small_world: World, folder: Path, tmp_path: Path) -> None:
    desk = desk_of(small_world)
    no_zip = tmp_path / "x.zip"
    no_zip.write_text("no zip")
    with pytest.raises(BadBundle):
        desk.submit(no_zip, Wanted())
    with pytest.raises(Invalid, match="folder or a ZIP"):
        desk.submit(tmp_path / "nothing", Wanted())
    with pytest.raises(Invalid, match="list"):
        desk.submit(folder, Wanted(), ["nobody's"])
    with pytest.raises(NotFound):
        list(desk.follow(new_id()))
    assert list(small_world.parts.blobs.keys("face-imports")) == []
