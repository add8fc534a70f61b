"""The benches of the mask verdict, driven for real on composed portraits. No time is asserted."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from bench import detect
from bench.figure import Figure
from bench.mask import aizoo, ours
from bench.portraits import portrait
from shared_kernel.artifacts import fetch_all, load, verify
from shared_kernel.errors import ArtifactError
from shared_kernel.testing.missing import skip_or_fail
from xunshi.places import SAMPLES, SAMPLES_LIST, WEIGHTS, WEIGHTS_LIST

SURE_FACE = 0.55


@pytest.fixture(scope="module", autouse=True)
def _fetched() -> None:
    try:
        fetch_all(load(SAMPLES_LIST), SAMPLES)
        fetch_all(load(WEIGHTS_LIST), WEIGHTS)
    except ArtifactError as error:
        skip_or_fail(str(error))


@pytest.fixture(scope="module")
def yardstick() -> aizoo.Aizoo:
    """AIZOO's network is no part of the project: without its file nothing of ours is left unchecked."""
    artifacts = load(aizoo.YARDSTICKS)
    for folder in (aizoo.FETCHED, aizoo.BESIDE):
        if not verify(artifacts, folder):
            return aizoo.Aizoo(aizoo.find(folder))
    pytest.skip(f"AIZOO's network is neither in {aizoo.FETCHED} nor in {aizoo.BESIDE}")


@pytest.mark.parametrize("faces", [1, 3, 6, 15])
@pytest.mark.parametrize("size", [(640, 480), (1920, 1080)])
def test_a_portrait_has_as_many_faces_as_were_asked_for(faces: int, size: tuple[int, int]) -> None:
    model = ours.model(ours.sessions(), 0.5)
    found = model.read([portrait(SAMPLES, faces, *size)])[0]
    # A corner of the wall looks a little like a face; heads are far surer.
    assert sum(one.score >= SURE_FACE for one in found) == faces


def test_a_portrait_is_the_same_every_time() -> None:
    first, again = (portrait(SAMPLES, 3, 640, 480) for _ in range(2))
    assert np.array_equal(first, again)


def test_aizoo_finds_portraits_and_knows_masks(yardstick: aizoo.Aizoo) -> None:
    said = yardstick.read(portrait(SAMPLES, 3, 1920, 1080))
    # by height: the second and the third wear a mask over the nose
    assert [int(label) for label in said.labels[np.argsort(said.boxes[:, 0])]] == [1, 0, 0]
    assert said.scores.min() >= aizoo.DEFAULT_SCORE


def test_ours_and_aizoo_agree_where_the_faces_are(yardstick: aizoo.Aizoo) -> None:
    picture = portrait(SAMPLES, 3, 1920, 1080)
    model = ours.model(ours.sessions(), 0.5)
    found = sorted(one.box for one in model.read([picture])[0])
    boxes = sorted(tuple(map(float, box)) for box in yardstick.read(picture).boxes)
    assert np.abs(np.array(found) - np.array(boxes)).max() < 100


def test_every_group_gets_its_figures(tmp_path: Path) -> None:
    for faces in (1, 15):
        cv2.imwrite(str(tmp_path / f"{faces}.jpg"), portrait(SAMPLES, faces, 640, 480))
    threads = cv2.getNumThreads()
    try:
        figures = list(detect.figures(tmp_path, most_rounds=2))
    finally:
        cv2.setNumThreads(threads)
    names = [figure.name for figure in figures]
    for group in ("0-3 faces", "10 and more faces"):
        assert f"detect, {group}" in names
        assert f"  network alone, detect, {group}" in names
        parts = [figure for figure in figures if "of which" in figure.name and group in figure.name]
        assert {"decode", "detector network", "state network"} <= {_step(part) for part in parts}
        assert sum(part.ours for part in parts) == pytest.approx(parts[0].baseline)
    assert not any("4-9 faces" in name for name in names)


def _step(figure: Figure) -> str:
    return figure.name.removeprefix("  of which ").split(",")[0]


def test_without_its_baseline_ours_is_still_measured(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cv2.imwrite(str(tmp_path / "1.jpg"), portrait(SAMPLES, 1, 640, 480))
    threads = cv2.getNumThreads()
    try:
        first = next(detect.figures(tmp_path, yardstick=tmp_path / "nowhere.tflite", most_rounds=2))
    finally:
        cv2.setNumThreads(threads)
    assert (first.baseline, first.ratio) == (None, None)
    assert "nowhere.tflite: no such file" in capsys.readouterr().err
