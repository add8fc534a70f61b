"""What stands around the counting: labels, AIZOO's decoding, the table, bare faces that look masked."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.mask import aizoo, dataset, negatives, ours
from bench.mask.figures import Key, measure
from bench.mask.measure import Said, Truth, resamples
from bench.mask.table import as_json, as_markdown
from shared_kernel.errors import ArtifactError
from shared_kernel.messages import MaskState
from shared_kernel.vision import weights
from shared_kernel.vision.rules import FaceReading, Found

LINE = {
    "image": "images/a.jpg",
    "boxes": [{"xyxy": [1, 2, 11, 12], "label": "without_mask"}],
    "ignore": [[5, 5, 9, 9]],
    "source": "kg",
    "split": "val",
}


def write(folder: Path, *lines: object) -> Path:
    (folder / "mask_det").mkdir()
    path = folder / "mask_det" / "labels.jsonl"
    path.write_text("\n".join(json.dumps(line) for line in lines) + "\n")
    return folder


def test_labels_are_read_by_split_and_source(tmp_path: Path) -> None:
    folder = write(tmp_path, LINE, LINE | {"split": "train"}, LINE | {"source": "wp"})
    assert len(dataset.read(folder)) == 3
    assert len(dataset.read(folder, split="val")) == 2
    assert len(dataset.read(folder, source="wp")) == 1
    [entry] = dataset.read(folder, split="train")
    assert entry.image == tmp_path / "mask_det" / "images" / "a.jpg"
    assert entry.truth.boxes.tolist() == [[1, 2, 11, 12]]
    assert entry.truth.labels.tolist() == [1]
    assert entry.truth.ignored.tolist() == [[5, 5, 9, 9]]
    with pytest.raises(ValueError, match="sources are kg, wp"):
        dataset.read(folder, source="nobody")


def test_places_that_nobody_labelled_count_neither_way(tmp_path: Path) -> None:
    places = tmp_path / "places.jsonl"
    places.write_text(json.dumps({"image": "images/a.jpg", "boxes": [[20, 20, 30, 30]]}) + "\n")
    [entry] = dataset.read(write(tmp_path, LINE), unlabelled=places)
    assert entry.truth.ignored.tolist() == [[5, 5, 9, 9], [20, 20, 30, 30]]


@pytest.mark.parametrize(
    "change",
    [
        {"boxes": [{"xyxy": [1, 2, 3], "label": "with_mask"}]},
        {"boxes": [{"xyxy": [1, 2, 3, 4], "label": "hat"}]},
        {"boxes": 1},
    ],
)
def test_a_wrong_line_is_named(tmp_path: Path, change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"labels\.jsonl line 2"):
        dataset.read(write(tmp_path, LINE, LINE | change))


def test_the_anchors_of_aizoo() -> None:
    places = aizoo.anchors()
    assert places.shape == (5972, 4)
    assert places[0] == pytest.approx([0.5 / 33, 0.5 / 33, 0.04, 0.04])
    assert places[5] == pytest.approx([1.5 / 33, 0.5 / 33, 0.056, 0.056])  # one to the right, the larger size
    assert places[33 * 33 * 4 + 17 * 4 + 2] == pytest.approx([0.5 / 17, 1.5 / 17, 0.08 * 0.62**0.5, 0.08 / 0.62**0.5])
    assert places[-1] == pytest.approx([2.5 / 3, 2.5 / 3, 0.64 * 0.42**0.5, 0.64 / 0.42**0.5])


def test_offsets_move_and_stretch_an_anchor() -> None:
    places = np.array([[0.5, 0.5, 0.2, 0.1]], np.float32)
    offsets = np.array([[1.0, -2.0, 5 * np.log(2), 0.0]], np.float32)
    found = aizoo.decode(offsets, np.array([[0.3, 0.6]], np.float32), places, (1000, 500), 0.5)
    # centre 0.52, 0.48; width 0.4, height 0.1
    assert found.boxes[0] == pytest.approx([320, 215, 720, 265], abs=0.01)
    assert found.face.tolist() == pytest.approx([0.6])
    assert found.shares[0] == pytest.approx([0.5, 1.0, 0.0])
    assert found.labels.tolist() == [1]
    assert len(aizoo.decode(offsets, np.array([[0.3, 0.4]], np.float32), places, (1000, 500), 0.5).face) == 0


def test_boxes_of_both_classes_suppress_each_other() -> None:
    places = np.array([[0.5, 0.5, 0.2, 0.2], [0.51, 0.5, 0.2, 0.2], [0.9, 0.9, 0.1, 0.1]], np.float32)
    scores = np.array([[0.9, 0.1], [0.1, 0.8], [0.7, 0.1]], np.float32)
    found = aizoo.decode(np.zeros((3, 4), np.float32), scores, places, (100, 100), 0.5)
    assert found.scores.tolist() == pytest.approx([0.9, 0.7])


def test_the_input_of_aizoo_is_red_first_and_up_to_one() -> None:
    inputs = aizoo.prepare(np.full((30, 50, 3), (255, 0, 51), np.uint8))
    assert inputs.shape == (1, 260, 260, 3)
    assert inputs.dtype == np.float32
    assert inputs[0, 100, 100] == pytest.approx([0.2, 0.0, 1.0])


def test_a_file_that_is_not_aizoo_is_refused(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.tflite", "no such file"), (tmp_path / "other.tflite", "sha256")):
        if reason == "sha256":
            path.write_bytes(b"something else")
        with pytest.raises(ArtifactError, match=reason):
            aizoo.find(path)


def test_what_the_model_found_keeps_its_shares() -> None:
    points = np.zeros((5, 2), np.float32)
    every = FaceReading(0.8, MaskState.WITHOUT_MASK, 0.7, points, (0.1, 0.7, 0.2))
    best = FaceReading(0.5, MaskState.WITH_MASK, 0.9, points)
    answers = ours.said(
        [Found("without_mask", 0.56, (0, 0, 5, 5), every), Found("with_mask", 0.45, (1, 1, 9, 9), best)]
    )
    assert answers.shares.tolist() == [[0.1, 0.7, 0.2], [0.9, 0.0, 0.0]]
    assert answers.scores == pytest.approx([0.56, 0.45])
    assert ours.said([]).boxes.shape == (0, 4)
    assert ours.clipped(answers, np.zeros((4, 8, 3), np.uint8)).boxes.tolist() == [[0, 0, 5, 4], [1, 1, 8, 4]]


def _one_face(label: int, score: float) -> tuple[Truth, Said]:
    place = np.array([[10.0, 10.0, 60.0, 60.0]])
    shares = np.zeros((1, 3))
    shares[0, label] = 1.0
    return Truth(place, np.array([label]), np.zeros((0, 4))), Said(place, np.array([score]), shares)


def test_the_table_has_a_line_a_figure_and_system() -> None:
    truths, answers = zip(*(_one_face(label, 0.9) for label in (0, 1, 2, 0)), strict=True)
    figures = measure(truths, answers, resamples(4, 20), 0.5)
    assert figures.values[Key("AP face", 0.4)][0] == 1.0
    assert figures.values[Key("macro-F1, three classes, best threshold", 0.4)][0] == 1.0
    assert figures.faces[Key("AP with_mask", 0.4, "40-80 px")] == 2
    assert np.isnan(figures.values[Key("AP with_mask", 0.4, "< 20 px")][0])
    both = {"ours": figures, "AIZOO": figures}
    [row] = [
        row
        for row in json.loads(json.dumps(as_json(both, "here", 4), allow_nan=False))["figures"]
        if (row["figure"], row["overlap"], row["size"]) == ("AP without_mask", 0.4, "all")
    ]
    assert (row["ours"]["value"], row["ours"]["faces"], row["difference"]["value"]) == (1.0, 1, 0.0)
    whole = list(as_markdown(both, "here", 4))
    assert any(line.startswith("| mean AP of with and without, all | 0.93 | 1.000 (1.000-1.000) |") for line in whole)
    lines = [line for line in whole if line.startswith("| AP face")]
    assert len(lines) == 4
    assert "1.000 (1.000-1.000)" in lines[0]
    assert " - " in lines[0]


def test_bare_faces_called_masked_are_counted_by_kind(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((80, 80, 3), np.uint8))
    entries = [
        {"image": "a.png", "kind": "beard", "box": [10, 10, 60, 60]},
        {"image": "a.png", "kind": "hand"},
        {"image": "a.png", "kind": "beard", "box": [70, 70, 79, 79]},
    ]
    (tmp_path / "list.jsonl").write_text("".join(json.dumps(entry) + "\n" for entry in entries))
    masked = _one_face(0, 0.9)[1]
    lines = list(
        negatives.as_markdown(
            negatives.read(tmp_path / "list.jsonl", tmp_path), {"x": negatives.System(lambda _: masked, 0.5)}
        )
    )
    assert "| beard | x | 2 | 50.0% | 100.0% | 0.0% |" in lines
    assert "| hand | x | 1 | 100.0% | 100.0% | 0.0% |" in lines
    unsure = {"x": negatives.System(lambda _: masked, 0.95)}
    assert "| all | x | 3 | 0.0% | - | - |" in list(
        negatives.as_markdown(negatives.read(tmp_path / "list.jsonl", tmp_path), unsure)
    )


def test_a_wrong_line_of_the_list_is_named(tmp_path: Path) -> None:
    (tmp_path / "list.jsonl").write_text('{"image": "a.png"}\n')
    with pytest.raises(ValueError, match=r"line 1.*kind"):
        negatives.read(tmp_path / "list.jsonl", tmp_path)


def test_weights_of_another_training_are_taken_from_its_folder(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"mask_state/mask_state\.xml"):
        ours.file_in(tmp_path, weights.MASK_STATE_OPENVINO)
    for folder in (tmp_path, tmp_path / "mask_state"):
        folder.mkdir(exist_ok=True)
        (folder / "mask_state.xml").touch()
        assert ours.file_in(tmp_path, weights.MASK_STATE_OPENVINO) == folder / "mask_state.xml"
    assert ours.file_in(None, weights.MASK_STATE_OPENVINO) == weights.MASK_STATE_OPENVINO


def test_a_training_without_a_second_look_does_not_borrow_the_one_in_use(tmp_path: Path) -> None:
    for network in (weights.FACE_DETECTOR_OPENVINO, weights.MASK_STATE_OPENVINO):
        (tmp_path / network.parent.name).symlink_to(network.parent)
    assert ours.sessions(tmp_path).fine is None
    (tmp_path / "mask_state_fine").symlink_to(weights.MASK_STATE_FINE_OPENVINO.parent)
    assert ours.sessions(tmp_path).fine is not None
