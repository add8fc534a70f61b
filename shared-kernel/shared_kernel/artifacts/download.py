"""One transfer to a file: resumed where an earlier one stopped, bounded, never trusted. Used by `fetching`.

Bytes go to `<target>.part`; the caller renames it when the sum is right. A server that drops the connection is asked
for the rest; one that cannot resume starts again from zero. Proxies come from the environment (https_proxy, no_proxy).
"""

from __future__ import annotations

import base64
import http.client
import os
import ssl
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from shared_kernel.artifacts.progress import Progress
from shared_kernel.errors import ArtifactError

#: How often a transfer that had moved forward is taken up again.
MAX_RESUMES = 8
#: No byte for so long means the server hangs. Connecting may take as long.
DEFAULT_TIMEOUT_S = 20.0
_CHUNK_BYTES = 256 * 1024
_PARTIAL, _UNSATISFIABLE = 206, 416


@dataclass(frozen=True)
class Access:
    """How the outside is reached: patience, and the file of trusted certificates (None: the system's)."""

    timeout_s: float = DEFAULT_TIMEOUT_S
    ca_file: str | None = None


@dataclass(frozen=True)
class Wanted:
    """What is transferred: its name for the reader, the sum it must have, the most bytes that are taken."""

    label: str
    sha256: str
    limit_bytes: int


def part_of(target: Path) -> Path:
    """Where the unfinished bytes of `target` lie."""
    return target.with_name(target.name + ".part")


def download(url: str, part: Path, wanted: Wanted, access: Access, progress: Progress) -> None:
    """Append to `part` until the server has no more. The caller checks the sum.

    Raises:
        ArtifactError: no connection, an error status, silence, too many bytes, or dropped too often.
    """
    for _ in range(MAX_RESUMES):
        before = part.stat().st_size if part.exists() else 0
        if _transfer(url, part, wanted, access, progress):
            return
        if part.stat().st_size <= before:
            break
    raise ArtifactError(f"connection closed after {part.stat().st_size} bytes, before the end")


def read_page(url: str, accept: str, limit_bytes: int, access: Access) -> tuple[bytes, str, str]:
    """A small document, such as the page of a package index: body, content type, final address.

    Raises:
        ArtifactError: as for `download`.
    """
    try:
        with _open(url, {"Accept": accept}, access) as response:
            body = response.read(limit_bytes + 1)
            final = response.geturl()
            kind = response.headers.get("Content-Type", "")
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ArtifactError(_reason(error)) from error
    if len(body) > limit_bytes:
        raise ArtifactError(f"expected at most {limit_bytes} bytes, got more")
    return body, kind, final


def _transfer(url: str, part: Path, wanted: Wanted, access: Access, progress: Progress) -> bool:
    """One connection. True when the server sent all it announced."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        with _open(url, headers, access) as response:
            start = have if _resumes(response, have) else 0
            announced = response.headers.get("Content-Length")
            total = start + int(announced) if announced else None
            progress.started(wanted.label, start, total)
            try:
                done = _append(response, part, start, wanted.limit_bytes, progress)
            finally:
                progress.ended()
            return total is None or done >= total
    except urllib.error.HTTPError as error:
        if error.code == _UNSATISFIABLE and have:
            if error.headers.get("Content-Range") == f"bytes */{have}":
                return True  # nothing is missing; a crash came between the last byte and the check
            part.unlink()  # the server's file is shorter than what we hold, so it is another one: from zero
            return _transfer(url, part, wanted, access, progress)
        raise ArtifactError(_reason(error)) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise ArtifactError(_reason(error)) from error


def _resumes(response: http.client.HTTPResponse, have: int) -> bool:
    """Whether the answer begins where our bytes end. 200 instead of 206 means: from the beginning."""
    return getattr(response, "status", None) == _PARTIAL and response.headers.get("Content-Range", "").startswith(
        f"bytes {have}-"
    )


def _append(response: http.client.HTTPResponse, part: Path, start: int, limit_bytes: int, progress: Progress) -> int:
    with part.open("ab") as out:
        out.truncate(start)
        done = start
        while chunk := response.read1(_CHUNK_BYTES):  # what is there now: nothing is lost when the server falls silent
            done += len(chunk)
            if done > limit_bytes:
                part.unlink()
                raise ArtifactError(f"expected at most {limit_bytes} bytes, got more")
            out.write(chunk)
            progress.moved(done)
        out.flush()
        os.fsync(out.fileno())
    return done


def _open(url: str, headers: dict[str, str], access: Access) -> http.client.HTTPResponse:
    """`file:` is for package indexes kept in a folder; lists of artifacts can only name http and https."""
    split = urllib.parse.urlsplit(url)
    if split.scheme not in ("http", "https", "file"):
        raise ArtifactError(f"expected http, https or file, got {split.scheme!r}")
    if split.username:
        word = f"{urllib.parse.unquote(split.username)}:{urllib.parse.unquote(split.password or '')}"
        headers = {**headers, "Authorization": "Basic " + base64.b64encode(word.encode()).decode()}
        url = split._replace(netloc=split.netloc.rpartition("@")[2]).geturl()
    context = ssl.create_default_context(cafile=access.ca_file)
    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context))
    request = urllib.request.Request(url, headers={"User-Agent": "xunshi", **headers})  # noqa: S310 - scheme checked above
    response: http.client.HTTPResponse = opener.open(request, timeout=access.timeout_s)
    return response


def _reason(error: Exception) -> str:
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    if isinstance(error, TimeoutError) or isinstance(getattr(error, "reason", None), TimeoutError):
        return "no answer in time"
    return str(getattr(error, "reason", error)) or type(error).__name__
