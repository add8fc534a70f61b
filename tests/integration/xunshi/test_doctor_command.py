"""`xunshi doctor` on a folder where nothing runs: a camera, an address, the installation, in both languages."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from miniprogram_api import commands
from miniprogram_api.adapters.migrations import upgrade
from shared_kernel.errors import XunshiError
from shared_kernel.examination import Line, StageFinding
from tests.integration.stream_service.world import write_clip
from xunshi.commands import xunshi
from xunshi.stack.folder import DataFolder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> DataFolder:
    """A data folder with a camera `gate` that plays a file."""
    made = DataFolder.at(tmp_path_factory.mktemp("data"))
    made.make()
    secrets = made.secrets(make=True)
    upgrade(made.database_url)
    clip = write_clip(made.clips / "gate.mp4")
    commands.add_camera_by_command(made.database_url, secrets.url_key, "gate", clip.as_uri())
    commands.add_camera_by_command(made.database_url, secrets.url_key, "far", "rtsp://u:secret@169.254.1.1/x")
    return made


def doctor(folder: DataFolder, *words: str, language: str = "C.UTF-8") -> Result:
    environment = {"LC_ALL": language}
    return CliRunner().invoke(xunshi, ["doctor", *words, "--data", str(folder.path)], env=environment)


def test_a_camera_that_works_is_told_stage_by_stage_with_its_picture(folder: DataFolder, tmp_path: Path) -> None:
    answer = doctor(folder, "gate", "--picture", str(tmp_path / "gate.jpg"), language="zh_CN.UTF-8")
    assert answer.exit_code == 0, answer.output
    for words in ("解析地址", "首个关键帧", "640 × 360", "H.264 High", "关键帧间隔", "时钟", "有画面"):
        assert words in answer.output
    assert (tmp_path / "gate.jpg").read_bytes().startswith(b"\xff\xd8")


def test_a_camera_that_does_not_says_why_and_what_to_do(folder: DataFolder) -> None:
    answer = doctor(folder, "far")
    assert answer.exit_code == 1
    assert "STREAM_ALLOWED_RANGES" in answer.output
    assert "secret" not in answer.output


def test_an_address_is_examined_without_being_saved(folder: DataFolder) -> None:
    answer = doctor(folder, "rtsp://u:secret@127.0.0.1:1/x", "--json")
    lines = [Line.model_validate_json(line) for line in answer.output.splitlines()]
    assert answer.exit_code == 1
    assert lines[-1].report is not None
    assert lines[-1].report.reason == "blocked_address"
    assert "secret" not in answer.output


def test_a_camera_that_is_not_there_is_said(folder: DataFolder) -> None:
    for words in (["nobody"], ["gate", "--stream", "detect"]):
        answer = doctor(folder, *words)
        assert isinstance(answer.exception, XunshiError)
        assert words[0] in str(answer.exception)


def test_the_installation_is_examined(folder: DataFolder) -> None:
    answer = doctor(folder, "--json")
    found = {line.stage: line for line in map(_finding, answer.output.splitlines())}
    assert found["folder"].status == "ok"
    assert found["parts"].status == "skipped"
    assert found["database"].status == "ok"
    assert (found["database"].found or found["database"].name).en == "0 users, 2 cameras"
    assert found["disk"].took_ms >= 0
    assert found["camera"].status == "skipped"
    assert "page" not in found


def test_an_open_secret_and_a_damaged_database_are_named(folder: DataFolder, tmp_path: Path) -> None:
    other = DataFolder.at(tmp_path / "other")
    other.make()
    other.secrets(make=True)
    (other.path / "secrets.json").chmod(0o644)
    (other.path / "xunshi.db").write_bytes(b"no database " * 500)
    found = {line.stage: line for line in map(_finding, doctor(other, "--json").output.splitlines())}
    assert found["folder"].status == "warning"
    assert found["database"].status == "failed"
    assert found["database"].advice is not None


def test_where_nothing_was_ever_started_it_says_so(tmp_path: Path) -> None:
    answer = doctor(DataFolder.at(tmp_path))
    assert isinstance(answer.exception, XunshiError)
    assert "xunshi up" in str(answer.exception)


def _finding(line: str) -> StageFinding:
    return StageFinding.model_validate(json.loads(line))
