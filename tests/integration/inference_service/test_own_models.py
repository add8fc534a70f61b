"""What the guide for own models says, done step by step, with a YOLO export made on the spot."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from inference_service import bootstrap
from tests.integration.inference_service import tiny_network
from xunshi.places import ROOT

GUIDE = (ROOT / "docs" / "guide" / "own-models.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", GUIDE, re.DOTALL | re.MULTILINE)
[MANIFEST] = [text for language, text in BLOCKS if language == "yaml"]
#: The lines a reader types, without those of the machine where the network was trained.
COMMANDS = [
    line for language, text in BLOCKS for line in text.splitlines() if not language and not line.startswith("yolo ")
]


def typed(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a line of the guide in a folder, with our command line under its name."""
    words = line.replace("xunshi ", f"{sys.executable} -m xunshi ", 1) if line.startswith("xunshi ") else line
    return subprocess.run(words, shell=True, cwd=folder, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    """A folder with what the reader has: an export, a photo, a running stack's data."""
    (tmp_path / "best.onnx").write_bytes(tiny_network.yolo((320, 320, 100, 50)))
    photo = np.zeros((240, 320, 3), np.uint8)
    photo[:] = (0, 0, 255)
    cv2.imwrite(str(tmp_path / "photo.png"), photo)
    (tmp_path / "photo.png").rename(tmp_path / "photo.jpg")
    (tmp_path / "data" / "packs").mkdir(parents=True)
    return tmp_path


def test_a_stranger_adds_a_yolo_export_with_the_lines_of_the_guide(desk: Path) -> None:
    programs = [line.split()[0] for line in COMMANDS]
    assert programs == ["mkdir", "cp", "sha256sum", "xunshi", "cp", "xunshi", "xunshi", "rm"]
    printed = {}
    for line in COMMANDS[:3]:
        printed[line] = typed(line, desk)
        assert printed[line].returncode == 0, printed[line].stderr
    total = printed[COMMANDS[2]].stdout.split()[0]
    (desk / "helmet" / "model.yaml").write_text(MANIFEST.replace("SUM", total), encoding="utf-8")

    checked = typed(COMMANDS[3], desk)
    assert checked.stdout.endswith("trial run passed\n"), checked.stderr

    assert typed(COMMANDS[4], desk).returncode == 0
    listed = typed(COMMANDS[5], desk).stdout
    assert re.search(r"^helmet +1\.0 +detect +ready +helmet, head$", listed, re.MULTILINE)

    # The photo is red and 320 x 240: enlarged twice it fills three quarters of the input, grey 114 the rest.
    found = typed(f"{COMMANDS[6]} --json", desk)
    [box] = json.loads(found.stdout)["boxes"]
    assert box["label"] == "helmet"
    assert box["score"] == pytest.approx(0.75 + 0.25 * 114 / 255, abs=1e-4)
    assert box["box"] == pytest.approx([135, 107.5, 185, 132.5], abs=0.01)

    assert typed(COMMANDS[7], desk).returncode == 0
    assert "helmet" not in typed(COMMANDS[5], desk).stdout
    gone = typed(COMMANDS[6], desk)
    assert gone.returncode != 0
    assert "model 'helmet': expected one of" in gone.stderr


def test_a_running_process_sees_it_come_and_go(desk: Path) -> None:
    shelf = bootstrap.shelf(desk / "weights", desk / "data" / "packs", device="cpu")
    assert "helmet" not in {card.name for card in shelf.cards()}
    folder = tiny_network.write_pack(desk / "data" / "packs" / "helmet", (desk / "best.onnx").read_bytes(), MANIFEST)
    shelf.refresh()
    red, blue = np.zeros((2, 240, 320, 3), np.uint8)
    red[:], blue[:] = (0, 0, 255), (255, 0, 0)
    found = shelf.open("helmet").read([red, blue])
    assert [[one.label for one in ones] for ones in found] == [["helmet"], ["head"]]
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    shelf.refresh()
    assert "helmet" not in {card.name for card in shelf.cards()}


def test_the_reasons_of_the_guide_are_those_that_are_given(desk: Path) -> None:
    folder = desk / "helmet"
    network = (desk / "best.onnx").read_bytes()
    tiny_network.write_pack(folder, network, MANIFEST.replace("  - {name: head", "  - {name: x}\n  - {name: head"))
    wrong = typed("xunshi models check helmet", desk)
    assert wrong.returncode != 0
    assert "pack helmet: decode: expected 1 x 7 x N (box, 3 labels), got 1 x 6 x 8400" in wrong.stderr
    tiny_network.write_pack(folder, network, MANIFEST.replace("width: 640, height: 640", "width: 320, height: 320"))
    wrong = typed("xunshi models check helmet", desk)
    assert "pack helmet: decode: input: expected [1,3,640,640], as best.onnx says, got [1, 3, 320, 320]" in wrong.stderr
    (folder / "best.onnx").write_bytes(network[:-1])
    assert "files.0.sha256: expected sha256" in typed("xunshi models check helmet", desk).stderr


@pytest.mark.parametrize("kind", ["yolov5", "yolox", "picodet", "ssd, outputs: boxes", "ssd, outputs: detections"])
def test_a_network_of_another_kind_is_refused_at_its_trial(desk: Path, kind: str) -> None:
    described = MANIFEST.replace("kind: yolov8", f"kind: {kind}")
    tiny_network.write_pack(desk / "helmet", (desk / "best.onnx").read_bytes(), described)
    wrong = typed("xunshi models check helmet", desk)
    assert re.search(r"pack helmet: decode: expected .*got 1 x 6 x 8400", wrong.stderr), wrong.stderr


def test_a_classifier_gives_the_likeliest_labels_with_the_whole_picture(tmp_path: Path) -> None:
    manifest = """\
name: light
version: "1"
task: classify
title: {zh: 光线, en: Light}
licence: own work
labels: [{name: none}, {name: some}, {name: much}]
input: {width: 32, height: 32, fit: stretch}
normalise: {scale: 1.0}
decode: {kind: classifier}
thresholds: {max_results: 2}
files: [{path: best.onnx, sha256: SUM}]
"""
    packs = tmp_path / "packs"
    tiny_network.write_pack(packs / "light", tiny_network.classifier(3), manifest)
    shelf = bootstrap.shelf(tmp_path, packs, device="cpu")
    model = shelf.open(shelf.default("classify").name)
    [found] = model.read([np.ones((40, 60, 3), np.uint8)])
    # Scores 0, 1, 2: softmax gives 0.090, 0.245, 0.665.
    assert [one.label for one in found] == ["much", "some"]
    assert [one.score for one in found] == pytest.approx([0.66524, 0.24473], abs=1e-4)
    assert {one.box for one in found} == {(0.0, 0.0, 60.0, 40.0)}
