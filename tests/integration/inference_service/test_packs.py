"""Packs with real networks: the project's own, every kind of file, and files that were damaged on purpose."""

from __future__ import annotations

import hashlib
import random
import time
import warnings
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from inference_service import bootstrap, weights
from inference_service.packs.card import Card, read_card
from inference_service.packs.problem import BadPack
from inference_service.packs.shelf import Shelf, trial
from shared_kernel.testing.faces import DrawnFace, scene
from tests.integration.inference_service import tiny_network

FACES = """\
name: faces
version: "1"
task: detect
title: {zh: 人脸, en: Faces}
licence: MIT
labels: [{name: face}]
input: {long_side: 640, step: 64, place: corner, pad: 0, colours: bgr, interpolation: auto}
normalise: {scale: 1.0}
decode: {kind: yunet}
thresholds: {score: 0.5, overlap: 0.3}
files: [{path: best.onnx, sha256: SUM}]
"""
YOLO = """\
name: helmet
version: "1"
task: detect
title: {zh: 安全帽, en: Helmets}
licence: own work
labels: [{name: helmet}, {name: head}]
input: {width: 64, height: 64, fit: stretch}
decode: {kind: yolov8}
files: [{path: FILE, sha256: SUM}]
"""
#: Each kind of fuzzing stops after this, so that a slow machine does fewer rounds, seconds.
FUZZ_WITHIN_S = 20.0


@pytest.fixture(scope="module")
def shelf(weights_dir: Path) -> Shelf:
    return bootstrap.shelf(weights_dir, None, device="cpu")


def overlap(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, width) * max(0.0, height)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def test_the_packs_of_the_project_are_ready_and_answer_for_their_tasks(shelf: Shelf) -> None:
    assert [(card.name, card.state, card.default) for card in shelf.cards()] == [
        ("coco80", "ready", True),
        ("mask", "ready", True),
    ]
    assert shelf.default("state").name == "mask"
    assert shelf.default("detect").name == "coco80"


def test_the_mask_pack_is_the_mask_reader(shelf: Shelf) -> None:
    [[found]] = shelf.open("mask").read([scene(DrawnFace(300, 220, 160))])
    assert found.label == "without_mask"
    assert found.face is not None


def test_coco80_finds_a_person_where_one_is(shelf: Shelf, cache: Path) -> None:
    photo = cache / "samples" / "group_three.jpg"
    if not photo.is_file():
        pytest.skip("the sample pictures are not fetched: xunshi models fetch")
    picture = cv2.imread(str(photo))
    assert picture is not None
    [found] = shelf.open("coco80").read([np.asarray(picture, np.uint8)])
    people = [one for one in found if one.label == "person"]
    height, width = picture.shape[:2]
    assert len(people) >= 2
    for one in people:
        assert one.score >= 0.4
        assert overlap(one.box, (0, 0, width, height)) > 0.02
    assert [one.score for one in found] == sorted((one.score for one in found), reverse=True)


def test_yunet_as_a_pack_finds_the_face_too(shelf: Shelf, weights_dir: Path, tmp_path: Path) -> None:
    del shelf
    network = (weights_dir / weights.entry("face_detector").file).read_bytes()
    card = read_card(tiny_network.write_pack(tmp_path / "faces", network, FACES), tmp_path)
    drawn = DrawnFace(300, 220, 160)
    [[found]] = bootstrap.open_card(card, device="cpu").read([scene(drawn)])
    assert found.label == "face"
    assert overlap(found.box, drawn.box) > 0.6


def test_openvino_files_and_onnx_files_answer_alike(tmp_path: Path) -> None:
    openvino = pytest.importorskip("openvino")
    onnx_pack = tiny_network.write_pack(tmp_path / "a", tiny_network.yolo((32, 32, 10, 5), side=64), yolo("best.onnx"))
    folder = tmp_path / "b"
    folder.mkdir()
    openvino.save_model(openvino.Core().read_model(onnx_pack / "best.onnx"), folder / "net.xml", compress_to_fp16=False)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    files = ", ".join(f"{{path: {name}, sha256: {total}}}" for name, total in sums.items())
    described = yolo("x").replace("[{path: x, sha256: SUM}]", f"[{files}]")
    (folder / "model.yaml").write_text(described, encoding="utf-8")
    first, second = (answer(folder) for folder in (onnx_pack, folder))
    assert first == second
    (folder / "net.bin").unlink()
    assert "net.bin" in read_card(folder, tmp_path).reason


