"""What a test does when a machine lacks a part, and where obtained parts are kept."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

import pytest


class PartMissing(Exception):
    """A part is not on this machine and cannot be obtained; the text says what to install."""


def skip_or_fail(reason: str) -> NoReturn:
    """Skip on a laptop, fail where `CI=true`: there everything must be checked."""
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(f"a part is missing, and CI=true: {reason}", pytrace=False)
    pytest.skip(reason)


def cache_dir() -> Path:
    """`.cache` of the repository, or the folder XUNSHI_CACHE names. Holds only what can be obtained again."""
    named = os.environ.get("XUNSHI_CACHE")
    return Path(named).resolve() if named else Path(__file__).resolve().parents[3] / ".cache"
