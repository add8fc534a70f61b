"""The truth file is read as it was written; a damaged line is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from xunshi.demo.truth import Face, FrameTruth, read, write

TRUTHS = [
    FrameTruth(0, 0.0, ()),
    FrameTruth(1, 0.04, (Face("guard", "with_mask", (10.0, 20.5, 40.0, 60.0), 0.75),)),
]


def test_what_was_written_is_read(tmp_path: Path) -> None:
    write(tmp_path / "clip.truth.jsonl", TRUTHS)
    assert read(tmp_path / "clip.truth.jsonl") == TRUTHS
    assert TRUTHS[1].faces[0].height_px == 39.5


@pytest.mark.parametrize("line", ["{", "[]", '{"frame": 0, "at_s": 0.0}', '{"frame": 0, "at_s": 0, "faces": [{}]}'])
def test_a_damaged_line_is_named(tmp_path: Path, line: str) -> None:
    path = tmp_path / "clip.truth.jsonl"
    write(path, TRUTHS)
    path.write_text(path.read_text() + line + "\n")
    with pytest.raises(ValueError, match=r"clip\.truth\.jsonl:3: expected a frame's truth"):
        read(path)
