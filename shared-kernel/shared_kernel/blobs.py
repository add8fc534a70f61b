"""Object storage: evidence and photos in a folder on a laptop, in S3 in production. Only this module imports obstore.

Keys are relative paths such as `evidence/2026/01/02/<pass_id>/face.jpg`; whoever writes an object chooses a new key, so
nothing is ever overwritten by mistake and a repeat is harmless.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, S3Store

from shared_kernel.errors import NotFound, Unavailable

if TYPE_CHECKING:
    from obstore.store import RetryConfig  # exists for type checkers only

#: Callers queue and try again themselves; the library's own three minutes would hold a web request.
_RETRIES: Final[RetryConfig] = {"max_retries": 2, "retry_timeout": timedelta(seconds=5)}
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")


@contextlib.contextmanager
def _translated(key: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotFound(f"object {key}: not in the store", code="no_object") from error
    except (BaseError, OSError) as error:
        raise Unavailable("object storage", f"{key}: {error}") from error


class Blobs:
    """Put, get and delete whole objects. Thread safe.

    Raises (every method):
        Unavailable: the store is away or refuses.
        ValueError: the key is not a plain relative path.
    """

    def __init__(self, store: LocalStore | S3Store) -> None:
        self._store = store

    @classmethod
    def open(cls, url: str) -> Blobs:
        """`file:///folder` (made if missing) or `s3://bucket?endpoint=http://host:port`.

        S3 credentials come from the AWS_* variables of the environment.

        Raises:
            ValueError: another scheme.
        """
        parts = urlsplit(url)
        if parts.scheme == "file":
            folder = Path(parts.path)
            folder.mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(prefix=folder))
        if parts.scheme == "s3":
            endpoint = parse_qs(parts.query).get("endpoint", [None])[0]
            if endpoint is None:
                return cls(S3Store(parts.netloc, retry_config=_RETRIES))
            return cls(
                S3Store(
                    parts.netloc,
                    endpoint=endpoint,
                    virtual_hosted_style_request=False,
                    client_options={"allow_http": endpoint.startswith("http://"), "timeout": "10s"},
                    retry_config=_RETRIES,
                )
            )
        raise ValueError(f"object storage address {url!r}: expected file:///… or s3://…, got scheme {parts.scheme!r}")

    def put(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """Store `data` under `key`; it is whole and readable when this returns."""
        attributes = {"Content-Type": content_type} if isinstance(self._store, S3Store) else None
        with _translated(_checked(key)):
            obstore.put(self._store, key, data, attributes=attributes)

    async def put_soon(self, key: str, data: bytes, *, content_type: str = "application/octet-stream") -> None:
        """As `put`, for an event loop and objects of some MB at most: many at a time cost one thread."""
        attributes = {"Content-Type": content_type} if isinstance(self._store, S3Store) else None
        with _translated(_checked(key)):
            await obstore.put_async(self._store, key, data, attributes=attributes, use_multipart=False)

    def put_file(self, key: str, path: Path, *, content_type: str = "application/octet-stream") -> None:
        """Store the file at `path` under `key`, in parts when it is large; it is whole when this returns.

        Raises:
            OSError: the file cannot be read.
        """
        with path.open("rb") as file:
            self.put_stream(key, file, content_type=content_type)

    def put_stream(self, key: str, file: IO[bytes], *, content_type: str = "application/octet-stream") -> None:
        """Store what an opened file has from here on, in parts when it is large; it is whole when this returns."""
        attributes = {"Content-Type": content_type} if isinstance(self._store, S3Store) else None
        with _translated(_checked(key)):
            obstore.put(self._store, key, file, attributes=attributes)

    def get(self, key: str) -> bytes:
        """The object's bytes.

        Raises:
            NotFound: no such object.
        """
        with _translated(_checked(key)):
            return obstore.get(self._store, key).bytes().to_bytes()

    def size(self, key: str) -> int:
        """The object's size in bytes.

        Raises:
            NotFound: no such object.
        """
        with _translated(_checked(key)):
            return int(obstore.head(self._store, key)["size"])

    def part(self, key: str, start: int, end: int) -> bytes:
        """Bytes `start` up to before `end`, which must lie within the object.

        Raises:
            NotFound: no such object.
        """
        with _translated(_checked(key)):
            return obstore.get_range(self._store, key, start=start, end=end).to_bytes()

    def delete(self, key: str) -> None:
        """Remove the object; one that is already gone is fine."""
        with _translated(_checked(key)), contextlib.suppress(FileNotFoundError):
            obstore.delete(self._store, key)

    def older_than(self, prefix: str, moment: datetime) -> Iterator[str]:
        """Keys under the folder `prefix` whose objects were last written before `moment`."""
        with _translated(_checked(prefix)):
            for page in obstore.list(self._store, prefix):
                for entry in page:
                    if entry["last_modified"] < moment:
                        yield entry["path"]

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys under the folder `prefix`, in no order."""
        with _translated(_checked(prefix)):
            for page in obstore.list(self._store, prefix):
                for entry in page:
                    yield entry["path"]

    def check(self) -> None:
        """Ask the store for one listing entry: readiness."""
        with _translated("(listing)"):
            for _ in obstore.list(self._store, chunk_size=1):
                break


def _checked(key: str) -> str:
    if not _KEY.fullmatch(key):
        raise ValueError(f"object key {key!r}: expected plain relative path segments of letters, digits, . _ -")
    return key
