from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from inference_service.detect import PictureFailed, PictureRead, detect, files_of
from shared_kernel.messages import MaskState
from shared_kernel.testing.faces import jpeg, scene
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import FaceReading, Found


class WideReader:
    """Finds one face that reaches beyond the picture on all sides, and one doubtful face."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        self.batches.append(len(pictures))
        points = np.zeros((5, 2), np.float32)
        return [
            [
                Found("with_mask", 0.72, (-9, -9, 9_999, 9_999), FaceReading(0.9, MaskState.WITH_MASK, 0.8, points)),
                Found("helmet", 0.3, (1, 2, 3, 4)),
            ]
            for _ in pictures
        ]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for index in range(20):
        (tmp_path / f"{index:02}.jpg").write_bytes(jpeg(scene(width=100 + index, height=80)))
    (tmp_path / "07.jpg").write_bytes(b"no picture")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "x.PNG").write_bytes(jpeg(scene(width=300, height=80)))
    (tmp_path / "notes.txt").write_text("no picture either")
    return tmp_path


def test_results_come_in_the_order_of_the_files(folder: Path) -> None:
    reader = WideReader()
    results = list(detect(files_of([folder]), reader, min_score=0.5, threads=2, batch=4))
    assert [result.path.name for result in results] == [*(f"{i:02}.jpg" for i in range(20)), "x.PNG"]
    widths = [result.width for result in results if isinstance(result, PictureRead)]
    assert widths == [100 + i for i in range(20) if i != 7] + [300]
    assert max(reader.batches) <= 4


def test_an_unreadable_file_does_not_stop_the_others(folder: Path) -> None:
    missing = folder / "gone.jpg"
    results = list(
        detect([folder / "06.jpg", folder / "07.jpg", missing, folder / "08.jpg"], WideReader(), min_score=0)
    )
    failed = {result.path.name: result.code for result in results if isinstance(result, PictureFailed)}
    assert failed == {"07.jpg": "not_an_image", "gone.jpg": "unreadable_file"}
    assert sum(isinstance(result, PictureRead) for result in results) == 2


def test_results_stream(folder: Path) -> None:
    """The first result comes before the last file is asked for."""
    asked: list[Path] = []

    def files() -> object:
        for path in sorted(folder.glob("*.jpg")) * 10:
            asked.append(path)
            yield path

    results = detect(files(), WideReader(), min_score=0, batch=2)  # type: ignore[arg-type]
    next(results)
    assert len(asked) < 20


@pytest.mark.parametrize(("min_score", "scores"), [(0.0, [0.72, 0.3]), (0.5, [0.72]), (0.9, [])])
def test_boxes_below_the_least_score_are_left_out(folder: Path, min_score: float, scores: list[float]) -> None:
    [result] = detect([folder / "00.jpg"], WideReader(), min_score=min_score)
    assert isinstance(result, PictureRead)
    assert [box.score for box in result.boxes] == pytest.approx(scores)


def test_boxes_end_at_the_edge_and_carry_both_scores(folder: Path) -> None:
    [result] = detect([folder / "00.jpg"], WideReader(), min_score=0.5)
    assert isinstance(result, PictureRead)
    [box] = result.boxes
    assert box.box == pytest.approx((0, 0, 100, 80))
    assert box.label == "with_mask"
    assert box.face is not None
    assert (box.face.score, box.face.state_score) == pytest.approx((0.9, 0.8))


def test_no_files_give_no_results(tmp_path: Path) -> None:
    assert list(detect(files_of([tmp_path]), WideReader(), min_score=0)) == []


class CornerReader:
    """Finds one face in the lower right quarter of whatever it is given."""

    def __init__(self) -> None:
        self.widths: list[int] = []

    def read(self, pictures: Sequence[Picture]) -> list[list[Found]]:
        self.widths += [picture.shape[1] for picture in pictures]
        return [[_quarter(picture.shape[1], picture.shape[0])] for picture in pictures]


def _quarter(width: int, height: int) -> Found:
    points = np.full((5, 2), [width * 0.75, height * 0.75], np.float32)
    box = (width / 2, height / 2, float(width), float(height))
    return Found("with_mask", 0.72, box, FaceReading(0.9, MaskState.WITH_MASK, 0.8, points))


def test_a_large_jpeg_is_decoded_small_and_answered_in_its_own_pixels(tmp_path: Path) -> None:
    (tmp_path / "large.jpg").write_bytes(jpeg(scene(width=3001, height=1501)))
    reader = CornerReader()
    [read] = detect([tmp_path / "large.jpg"], reader, min_score=0)
    assert isinstance(read, PictureRead)
    assert reader.widths == [1501]
    assert (read.width, read.height) == (3001, 1501)
    assert read.boxes[0].box == pytest.approx((1500.5, 750.5, 3001, 1501))
    assert read.boxes[0].face is not None
    assert read.boxes[0].face.landmarks[0] == pytest.approx([0.75 * 3001, 0.75 * 1501])
