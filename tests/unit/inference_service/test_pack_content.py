"""Files of packs are judged by what is in them and where they lie, never by their names."""

from __future__ import annotations

import io
import os
import pickle
import re
import threading
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from inference_service.packs.card import read_card
from tests.unit.inference_service.pack_folders import NETWORK, write_pack


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tmp_path / "packs"


def reason_of(folder: Path) -> str:
    card = read_card(folder, folder.parent)
    assert card.state == "broken"
    return card.reason


def pickled() -> bytes:
    return pickle.dumps({"weights": [1.0]})


def zipped(*names: str) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, pickled())
    return target.getvalue()


TORCHSCRIPT = ("net/constants.pkl", "net/data.pkl", "net/code/__torch__.py", "net/version")


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (
            pickled(),
            r"^files\.0\.path: expected ONNX, .* got a pickle: best\.pt; pickles run code and are never loaded",
        ),
        (zipped("archive/data.pkl", "archive/data/0"), r"^files\.0\.path: expected .* got a pickle: best\.pt"),
        (zipped("net/constants.pkl", "net/data.pkl"), r"got a pickle"),
        (zipped("readme.txt"), r"^files\.0\.path: expected .* got a zip with none"),
        (zipped(*TORCHSCRIPT)[:-9], r"^files\.0\.path: expected a whole TorchScript archive, got a damaged zip"),
        (b"hello", r"^files: expected one network .*, got best\.pt$"),
        (b"", r"^files\.0\.path: expected 1 to \d+ bytes, got 0$"),
        (
            b"\x08\x07\x0a\x08location\x12\x0b../../etc/x",
            r"^files\.0\.path: .* got one that names weights in other files",
        ),
        (b"<?xml version='1.0'?><net/>", r"^files: expected best\.bin beside best\.pt, got no such entry"),
    ],
)
def test_a_file_is_judged_by_what_is_in_it(own: Path, network: bytes, expected: str) -> None:
    assert re.search(expected, reason := reason_of(write_pack(own / "x", network=network, file="best.pt"))), reason


@pytest.mark.parametrize(("network", "kind"), [(NETWORK, "onnx"), (zipped(*TORCHSCRIPT), "torchscript")])
def test_networks_are_known_whatever_they_are_called(own: Path, network: bytes, kind: str) -> None:
    card = read_card(write_pack(own / "x", network=network, file="network.weights"), own)
    assert card.network is not None
    assert card.network[1] == kind


def test_a_mark_of_outside_weights_is_seen_across_the_blocks_in_which_a_file_is_read(own: Path) -> None:
    block = 1 << 20
    for start in (block - 5, block - 1, block, 2 * block - 9):
        network = NETWORK.ljust(start, b"\0") + b"\x0a\x08location"
        assert "weights in other files" in reason_of(write_pack(own / "x", network=network))


def out_of_the_folder(folder: Path) -> None:
    target = folder.parent / "outside.onnx"
    target.write_bytes(NETWORK)
    (folder / "best.onnx").unlink()
    (folder / "best.onnx").symlink_to(target)


def a_folder(folder: Path) -> None:
    (folder / "best.onnx").unlink()
    (folder / "best.onnx").mkdir()


def a_pipe(folder: Path) -> None:
    (folder / "best.onnx").unlink()
    os.mkfifo(folder / "best.onnx")


def a_circle(folder: Path) -> None:
    (folder / "best.onnx").unlink()
    (folder / "best.onnx").symlink_to(folder / "best.onnx")


def a_pipe_for_a_manifest(folder: Path) -> None:
    (folder / "model.yaml").unlink()
    os.mkfifo(folder / "model.yaml")


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (out_of_the_folder, "got a link that leads out of it"),
        (a_folder, "expected a plain file, got something else"),
        (a_pipe, "expected a plain file, got something else"),
        (a_circle, "files.0.path: expected"),
        (a_pipe_for_a_manifest, "model.yaml: expected a file of this name, got none"),
    ],
)
def test_only_plain_files_inside_the_folder_are_opened(
    own: Path, change: Callable[[Path], None], expected: str
) -> None:
    folder = write_pack(own / "x")
    change(folder)
    assert expected in reason_of(folder)


def test_a_link_inside_the_folder_is_as_good_as_a_file(own: Path) -> None:
    """Volumes of Kubernetes are made of such links."""
    folder = write_pack(own / "x")
    (folder / "..data").mkdir()
    (folder / "best.onnx").rename(folder / "..data" / "best.onnx")
    (folder / "best.onnx").symlink_to("..data/best.onnx")
    assert read_card(folder, own).state == "ready"


@pytest.mark.parametrize("entry", ["fetched: face_detector", "kept: mask_state/mask_state.xml"])
def test_an_own_pack_cannot_take_files_from_elsewhere(own: Path, entry: str) -> None:
    folder = write_pack(own / "x")
    described = folder / "model.yaml"
    described.write_text(re.sub(r"files: .*", f"files: [{{{entry}}}]", described.read_text()))
    assert reason_of(folder).startswith("files.0: expected path and sha256")


def test_an_own_pack_cannot_be_the_projects_model(own: Path) -> None:
    assert reason_of(write_pack(own / "x", task="state", kind="mask")).startswith(
        "decode.kind: expected a kind for one"
    )


def test_a_pack_that_is_taken_away_while_it_is_read_is_broken_and_nothing_worse(own: Path) -> None:
    gone = threading.Event()

    def look() -> set[str]:
        states: set[str] = set()
        while not gone.is_set():
            states.add(read_card(own / "helmet", own).state)
        return states

    with ThreadPoolExecutor(3) as pool:
        looks = [pool.submit(look) for _ in range(3)]
        for _ in range(1500):
            for path in write_pack(own / "helmet").iterdir():
                path.unlink()
        gone.set()
        assert set().union(*(one.result() for one in looks)) <= {"ready", "broken"}
