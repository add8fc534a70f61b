"""What is installed when: which torch is taken, which Node is new enough, and that nothing is done twice."""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]


def module(name: str) -> ModuleType:
    """The install scripts are no package of ours: they run before there is one."""
    if str(ROOT / "xunshi") not in sys.path:
        sys.path.append(str(ROOT / "xunshi"))
    return importlib.import_module(f"install.{name}")


def program(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(
    ("said", "fine"),
    [
        ("v20.20.2", True),
        ("v20.19.0", True),
        ("v20.18.3", False),
        ("v18.20.4", False),
        ("v21.7.0", False),
        ("v22.11.0", False),
        ("v22.12.0", True),
        ("v24.19.0", True),
        ("nonsense", False),
    ],
)
def test_only_a_node_that_the_build_tool_supports_is_taken(tmp_path: Path, said: str, *, fine: bool) -> None:
    program(tmp_path, "node", f"echo {said}")
    program(tmp_path, "npm", "true")
    assert module("dashboard")._new_enough(str(tmp_path)) is fine


def test_a_node_without_npm_is_none(tmp_path: Path) -> None:
    program(tmp_path, "node", "echo v24.0.0")
    assert module("dashboard")._new_enough(str(tmp_path)) is False


@pytest.mark.parametrize(
    ("packages", "fine"),
    [
        (["torch", "sympy"], True),
        (["torch", "nvidia-cudnn-cu13"], False),
        (["torch", "cuda-toolkit"], False),
        (["torch", "triton"], False),
    ],
)
def test_a_torch_that_brings_cuda_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, packages: list[str], *, fine: bool
) -> None:
    torch_build = module("torch_build")
    report = json.dumps({"install": [{"metadata": {"name": name}} for name in packages]})
    monkeypatch.setattr(torch_build, "PIP", (program(tmp_path, "pip", f"echo '{report}'"),))
    assert torch_build._brings_no_cuda(ROOT / "requirements" / "torch.lock") is fine


@pytest.mark.parametrize("said", ["exit 1", "echo no json", "echo {}"])
def test_an_index_that_does_not_say_counts_as_cuda(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    torch_build = module("torch_build")
    monkeypatch.setattr(torch_build, "PIP", (program(tmp_path, "pip", said),))
    assert torch_build._brings_no_cuda(ROOT / "requirements" / "torch.lock") is False


def test_a_step_is_done_once_for_the_same_things(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = module("steps")
    monkeypatch.setattr(steps, "STAMPS", tmp_path / "stamps")
    done: list[str] = []
    for made_from, still_there in (("a", True), ("a", True), ("b", True), ("b", False), ("b", True)):
        steps.unless_stamped("step", made_from, lambda name=made_from: done.append(name), still_there=still_there)
    assert done == ["a", "b", "b"]


def test_a_step_that_failed_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = module("steps")
    monkeypatch.setattr(steps, "STAMPS", tmp_path / "stamps")

    def fail() -> None:
        raise steps.StepFailed("no network")

    with pytest.raises(steps.StepFailed):
        steps.unless_stamped("step", "a", fail)
    done: list[str] = []
    steps.unless_stamped("step", "a", lambda: done.append("a"))
    assert done == ["a"]


def test_what_a_step_is_made_from_includes_names_and_contents(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = module("steps")
    monkeypatch.setattr(steps, "ROOT", tmp_path)
    (tmp_path / "src").mkdir()
    sums = []
    for name, text in (("a", "1"), ("a", "2"), ("b", "2")):
        for old in (tmp_path / "src").iterdir():
            old.unlink()
        (tmp_path / "src" / name).write_text(text)
        sums.append(steps.digest([tmp_path / "src"]))
    assert len(set(sums)) == 3


def test_a_failed_command_shows_its_last_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps = module("steps")
    monkeypatch.setattr(steps, "STAMPS", tmp_path / "stamps")
    monkeypatch.setattr(steps, "VENV", tmp_path)
    with pytest.raises(steps.StepFailed, match="out of paper"):
        steps.Steps().run(["sh", "-c", "echo out of paper; exit 3"], cwd=tmp_path)


def test_the_index_of_the_first_pip_is_the_one_that_pip_would_use(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first_pip = module("first_pip")
    monkeypatch.delenv("PIP_INDEX_URL", raising=False)
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = https://mirror.example/simple\n")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(tmp_path / "pip.conf"))
    assert first_pip._index() == "https://mirror.example/simple"
    monkeypatch.setenv("PIP_INDEX_URL", "https://other.example/simple")
    assert first_pip._index() == "https://other.example/simple"
