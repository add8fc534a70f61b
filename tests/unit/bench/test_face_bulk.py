"""The pictures of the import's measurement: as many as are wanted, each a file of its own, a folder a person."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from bench.faces.bulk import pack


def test_few_pictures_come_again_as_other_files_of_the_same_people(tmp_path: Path) -> None:
    noise = np.random.default_rng(1)
    for person in ("Ada", "Bob"):
        (tmp_path / person).mkdir()
        cv2.imwrite(str(tmp_path / person / "1.png"), noise.integers(0, 255, (80, 60, 3), np.uint8))
    packed = io.BytesIO()
    pack(tmp_path, 7, packed)
    files = zipfile.ZipFile(packed).infolist()
    assert [file.filename for file in files][:3] == ["Ada/1-0.jpg", "Bob/1-0.jpg", "Ada/1-1.jpg"]
    assert len({file.filename for file in files}) == len({file.CRC for file in files}) == 7


def test_a_folder_without_pictures_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="got none"):
        pack(tmp_path, 3, io.BytesIO())
