"""Packs come, go, change and break while the shelf is in use; files are judged by what is in them."""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest

from inference_service.packs import shelf as shelf_module
from inference_service.packs.card import Card
from inference_service.packs.manifest import Task
from inference_service.packs.problem import BadPack, bad
from inference_service.packs.shelf import Shelf
from shared_kernel.errors import ArtifactError, NotFound
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found
from tests.unit.inference_service.pack_folders import NETWORK, write_pack


class CannedModel:
    """Finds the folder of its pack in every picture."""

    def __init__(self, card: Card) -> None:
        self.card = card

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        return [[Found(self.card.folder.name, 1.0, (0, 0, 1, 1))] for _ in pictures]


class CountingOpener:
    def __init__(self) -> None:
        self.opened: list[str] = []

    def __call__(self, card: Card) -> CannedModel:
        self.opened.append(f"{card.name} {card.version}")
        return CannedModel(card)


@pytest.fixture
def opener() -> CountingOpener:
    return CountingOpener()


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "packs"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return tmp_path / "project"


@pytest.fixture
def shelf(own: Path, project: Path, tmp_path: Path, opener: CountingOpener) -> Shelf:
    return Shelf(own, tmp_path / "weights", opener, builtin=project, look_every_s=0)


def test_a_folder_that_comes_gives_a_model_and_one_that_goes_takes_it(
    shelf: Shelf, own: Path, opener: CountingOpener
) -> None:
    assert shelf.cards() == []
    with pytest.raises(NotFound, match=r"model 'helmet': expected one of \(none is ready\)"):
        shelf.open("helmet")
    write_pack(own / "any-name")
    model = shelf.open("helmet")
    assert shelf.open("helmet") is model
    assert opener.opened == ["helmet 1"]
    os.rename(own / "any-name", own.parent / "elsewhere")  # noqa: PTH104 - the folder goes at once, as with mv
    assert shelf.cards() == []
    with pytest.raises(NotFound):
        shelf.open("helmet")


def test_the_newest_version_is_meant_and_every_one_can_be_asked_for(shelf: Shelf, own: Path) -> None:
    for version in ("1.9", "1.10", "0.3"):
        write_pack(own / f"v{version}", version=version)
    assert [card.version for card in shelf.cards()] == ["1.10", "1.9", "0.3"]
    assert shelf.find("helmet").version == "1.10"
    assert shelf.find("helmet", "0.3").version == "0.3"
    with pytest.raises(NotFound, match=r"model 'helmet', version 7: expected one of helmet"):
        shelf.find("helmet", "7")


def test_a_newer_version_takes_over_while_the_old_one_still_runs(shelf: Shelf, own: Path) -> None:
    write_pack(own / "old")
    old = shelf.open("helmet")
    write_pack(own / "new", version="2", network=NETWORK + b"2")
    assert shelf.open("helmet") is not old
    assert shelf.open("helmet", "1") is old


def test_a_pack_that_is_changed_in_its_place_is_loaded_anew(shelf: Shelf, own: Path, opener: CountingOpener) -> None:
    write_pack(own / "helmet")
    first = shelf.open("helmet")
    write_pack(own / "helmet", version="2", network=NETWORK + b"better")
    assert shelf.open("helmet") is not first
    assert opener.opened == ["helmet 1", "helmet 2"]


def test_what_did_not_change_is_not_read_again(shelf: Shelf, own: Path) -> None:
    write_pack(own / "helmet")
    [first] = shelf.cards()
    shelf.refresh()
    [again] = shelf.cards()
    assert again.manifest is first.manifest


def test_a_half_copied_pack_is_broken_until_it_is_whole(shelf: Shelf, own: Path) -> None:
    folder = write_pack(own / "helmet", network=NETWORK * 50)
    (folder / "best.onnx").write_bytes(NETWORK * 49)
    [card] = shelf.cards()
    assert card.state == "broken"
    assert re.search(r"files\.0\.sha256: expected sha256 \w{64} .*got \w{64}.*still being copied", card.reason)
    with pytest.raises(NotFound, match=r"model 'helmet' is broken: files\.0\.sha256"):
        shelf.open("helmet")
    (folder / "best.onnx").unlink()
    assert "files.0.path: expected best.onnx, got no such file" in shelf.cards()[0].reason
    (folder / "best.onnx").write_bytes(NETWORK * 50)
    assert shelf.cards()[0].state == "ready"


