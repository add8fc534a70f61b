"""One behaviour, asked of the real reader of faces and of the stand-in that the tests of the service use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_search.ports import FaceReader, Picture, QualityReason, Vector
from face_search.read_faces import open_reader
from face_search.thresholds import Thresholds, of_model
from shared_kernel import artifacts
from shared_kernel.errors import ArtifactError
from shared_kernel.messages import MaskState
from shared_kernel.testing.missing import skip_or_fail
from tests.integration.face_search.canned import THRESHOLDS, CannedReader, Portrait, scene
from xunshi.places import FACE_WEIGHTS_LIST, SAMPLES_LIST


@dataclass(frozen=True)
class Case:
    """A reader and pictures that it can read: two people, a second look of the first, both together, nobody."""

    reader: FaceReader
    thresholds: Thresholds
    first: Picture
    again: Picture
    other: Picture
    both: Picture
    nobody: Picture


@pytest.fixture(scope="session")
def real(cache: Path) -> Case:
    try:
        artifacts.fetch_all(artifacts.load(FACE_WEIGHTS_LIST), cache / "weights")
        artifacts.fetch_all(artifacts.load(SAMPLES_LIST), cache / "samples")
    except ArtifactError as error:
        skip_or_fail(str(error))
    first, other = (picture(cache / "samples" / name) for name in ("cheong.jpg", "collins.png"))
    smaller = np.asarray(cv2.resize(first, None, fx=0.6, fy=0.6, interpolation=cv2.INTER_AREA), np.uint8)
    again = np.asarray(np.clip(smaller[:, ::-1].astype(np.float32) * 0.8 + 12, 0, 255), np.uint8)
    near = np.asarray(cv2.resize(other, None, fx=1.5, fy=1.5), np.uint8)
    both: Picture = np.full((max(first.shape[0], near.shape[0]), first.shape[1] + near.shape[1], 3), 90, np.uint8)
    both[: first.shape[0], : first.shape[1]] = first
    both[: near.shape[0], first.shape[1] :] = near
    reader = open_reader(cache / "weights", device="cpu")
    return Case(reader, of_model(reader.model), first, again, other, both, np.full((240, 320, 3), 90, np.uint8))


@pytest.fixture(scope="session")
def canned() -> Case:
    first, again, other = Portrait(5), Portrait(5, look=2), Portrait(9)
    pictures = (scene(first), scene(again), scene(other), scene(first, Portrait(9, side_px=64)), scene())
    return Case(CannedReader(), THRESHOLDS, *pictures)


def picture(path: Path) -> Picture:
    read = cv2.imread(str(path))
    assert read is not None, path
    return np.asarray(read, np.uint8)


@pytest.fixture(params=["real", "canned"])
def case(request: pytest.FixtureRequest) -> Case:
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Case)
    return found


def test_a_face_has_what_the_port_promises(case: Case) -> None:
    [face] = case.reader.read(case.first)
    x0, y0, x1, y1 = face.box
    assert 0 <= x0 < x1 <= case.first.shape[1]
    assert y0 < y1
    assert (face.aligned.shape, face.aligned.dtype.name) == ((112, 112, 3), "uint8")
    assert (face.crop.ndim, face.crop.dtype.name) == (3, "uint8")
    assert (face.vector.shape, face.vector.dtype.name) == ((case.reader.dimension,), "float32")
    assert float(np.linalg.norm(face.vector)) == pytest.approx(1, abs=1e-5)
    assert 0.5 < face.score <= 1
    assert (face.quality.reasons, 0.5 < face.quality.score <= 1) == ((), True)
    assert (face.mask_state, face.covered) == (MaskState.WITHOUT_MASK, False)


def test_the_kept_upright_face_gives_the_same_vector(case: Case) -> None:
    faces = case.reader.read(case.both)
    again = case.reader.embed([face.aligned for face in faces])
    assert (again.shape, again.dtype.name) == ((2, case.reader.dimension), "float32")
    for face, vector in zip(faces, again, strict=True):
        assert float(face.vector @ vector) > 0.999


def test_no_faces_give_no_vectors(case: Case) -> None:
    assert case.reader.embed([]).shape == (0, case.reader.dimension)
    assert case.reader.read(case.nobody) == []


def test_the_largest_comes_first_and_company_is_named(case: Case) -> None:
    faces = case.reader.read(case.both)
    sides = [face.box[2] - face.box[0] for face in faces]
    assert len(faces) == 2
    assert sides == sorted(sides, reverse=True)
    assert QualityReason.SEVERAL_FACES in faces[0].quality.reasons


def test_one_person_reaches_the_threshold_and_another_does_not(case: Case) -> None:
    def vector(which: Callable[[Case], Picture]) -> Vector:
        return case.reader.read(which(case))[0].vector

    first, again, other = vector(lambda c: c.first), vector(lambda c: c.again), vector(lambda c: c.other)
    required = case.thresholds.required(1, covered=False)
    assert float(first @ again) > required > float(first @ other)