def test_torchscript_and_onnx_answer_alike(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="no torch build for this machine was found")

    class Tiny(torch.nn.Module):  # type: ignore[misc, name-defined]
        """The same as `tiny_network.yolo((32, 32, 10, 5), side=64)`."""

        def __init__(self) -> None:
            super().__init__()
            self.register_buffer("box", torch.tensor([[[32.0], [32.0], [10.0], [5.0]]]))
            self.register_buffer("nothing", torch.zeros(1, 6, 20))

        def forward(self, images):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202
            means = images.mean(dim=(2, 3))[:, ::2].reshape(1, 2, 1)
            return torch.cat([torch.cat([self.box, means], 1), self.nothing], 2)

    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # torch's makers of archives are old, their archives are not
        traced = torch.jit.trace(Tiny(), torch.zeros(1, 3, 64, 64))
        traced.save(str(tmp_path / "net.pt"))
    script = tiny_network.write_pack(tmp_path / "a", (tmp_path / "net.pt").read_bytes(), yolo("net.pt"), "net.pt")
    network = tiny_network.yolo((32, 32, 10, 5), side=64, places=21)
    assert answer(script) == pytest.approx(answer(tiny_network.write_pack(tmp_path / "b", network, yolo("best.onnx"))))
    torch.save({"weights": torch.zeros(3)}, tmp_path / "pickle.pt")
    pickled = tiny_network.write_pack(tmp_path / "c", (tmp_path / "pickle.pt").read_bytes(), yolo("net.pt"), "net.pt")
    assert (
        "files.0.path: expected ONNX, OpenVINO, Paddle or TorchScript, got a pickle"
        in read_card(pickled, tmp_path).reason
    )


def yolo(file: str) -> str:
    return YOLO.replace("FILE", file)


def answer(folder: Path) -> list[float]:
    card = read_card(folder, folder.parent)
    assert card.state == "ready", card.reason
    model = bootstrap.open_card(card, device="cpu", min_score=0.1)
    [[found]] = model.read([np.full((40, 60, 3), (30, 60, 90), np.uint8)])
    return [*found.box, found.score]


def mutated(data: bytes, chance: random.Random) -> bytes:
    """Change, drop, insert or repeat a few bytes."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 5, 20))):
        at, length = chance.randrange(len(changed) + 1), chance.randrange(1, 30)
        match chance.randrange(5):
            case 0 if at < len(changed):
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + length]
            case 2:
                changed[at:at] = chance.randbytes(length)
            case 3:
                changed[at:at] = changed[at : at + length] * chance.randrange(1, 9)
            case _:
                words = (
                    b"[",
                    b"{",
                    b"&a ",
                    b"*a",
                    b"!!x ",
                    b"\n- ",
                    b": ",
                    b"null",
                    b"9" * 40,
                    b"\\",
                    b'"',
                    b"\xff",
                    b"..",
                )
                changed[at:at] = chance.choice(words)
    return bytes(changed) or b"\x08"


def test_no_mutated_manifest_does_more_than_break_its_pack(tmp_path: Path) -> None:
    folder = tiny_network.write_pack(tmp_path / "x", tiny_network.yolo((9, 9, 5, 5), side=64), yolo("best.onnx"))
    described = folder / "model.yaml"
    whole = described.read_bytes()
    chance, stop_at = random.Random(7), time.monotonic() + FUZZ_WITHIN_S
    states: set[str] = set()
    for _ in range(1500):
        described.write_bytes(mutated(whole, chance))
        card = read_card(folder, tmp_path)
        assert card.state == "ready" or card.reason
        states.add(card.state)
        if time.monotonic() > stop_at:
            break
    assert states == {"ready", "broken"}


@pytest.mark.parametrize("seed", [1, 2])
def test_no_mutated_network_does_more_than_be_refused(tmp_path: Path, seed: int) -> None:
    whole = tiny_network.yolo((9, 9, 5, 5), side=64, places=21)
    chance, stop_at = random.Random(seed), time.monotonic() + FUZZ_WITHIN_S
    refused = 0
    for _ in range(300):
        folder = tiny_network.write_pack(tmp_path / "x", mutated(whole, chance), yolo("best.onnx"))
        card = read_card(folder, tmp_path)
        refused += card.state == "broken" or not _runs(card, tmp_path)
        if time.monotonic() > stop_at:
            break
    assert refused > 0


def _runs(card: Card, weights_dir: Path) -> bool:
    """Tell whether a pack is loaded and passes its trial; nothing but BadPack may stop it."""
    try:
        trial(card, bootstrap.open_card(card, device="cpu"))
    except BadPack:
        return False
    return True


def pictures(count: int) -> NDArray[np.uint8]:
    return np.random.default_rng(3).integers(0, 255, (count, 48, 64, 3), dtype=np.uint8)


def test_a_model_gives_as_many_answers_as_pictures(tmp_path: Path) -> None:
    folder = tiny_network.write_pack(tmp_path / "x", tiny_network.yolo((9, 9, 5, 5), side=64), yolo("best.onnx"))
    model = bootstrap.open_card(read_card(folder, tmp_path), device="cpu")
    assert [len(model.read(list(pictures(count)))) for count in (0, 1, 5)] == [0, 1, 5]
