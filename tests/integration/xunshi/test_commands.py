"""The command line as a shell sees it: results on stdout, the rest on stderr, exit codes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from shared_kernel.testing.faces import DrawnFace, scene
from xunshi.places import WEIGHTS


def xunshi(*words: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "xunshi", *map(str, words)]
    env = {**os.environ, "LC_ALL": "C.UTF-8", **environment}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=120, check=False)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pictures in two folders, three files that cannot be read, one that is no picture."""
    folder = tmp_path_factory.mktemp("pictures")
    (folder / "below").mkdir()
    face = scene(DrawnFace(300, 220, 160))
    for index in range(40):
        cv2.imwrite(str(folder / ("below" if index % 2 else "") / f"{index:02}.jpg"), face)
    whole = (folder / "00.jpg").read_bytes()
    (folder / "10-truncated.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "11-empty.png").write_bytes(b"")
    (folder / "12-text.jpg").write_text("no picture")
    (folder / "notes.txt").write_text("is not looked at")
    return folder


def test_detect_goes_past_unreadable_files_and_says_so_at_the_end(pictures: Path) -> None:
    answer = xunshi("detect", "--json", pictures)
    lines = [json.loads(line) for line in answer.stdout.splitlines()]
    failures = answer.stderr.splitlines()
    assert answer.returncode == 1
    assert len(lines) + len(failures) == 43
    assert {Path(text.split(": ")[1]).name for text in failures} >= {"11-empty.png", "12-text.jpg"}
    assert [line["image"] for line in lines] == sorted(line["image"] for line in lines)


def test_detect_prints_exactly_the_promised_fields(pictures: Path) -> None:
    answer = xunshi("detect", "--json", "--min-score", "0.1", pictures / "00.jpg")
    [line] = [json.loads(line) for line in answer.stdout.splitlines()]
    assert answer.returncode == 0
    assert answer.stderr == ""
    assert set(line) == {"image", "width", "height", "boxes"}
    height, width = cv2.imread(str(pictures / "00.jpg")).shape[:2]  # type: ignore[union-attr]
    assert (line["width"], line["height"]) == (width, height)
    for box in line["boxes"]:
        assert set(box) == {"label", "score", "box"}
        x0, y0, x1, y1 = box["box"]
        assert 0 <= x0 < x1 <= width
        assert 0 <= y0 < y1 <= height


def test_face_embed_prints_exactly_the_promised_fields_and_goes_past_unreadable_files(pictures: Path) -> None:
    answer = xunshi("face", "embed", "--json", pictures / "00.jpg", pictures / "12-text.jpg", pictures / "02.jpg")
    assert answer.returncode == 1
    assert "12-text.jpg" in answer.stderr
    first, second = (json.loads(line) for line in answer.stdout.splitlines())
    assert set(first) == {"image", "faces"}
    [face], [again] = first["faces"], second["faces"]
    assert set(face) == {"box", "score", "quality", "embedding"}
    assert len(face["box"]) == 4
    assert np.linalg.norm(face["embedding"]) == pytest.approx(1.0, abs=1e-4)
    assert np.dot(face["embedding"], again["embedding"]) == pytest.approx(1.0, abs=1e-4)


def test_face_embed_of_a_folder_of_nothing_says_so(tmp_path: Path) -> None:
    answer = xunshi("face", "embed", tmp_path)
    assert answer.returncode == 1
    assert "no pictures" in answer.stderr


def test_detect_in_words(pictures: Path) -> None:
    answer = xunshi("detect", pictures / "00.jpg")
    assert answer.returncode == 0
    assert answer.stdout.startswith(str(pictures / "00.jpg"))


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["detect", "/nowhere/at/all.jpg"], 1, "/nowhere/at/all.jpg"),
        (["detect", "--model", "unicorns", "x.jpg"], 1, "unicorns"),
        (["detect", "--min-score", "2", "x.jpg"], 2, "min-score"),
        (["detect", "--threads", "0", "x.jpg"], 2, "threads"),
        (["face", "embed", "--model", "unicorns", "x.jpg"], 1, "unicorns"),
        (["face", "embed"], 2, "PATHS"),
        (["detect"], 2, "PATHS"),
        (["fly"], 2, "fly"),
        (["up", "--port", "0"], 2, "port"),
        (["camera", "add", "gate"], 2, "URL"),
        (["user", "role", "wang", "King!"], 2, "King!"),
        (["status", "--data", "/nowhere/at/all"], 1, "nothing runs"),
        (["camera", "list", "--data", "/nowhere/at/all"], 1, "xunshi up"),
    ],
)
def test_a_mistake_is_one_clear_line(words: list[str], code: int, said: str) -> None:
    answer = xunshi(*words)
    assert answer.returncode == code
    assert said in answer.stderr
    assert answer.stdout == ""
    assert "Traceback" not in answer.stderr


def test_an_empty_folder_is_said_and_fails(tmp_path: Path) -> None:
    answer = xunshi("detect", "--json", tmp_path)
    assert answer.returncode == 1
    assert "no pictures" in answer.stderr


def test_progress_is_shown_on_a_terminal_and_results_go_into_the_pipe(pictures: Path) -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "xunshi", "detect", "--json", str(pictures)]
    env = {**os.environ, "TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=theirs, env=env, text=True) as process:
        os.close(theirs)
        shown = b""
        try:
            while piece := os.read(ours, 4096):
                shown += piece
        except OSError:  # the other side of a terminal is gone
            pass
        assert process.stdout is not None
        lines = process.stdout.read().splitlines()
    os.close(ours)
    assert b"detect" in shown
    assert b"/43" in shown
    assert all(json.loads(line)["boxes"] is not None for line in lines)
    assert len(lines) >= 40


def test_a_reader_that_has_enough_ends_it_quietly(pictures: Path) -> None:
    command = f"{sys.executable} -m xunshi detect --json {pictures}/00.jpg {pictures}/below | head -1"
    answer = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120, check=False)
    assert len(answer.stdout.splitlines()) == 1
    assert "Traceback" not in answer.stderr


def test_help_names_every_command() -> None:
    answer = xunshi("--help")
    assert answer.returncode == 0
    for command in ("up", "status", "detect", "camera", "user", "models", "bench"):
        assert f"\n  {command} " in answer.stdout


def test_models_lists_packs_with_what_is_wrong_with_them(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    listed = [json.loads(line) for line in xunshi("models", "list", "--json", "--packs", tmp_path).stdout.splitlines()]
    found = {one["name"]: one for one in listed}
    assert [one["name"] for one in listed] == ["coco80", "mask", "empty"]
    assert [one["state"] for one in listed] == ["ready", "ready", "broken"]
    assert found["empty"]["reason"] == "model.yaml: expected a file of this name, got none"
    assert [label["violation"] for label in found["mask"]["labels"]] == [False, True, True]
    wrong = xunshi("models", "verify", "--packs", tmp_path)
    assert wrong.returncode == 1
    assert "pack empty: model.yaml: expected a file of this name" in wrong.stderr


def test_models_list_and_verify() -> None:
    listed = [json.loads(line) for line in xunshi("models", "list", "--files", "--json").stdout.splitlines()]
    detector = next(one for one in listed if one["name"] == "face_detector")
    assert Path(detector["file"]).parent == WEIGHTS
    assert detector["state"] == "there"
    assert xunshi("models", "verify").returncode == 0
    assert np.fromfile(detector["file"], np.uint8).size == detector["size"]
