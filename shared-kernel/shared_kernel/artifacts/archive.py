"""One file out of a wheel, sdist or npm tarball. Nothing is imported, run or unpacked beside it. Used by `fetching`."""

from __future__ import annotations

import tarfile
import zipfile
import zlib
from contextlib import ExitStack
from pathlib import Path
from typing import IO

from shared_kernel.errors import ArtifactError

_CHUNK_BYTES = 1024 * 1024


def extract(archive: Path, member: str, target: Path, limit_bytes: int) -> None:
    """Write the member's bytes to `target`.

    Raises:
        ArtifactError: not an archive, no such regular file inside, damaged, or more than `limit_bytes` long.
    """
    try:
        with ExitStack() as stack:
            source = _opened(archive, member, stack)
            out = stack.enter_context(target.open("wb"))
            left = limit_bytes
            while chunk := source.read(_CHUNK_BYTES):
                left -= len(chunk)
                if left < 0:
                    raise ArtifactError(f"{member} in {archive.name}: expected {limit_bytes} bytes, got more")
                out.write(chunk)
    except (tarfile.TarError, zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError) as error:
        raise ArtifactError(f"{member} in {archive.name}: cannot be read: {error}") from error


def _opened(archive: Path, member: str, stack: ExitStack) -> IO[bytes]:
    try:
        if zipfile.is_zipfile(archive):
            return stack.enter_context(stack.enter_context(zipfile.ZipFile(archive)).open(member))
        source = stack.enter_context(tarfile.open(archive)).extractfile(member)  # noqa: SIM115 - the stack closes it
    except KeyError as error:
        raise ArtifactError(f"{member}: no such file in {archive.name}") from error
    if source is None:
        raise ArtifactError(f"{member} in {archive.name}: expected a regular file")
    return stack.enter_context(source)