def test_a_broken_pack_harms_no_other_and_says_why(shelf: Shelf, own: Path) -> None:
    write_pack(own / "helmet")
    (own / "empty").mkdir()
    (own / "nonsense").mkdir()
    (own / "nonsense" / "model.yaml").write_text("name: [")
    (own / ".copying").mkdir()
    (own / "README.txt").write_text("no pack")
    cards = shelf.cards()
    assert [(card.name, card.state) for card in cards] == [
        ("helmet", "ready"),
        ("empty", "broken"),
        ("nonsense", "broken"),
    ]
    assert cards[1].reason == "model.yaml: expected a file of this name, got none"
    assert cards[2].reason.startswith("model.yaml: expected plain YAML")


def test_the_same_version_twice_is_refused_for_the_second(shelf: Shelf, own: Path, project: Path) -> None:
    write_pack(project / "helmet")
    write_pack(own / "mine", version="1.0")
    write_pack(own / "other", version="2")
    write_pack(own / "third", version="2.0")
    broken = {card.folder.name: card.reason for card in shelf.cards() if card.state == "broken"}
    assert broken == {
        "mine": "version: expected another than 1.0, which the project has already; raise it",
        "third": "version: expected another than 2.0, which folder other has already; raise it",
    }


def test_the_operators_default_goes_before_the_projects(shelf: Shelf, own: Path, project: Path) -> None:
    write_pack(project / "things", name="things", extra="default: true")
    assert shelf.default("detect").name == "things"
    write_pack(own / "helmet", extra="default: true")
    assert shelf.default("detect").name == "helmet"
    assert [card.name for card in shelf.cards() if card.default] == ["helmet"]


def test_of_two_defaults_the_first_by_name_is_taken_and_the_other_says_so(shelf: Shelf, own: Path) -> None:
    write_pack(own / "b", name="boots", extra="default: true")
    write_pack(own / "h", name="helmet", extra="default: true")
    assert shelf.default("detect").name == "boots"
    helmet = shelf.find("helmet")
    assert helmet.state == "ready"
    assert helmet.reason == "default: expected one default for detect, got boots and helmet; boots is it"


@pytest.mark.parametrize(("wanted", "expected"), [({"detect": "helmet"}, "helmet"), ({}, "boots")])
def test_the_setting_decides_over_all(own: Path, tmp_path: Path, wanted: dict[Task, str], expected: str) -> None:
    write_pack(own / "b", name="boots", extra="default: true")
    write_pack(own / "h", name="helmet")
    shelf = Shelf(own, tmp_path, defaults=wanted, builtin=tmp_path / "none", look_every_s=0)
    assert shelf.default("detect").name == expected
    assert [card.name for card in shelf.cards() if card.default] == [expected]


def test_a_task_without_a_choice_is_an_error_that_names_the_choice(shelf: Shelf, own: Path) -> None:
    with pytest.raises(NotFound, match=r"task detect: expected a model for it, got none"):
        shelf.default("detect")
    write_pack(own / "b", name="boots")
    assert shelf.default("detect").name == "boots"
    write_pack(own / "h", name="helmet")
    with pytest.raises(NotFound, match=r"task detect: expected one default, got boots, helmet and none chosen"):
        shelf.default("detect")


def test_a_model_that_fails_its_trial_is_broken_and_is_not_tried_again(own: Path, tmp_path: Path) -> None:
    tries: list[str] = []

    class Odd(CannedModel):
        def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
            tries.append(f"{self.card.name}: {len(pictures)}")
            raise ValueError("expected 1 x 5 x N (box, 1 labels), got 1 x 84 x 8400")

    shelf = Shelf(own, tmp_path, Odd, builtin=tmp_path / "none", look_every_s=0)
    write_pack(own / "helmet")
    with pytest.raises(BadPack, match=r"pack helmet: decode: expected 1 x 5 x N .*got 1 x 84 x 8400"):
        shelf.open("helmet")
    [card] = shelf.cards()
    assert (card.state, card.reason) == ("broken", "decode: expected 1 x 5 x N (box, 1 labels), got 1 x 84 x 8400")
    with pytest.raises(NotFound, match=r"helmet' is broken: decode"):
        shelf.open("helmet")
    assert tries == ["helmet: 1"]
    write_pack(own / "helmet", version="2", network=NETWORK + b"2")
    with pytest.raises(BadPack):
        shelf.open("helmet")


