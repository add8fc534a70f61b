"""Every import rule was seen to break: a violation is planted into a copy, and the check must name the rule."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.contract.house import tree

PLANTS = {
    "a service imports its sibling": ("stream_service/rules.py", "import inference_service", "Imports go one way"),
    "the kernel imports a service": ("shared_kernel/clock.py", "import stream_service", "Imports go one way"),
    "a stray module": ("stream_service/utils.py", "", "Layers of stream-service"),
    "a story imports an adapter": (
        "stream_service/follow.py",
        "import stream_service.adapters.api",
        "Layers of stream-service",
    ),
    "rules import settings of another layer": (
        "inference_service/ports.py",
        "import inference_service.analyse",
        "Layers of inference-service",
    ),
    "a model imports a runtime": (
        "shared_kernel/vision/models/yunet.py",
        "import shared_kernel.vision.sessions.openvino",
        "Layers of the kernel's vision",
    ),
    "a repository imports a resource": (
        "miniprogram_api/adapters/events.py",
        "import miniprogram_api.cameras",
        "Layers of miniprogram-api",
    ),
    "a story about faces imports the web": (
        "face_search/identify.py",
        "import face_search.web.access",
        "Layers of face-search",
    ),
    "a story about faces imports Milvus": ("face_search/searching.py", "import pymilvus", "pymilvus only"),
    "a route about faces imports sqlalchemy": ("face_search/web/about.py", "import sqlalchemy", "sqlalchemy only"),
    "the stack imports a command": ("xunshi/stack/ports.py", "import xunshi.commands", "Layers of xunshi"),
    "a service imports the testing module": (
        "inference_service/work.py",
        "import shared_kernel.testing",
        "What is for tests",
    ),
    "a story imports redis": ("stream_service/mailbox.py", "import redis", "redis only"),
    "a service imports obstore": ("miniprogram_api/media.py", "import obstore", "obstore only"),
    "a story imports av": ("stream_service/capture.py", "import av", "av only"),
    "a model imports openvino": ("shared_kernel/vision/models/yunet.py", "import openvino", "openvino and torch only"),
    "a resource imports sqlalchemy": ("miniprogram_api/cameras.py", "import sqlalchemy", "sqlalchemy only"),
    "a rule imports flask": ("stream_service/rules.py", "import flask", "the rules and stories"),
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The packages side by side, and the rules."""
    folder = tmp_path_factory.mktemp("copy")
    for package, where in tree.PACKAGES.items():
        shutil.copytree(where / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(tree.ROOT / "pyproject.toml", folder)
    return folder


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).with_name("lint-imports")
    env = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    return subprocess.run(
        [program, "--no-logo", "--no-cache"], cwd=folder, env=env, capture_output=True, text=True, check=False
    )


def test_the_code_keeps_every_rule(copy: Path) -> None:
    answer = lint(copy)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("plant", PLANTS.values(), ids=PLANTS.keys())
def test_a_planted_violation_breaks_its_rule(copy: Path, plant: tuple[str, str, str]) -> None:
    name, line, rule = plant
    path = copy / name
    before = path.read_text() if path.exists() else None
    path.write_text(f"{before or ''}\n{line}\n")
    try:
        answer = lint(copy)
    finally:
        path.write_text(before) if before is not None else path.unlink()
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert any(rule in text and "BROKEN" in text for text in answer.stdout.splitlines()), answer.stdout
