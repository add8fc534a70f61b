"""Where Celery is, which only `bench.archive` compares with: beside .venv, fetched when it is first needed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from xunshi.places import ROOT

_LOCK = ROOT / "requirements" / "bench.lock"
_FOLDER = ROOT / ".cache" / "bench" / "celery"


def celery_path() -> Path | None:
    """The folder of its packages; None, said on stderr, where they cannot be had."""
    stamp = _FOLDER / "bench.lock"
    if stamp.is_file() and stamp.read_bytes() == _LOCK.read_bytes():
        return _FOLDER
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "--quiet"]
    command = [*pip, "install", "--no-deps", "--upgrade", "--target", str(_FOLDER), "-r", str(_LOCK)]
    if subprocess.run(command, stdout=sys.stderr, check=False).returncode:
        print("Celery cannot be installed: ours is compared with one at a time only", file=sys.stderr)
        return None
    stamp.write_bytes(_LOCK.read_bytes())
    return _FOLDER
