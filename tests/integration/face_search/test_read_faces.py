"""The real networks on real faces: who is who, whatever is done to the picture, and what is said about its quality."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from face_search import quality, weights
from face_search.models.card import SFACE_CARD, read_card
from face_search.models.embedding import BATCH
from face_search.models.upright import UPRIGHT_PX
from face_search.ports import FaceRead, QualityReason
from face_search.read_faces import PORTRAIT_PX, Reader, open_reader
from shared_kernel.errors import ArtifactError
from shared_kernel.messages import MaskState
from tests.integration.face_search.faces import (
    Picture,
    blurred,
    face_weights,
    five,
    lit,
    man,
    portrait,
    samples,
    scaled,
    smeared,
)

__all__ = ["face_weights", "five", "man", "portrait", "samples"]  # fixtures

#: What `thresholds` asks for when one face is compared with one.
SAME = SFACE_CARD.thresholds.required(1, covered=False)


@pytest.fixture(scope="module")
def reader(face_weights: Path) -> Reader:
    return open_reader(face_weights, device="cpu")


def only(reader: Reader, picture: Picture) -> FaceRead:
    found = reader.read(picture)
    assert len(found) >= 1
    return found[0]


def cosine(one: FaceRead, other: FaceRead) -> float:
    return float(one.vector @ other.vector)


def with_mask(picture: Picture, face: FaceRead) -> Picture:
    """A plain blue cloth from under the eyes to the chin."""
    x0, y0, x1, y1 = face.box
    worn = picture.copy()
    outline = [(0.02, 0.45), (0.5, 0.36), (0.98, 0.45), (0.9, 0.85), (0.5, 1.02), (0.1, 0.85)]
    points = np.array([(x0 + u * (x1 - x0), y0 + v * (y1 - y0)) for u, v in outline])
    cv2.fillPoly(worn, [np.round(points).astype(np.int32)], (200, 170, 140), cv2.LINE_AA)
    return np.asarray(worn, np.uint8)


CHANGES: dict[str, Callable[[Picture], Picture]] = {
    "in the mirror": lambda picture: picture[:, ::-1],
    "half as large": lambda picture: scaled(picture, 0.5),
    "twice as large": lambda picture: scaled(picture, 2.0),
    "with half the light": lambda picture: lit(picture, 0.5),
    "as a poor JPEG": lambda picture: np.asarray(
        cv2.imdecode(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 30])[1], cv2.IMREAD_COLOR), np.uint8
    ),
    "turned by 20 degrees": lambda picture: np.asarray(
        cv2.warpAffine(
            picture,
            cv2.getRotationMatrix2D((picture.shape[1] / 2, picture.shape[0] / 2), 20, 1.0),
            (picture.shape[1], picture.shape[0]),
        ),
        np.uint8,
    ),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_a_person_is_the_same_whatever_the_picture(
    reader: Reader, portrait: Picture, man: Picture, change: Callable[[Picture], Picture]
) -> None:
    woman, other = only(reader, portrait), only(reader, man)
    changed = only(reader, change(portrait))
    assert cosine(woman, changed) > SAME + 0.2
    assert cosine(changed, other) < SAME


def test_people_of_one_picture_are_different_people_largest_first(reader: Reader, five: Picture) -> None:
    found = reader.read(five)
    assert len(found) == 5
    areas = [(face.box[2] - face.box[0]) * (face.box[3] - face.box[1]) for face in found]
    assert areas == sorted(areas, reverse=True)
    cosines = np.stack([face.vector for face in found]) @ np.stack([face.vector for face in found]).T
    assert np.abs(cosines - np.eye(5)).max() < SAME
    assert all(QualityReason.SEVERAL_FACES in face.quality.reasons for face in found)


def test_a_read_face_has_what_the_port_promises(reader: Reader, portrait: Picture) -> None:
    face = only(reader, portrait)
    assert face.vector.shape == (reader.dimension,)
    assert face.vector.dtype == np.float32
    assert np.linalg.norm(face.vector) == pytest.approx(1.0, abs=1e-5)
    assert face.aligned.shape == (UPRIGHT_PX, UPRIGHT_PX, 3)
    assert max(face.crop.shape[:2]) <= PORTRAIT_PX
    assert (face.mask_state, face.covered) == (MaskState.WITHOUT_MASK, False)
    assert face.quality == quality.judge(face.aligned, _upright_landmarks(45), covered=False, several=False)
    assert not np.shares_memory(face.crop, portrait)


def _upright_landmarks(eyes_px: float) -> NDArray[np.float32]:
    from face_search.models.upright import PLACES

    return np.asarray(PLACES * eyes_px / float(PLACES[1, 0] - PLACES[0, 0]), np.float32)


def test_vectors_of_kept_upright_faces_are_those_of_the_reading(reader: Reader, five: Picture, man: Picture) -> None:
    found = [*reader.read(five), *reader.read(man)]
    again = reader.embed([face.aligned for face in found] * (BATCH // len(found) + 2))  # more than a batch
    for index, vector in enumerate(again):
        assert vector == pytest.approx(found[index % len(found)].vector, abs=2e-5)
    assert reader.embed([]).shape == (0, reader.dimension)


def test_a_picture_without_a_face_gives_none(reader: Reader) -> None:
    assert reader.read(np.full((480, 640, 3), 120, np.uint8)) == []
    assert reader.read(np.zeros((1, 1, 3), np.uint8)) == []
    assert reader.read(np.zeros((1, 3000, 3), np.uint8)) == []


def test_fifty_faces_in_one_picture(reader: Reader, portrait: Picture) -> None:
    face = scaled(portrait[20:276, 100:356], 0.625)
    crowd = np.tile(face, (5, 10, 1))
    found = reader.read(crowd)
    assert len(found) == 50
    first = found[0].vector
    assert min(float(first @ face.vector) for face in found) > SAME


def test_a_mask_is_seen_and_the_person_still_known(reader: Reader, portrait: Picture, man: Picture) -> None:
    bare = only(reader, portrait)
    worn = only(reader, with_mask(portrait, bare))
    assert worn.covered
    assert worn.mask_state is MaskState.WITH_MASK
    assert QualityReason.COVERED in worn.quality.reasons
    assert cosine(bare, worn) > SFACE_CARD.thresholds.required(1, covered=True)
    assert cosine(only(reader, man), worn) < SFACE_CARD.thresholds.required(1, covered=True)


SPOILT: dict[QualityReason, Callable[[Picture], Picture]] = {
    QualityReason.TOO_SMALL: lambda picture: scaled(picture, 0.3),
    QualityReason.BLURRED: lambda picture: blurred(picture, 5.0),
    QualityReason.DARK: lambda picture: lit(picture, 0.12),
    QualityReason.BRIGHT: lambda picture: lit(picture, 2.5),
}


@pytest.mark.parametrize(("reason", "spoil"), SPOILT.items(), ids=SPOILT.keys())
def test_a_spoilt_picture_is_refused_with_its_reason(
    reader: Reader, portrait: Picture, reason: QualityReason, spoil: Callable[[Picture], Picture]
) -> None:
    good = only(reader, portrait).quality
    assert good.score > 0.9
    assert good.reasons == ()
    spoilt = only(reader, spoil(portrait)).quality
    assert spoilt.score < quality.GOOD
    assert spoilt.reasons[0] is reason


@pytest.mark.parametrize(("pixels", "axis"), [(24, 0), (15, 1)])
def test_a_moved_picture_is_blurred_whichever_way_it_moved(
    reader: Reader, portrait: Picture, pixels: int, axis: int
) -> None:
    assert QualityReason.BLURRED in only(reader, smeared(portrait, pixels, axis)).quality.reasons


def test_a_turned_face_says_so(reader: Reader, five: Picture) -> None:
    by_place = {round(face.box[0], -2): face.quality for face in reader.read(five)}
    assert QualityReason.TURNED in by_place[600].reasons  # the second from the left looks past the camera
    assert by_place[600].score < quality.GOOD
    assert QualityReason.TURNED not in by_place[800].reasons  # the one behind looks into it


def test_a_small_face_in_the_background_is_no_company(reader: Reader, portrait: Picture) -> None:
    scene = np.full((512, 1024, 3), 110, np.uint8)
    scene[:, :512] = portrait
    scene[200:328, 700:828] = scaled(portrait, 0.25)
    assert QualityReason.SEVERAL_FACES not in only(reader, scene).quality.reasons
    scene[:, 512:] = portrait
    assert QualityReason.SEVERAL_FACES in only(reader, scene).quality.reasons


def test_threads_may_share_a_reader(reader: Reader, portrait: Picture, man: Picture) -> None:
    expected = [only(reader, portrait).vector, only(reader, man).vector]
    answers: list[list[NDArray[np.float32]]] = [[], []]

    def work(index: int, picture: Picture) -> None:
        for _ in range(3):
            answers[index].append(only(reader, picture).vector)

    threads = [Thread(target=work, args=pair) for pair in enumerate((portrait, man))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for index in (0, 1):
        assert len(answers[index]) == 3
        assert all(vector == pytest.approx(expected[index], abs=2e-5) for vector in answers[index])


def test_a_missing_network_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match=r"yunet.*xunshi models fetch"):
        open_reader(tmp_path, device="cpu")


def test_a_file_that_is_no_network_is_named(tmp_path: Path, face_weights: Path) -> None:
    shutil.copy(face_weights / weights.FACE_LANDMARKS, tmp_path)
    (tmp_path / weights.SFACE).write_bytes(b"\x08\x07")
    with pytest.raises(ArtifactError, match="sface-2021dec"):
        open_reader(tmp_path, device="cpu")


OWN = """
name = "own-1"
file = "own.onnx"
dimension = {dimension}
colours = "rgb"
licence = "Apache-2.0"
false_matches = [{{ cosine = 0.3, share = 0.01 }}, {{ cosine = 0.4, share = 0.0001 }}]
"""


def own_folder(folder: Path, network: Path, dimension: int = 128) -> Path:
    """A folder with an own model that is SFace under another name."""
    (folder / "own").mkdir()
    shutil.copy(network, folder / "own" / "own.onnx")
    (folder / "own" / "model.toml").write_text(OWN.format(dimension=dimension))
    return folder / "own"


def test_an_own_model_is_read_with_its_own_card(
    tmp_path: Path, face_weights: Path, reader: Reader, portrait: Picture
) -> None:
    folder = own_folder(tmp_path, face_weights / weights.SFACE)
    card = read_card(folder / "model.toml")
    own = open_reader(face_weights, card=card, folder=folder, device="cpu")
    assert (own.model, own.dimension) == ("own-1", 128)
    assert only(own, portrait).vector == pytest.approx(only(reader, portrait).vector, abs=2e-5)
    with_wrong_colours = open_reader(
        face_weights, card=card.model_copy(update={"colours": "bgr"}), folder=folder, device="cpu"
    )
    assert cosine(only(with_wrong_colours, portrait), only(own, portrait)) < 0.98
    assert card.thresholds.required(1, covered=False) == pytest.approx(0.35)


def test_an_own_model_with_another_dimension_than_it_says_is_refused(tmp_path: Path, face_weights: Path) -> None:
    folder = own_folder(tmp_path, face_weights / weights.SFACE, dimension=512)
    with pytest.raises(ArtifactError, match=r"own-1.*512.*128"):
        open_reader(face_weights, card=read_card(folder / "model.toml"), folder=folder, device="cpu")