def test_a_pack_that_changes_while_it_is_loaded_is_not_taken(own: Path, tmp_path: Path) -> None:
    def swapping(card: Card) -> CannedModel:
        (card.folder / "best.onnx").write_bytes(b"something else")
        return CannedModel(card)

    shelf = Shelf(own, tmp_path, swapping, builtin=tmp_path / "none", look_every_s=0)
    write_pack(own / "helmet")
    with pytest.raises(BadPack, match=r"files: expected the same files to the end"):
        shelf.open("helmet")


def test_many_threads_load_a_model_once(shelf: Shelf, own: Path, opener: CountingOpener) -> None:
    write_pack(own / "helmet")
    start, models = threading.Barrier(8), []

    def ask() -> None:
        start.wait()
        models.append(shelf.open("helmet"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(models) == 8
    assert len(set(map(id, models))) == 1
    assert opener.opened == ["helmet 1"]


def test_packs_come_and_go_under_the_hands_of_many_readers(shelf: Shelf, own: Path) -> None:
    write_pack(own / "boots", name="boots")
    stop = threading.Event()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                shelf.open("boots")
                # It may be gone, or have been changed between the look and the loading, which says so.
                with contextlib.suppress(NotFound, BadPack):
                    shelf.open("helmet")
        except BaseException as error:
            failures.append(error)
            raise

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for turn in range(20):
        folder = write_pack(own / "helmet", version=str(turn))
        shelf.refresh()
        for path in folder.iterdir():
            path.unlink()
        folder.rmdir()
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    assert [card.name for card in shelf.cards()] == ["boots"]


def test_a_process_that_only_lists_does_not_load(own: Path, tmp_path: Path) -> None:
    write_pack(own / "helmet")
    with pytest.raises(BadPack, match="only lists"):
        Shelf(own, tmp_path, builtin=tmp_path / "none").open("helmet")


def test_more_folders_than_can_be_meant_are_not_looked_at(shelf: Shelf, own: Path) -> None:
    for number in range(shelf_module.MAX_PACKS + 5):
        (own / f"{number:04}").mkdir(parents=True)
    assert len(shelf.cards()) == shelf_module.MAX_PACKS


@pytest.mark.parametrize("fault", ["gone", "altered"])
def test_a_pack_of_the_project_that_lacks_its_fetched_file_says_how_to_get_it(tmp_path: Path, fault: str) -> None:
    if fault == "altered":
        (tmp_path / "picodet_s_416.pdmodel").write_bytes(b"no network")
    shelf = Shelf(None, tmp_path)
    coco = shelf.find("coco80")
    assert coco.state == "missing"
    assert "xunshi models fetch" in coco.reason
    with pytest.raises(ArtifactError, match="xunshi models fetch"):
        shelf.open("coco80")
    assert shelf.default("state").name == "mask"


def test_the_packs_of_the_project_say_all_in_both_languages(tmp_path: Path) -> None:
    shelf = Shelf(None, tmp_path)
    for name, count in (("mask", 3), ("coco80", 80)):
        labels = shelf.find(name).labels
        assert len(labels) == count
        assert len({label.colour for label in labels}) == count
        for label in labels:
            assert re.search(r"[\u4e00-\u9fff]", label.zh)
            assert label.en.isascii()


def test_an_error_while_loading_names_pack_and_field(own: Path, tmp_path: Path) -> None:
    def refusing(card: Card) -> CannedModel:
        raise bad(card.name, "files", "best.onnx: expected a network that OpenVINO runs, got: nonsense")

    write_pack(own / "helmet")
    with pytest.raises(BadPack) as raised:
        Shelf(own, tmp_path, refusing, builtin=tmp_path / "none").open("helmet")
    assert str(raised.value) == "pack helmet: files: best.onnx: expected a network that OpenVINO runs, got: nonsense"
