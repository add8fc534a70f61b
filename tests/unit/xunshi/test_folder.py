"""The data folder: one holder, secrets made once, nothing readable by others."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from xunshi.stack import folder as folder_module
from xunshi.stack.folder import DataFolder, PartState, StackState
from xunshi.stack.problem import StackProblem


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder.at(tmp_path / "data")
    made.make()
    return made


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_only_its_owner_may_look_inside(folder: DataFolder) -> None:
    folder.secrets(make=True)
    assert mode(folder.path) == 0o700
    assert mode(folder.path / "secrets.json") == 0o600


def test_secrets_are_made_once(folder: DataFolder) -> None:
    assert folder.secrets(make=True) == folder.secrets(make=True) == folder.secrets()


def test_secrets_of_two_folders_differ_and_have_the_form_their_users_want(folder: DataFolder, tmp_path: Path) -> None:
    other = DataFolder.at(tmp_path / "other")
    other.make()
    ours, theirs = folder.secrets(make=True), other.secrets(make=True)
    assert not set(ours.model_dump().values()) & set(theirs.model_dump().values())
    Fernet(ours.url_key)
    assert min(len(value) for value in ours.model_dump().values()) >= 32


def test_secrets_before_the_first_start_are_a_clear_error(folder: DataFolder) -> None:
    with pytest.raises(StackProblem, match="xunshi up"):
        folder.secrets()


@pytest.mark.parametrize("text", ["", "{", '{"service_token": 1}', "[]"])
def test_damaged_secrets_are_never_replaced(folder: DataFolder, text: str) -> None:
    path = folder.path / "secrets.json"
    path.write_text(text)
    with pytest.raises(StackProblem, match=r"secrets\.json"):
        folder.secrets(make=True)
    assert path.read_text() == text


def test_a_held_folder_is_refused_and_its_holder_named(folder: DataFolder) -> None:
    descriptor = folder.lock()
    try:
        with pytest.raises(StackProblem, match=str(os.getpid())):
            folder.lock()
        assert folder.is_locked()
    finally:
        os.close(descriptor)
    assert not folder.is_locked()


def test_the_lock_outlives_its_taker_as_long_as_a_child_holds_it(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder_module, "WAIT_FOR_REMAINS_S", 0.2)
    descriptor = folder.lock()
    keeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    os.close(descriptor)
    with pytest.raises(StackProblem):
        folder.lock()
    keeper.communicate(b"\n")
    os.close(folder.lock())


def test_a_path_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StackProblem, match="--data"):
        DataFolder.at(tmp_path / "file").make()


def test_state_is_read_back_and_a_damaged_one_counts_as_none(folder: DataFolder) -> None:
    part = PartState(name="redis", pid=1, state="ready", restarts=0)
    state = StackState(pid=2, address="http://x", redis_port=3, api_port=4, started_at="now", parts=(part,))
    folder.write_state(state)
    assert folder.state() == state
    (folder.run / "stack.json").write_text("{")
    assert folder.state() is None
