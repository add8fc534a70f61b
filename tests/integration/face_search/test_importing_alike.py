"""A face of an import that somebody else is enrolled with is held back, unless a human says that they are two."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from shared_kernel.tables import FaceImportLine, Person
from tests.integration.face_search.test_importing import Desk


@pytest.fixture
def desk(sqlite_url: str, tmp_path: Path) -> Iterator[Desk]:
    made = Desk(sqlite_url, tmp_path)
    yield made
    made.database.close()


def test_a_face_that_somebody_else_has_is_held_back_and_they_are_named(desk: Desk) -> None:
    desk.do({"t.csv": "file,name,ref\n1.jpg,Ada,7\n", "1.jpg": "face:ada"})
    [ada] = desk.gallery.rows(Person)
    bundle = {"Eve/1.jpg": "face:ada2", "Bob/1.jpg": "face:bob", "Ada/2.jpg": "face:ada3"}
    import_id = desk.do(bundle)
    assert desk.lines(import_id) == [("Eve/1.jpg", "face_of_other"), ("Bob/1.jpg", None), ("Ada/2.jpg", None)]
    [line] = desk.gallery.rows(FaceImportLine, FaceImportLine.reason == "face_of_other")
    assert (line.outcome, line.person_id, line.sample_id) == ("refused", ada.person_id, None)
    assert line.detail == "like Ada (7), who is enrolled: 1.00, 0.50 is enough"
    assert desk.enrolled() == {"Ada": 2, "Bob": 1}
    # whoever is erased is named no more
    with desk.database.write() as store:
        store.traces.remove_samples([row.sample_id for row in store.traces.samples([ada.person_id])])
        store.traces.remove_persons([ada.person_id])
    [line] = desk.gallery.rows(FaceImportLine, FaceImportLine.reason == "face_of_other")
    assert (line.person_id, line.detail) == (None, None)


def test_a_human_may_say_that_they_are_two(desk: Desk) -> None:
    desk.do({"Ada/1.jpg": "face:ada"})
    rows = "file,name,仍然录入\n1.jpg,Eve,是\n2.jpg,Fay,否\n3.jpg,Guy,perhaps\n"
    pictures = {f"{n}.jpg": f"face:ada{n}" for n in (1, 2, 3)}
    import_id = desk.do({"t.csv": rows, **pictures})
    assert [reason for _, reason in desk.lines(import_id)] == [None, "face_of_other", "bad_value"]
    import_id = desk.do({"Fay/2.jpg": "face:ada2"}, accept_alike=True)
    assert desk.lines(import_id) == [("Fay/2.jpg", None)]
    assert desk.enrolled() == {"Ada": 1, "Eve": 1, "Fay": 1}
