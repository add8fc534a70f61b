"""The repository's files as git knows them, new ones included; without git, whatever lies in the tree."""

from __future__ import annotations

import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = {
    "shared_kernel": ROOT / "shared-kernel",
    "inference_service": ROOT / "inference-service",
    "stream_service": ROOT / "stream-service",
    "miniprogram_api": ROOT / "miniprogram-api",
    "face_search": ROOT / "face-search",
    "xunshi": ROOT / "xunshi",
}
SERVICES = ("inference_service", "stream_service", "miniprogram_api", "face_search")
_NOT_OURS = {".venv", ".git", ".cache", "node_modules", "data", "dist"}


@functools.cache
def files() -> tuple[Path, ...]:
    asked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if asked.returncode == 0:
        names = [ROOT / name for name in asked.stdout.decode().split("\0") if name]
    else:
        names = [path for path in ROOT.rglob("*") if not _NOT_OURS.intersection(path.relative_to(ROOT).parts)]
    return tuple(sorted(path for path in names if path.is_file()))


def files_with(*suffixes: str) -> list[Path]:
    return [path for path in files() if path.suffix in suffixes]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def modules_of(package: str) -> list[Path]:
    folder = PACKAGES[package] / package
    return [path for path in files_with(".py") if folder in path.parents]
