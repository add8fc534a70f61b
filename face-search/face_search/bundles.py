"""A ZIP of pictures from somebody's computer, read without trusting a byte of it. Used by `roster` and `importing`.

Nothing is ever unpacked to a disk: entries are read into memory one at a time, each within limits that hold whatever
the ZIP says about itself. Names come from Windows with Chinese settings (GBK without saying so), from macOS (decomposed
Unicode and companion files) and from attackers (`../`, links, archives in archives, entries that share their bytes).
"""

from __future__ import annotations

import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Final

from shared_kernel.errors import Invalid

#: Of one picture or table, unpacked, bytes.
MAX_FILE_BYTES: Final = 20 * 1024 * 1024
#: Files of one bundle.
MAX_FILES: Final = 20_000
#: The ZIP itself, bytes.
MAX_BUNDLE_BYTES: Final = 2 * 1024**3
#: All that is unpacked of one bundle when nobody says otherwise, bytes.
MAX_UNPACKED_BYTES: Final = 2 * 1024**3
#: The list of files at the end of the ZIP, bytes: it is read whole, so it is limited before.
_MAX_LIST_BYTES: Final = 8 * 1024 * 1024
#: Pictures are packed already; what grows by more than this was made to grow.
_MAX_RATIO: Final = 100
#: So much may come out of next to nothing, bytes: a small picture of one colour.
_RATIO_FROM_BYTES: Final = 1024 * 1024
_PIECE_BYTES: Final = 256 * 1024
#: Longest path, characters: as long as its column.
MAX_PATH: Final = 255

_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_LONGEST_COMMENT: Final = 0xFFFF
_END_64_PLACE: Final = b"PK\x06\x07"
_END_64: Final = b"PK\x06\x06"
_LOCAL_BYTES: Final = 30
_ENCRYPTED: Final = 0x1
_IS_UTF8: Final = 0x800
_UNICODE_PATH: Final = 0x7075
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ARCHIVES: Final = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst", ".cab", ".iso")
#: Made by file managers beside the pictures; nobody put them there on purpose.
_COMPANIONS: Final = frozenset({"thumbs.db", "desktop.ini", "ehthumbs.db"})


class BadBundle(Invalid):
    """The whole bundle cannot be used; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"bundle: {message}", code=code)


class BadFile(Invalid):
    """One file of it cannot be used; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message, code=code)


@dataclass(frozen=True, slots=True)
class BundledFile:
    """One file of a bundle. `path` has forward slashes; `problem` is why it cannot be read (code, words)."""

    path: str
    bytes: int
    place: int
    problem: tuple[str, str] | None = None

    @property
    def name(self) -> str:
        return self.path.rpartition("/")[2]

    @property
    def folder(self) -> str:
        return self.path.rpartition("/")[0]


class Bundle:
    """An opened ZIP: which files are in it, and their bytes. Not thread safe.

    Args:
        file: the ZIP, seekable; it must stay open as long as this.
        max_unpacked_bytes: of all its files together.

    Raises:
        BadBundle: it is no ZIP, damaged, too large, of too many files, or its files share their bytes.
    """

    def __init__(self, file: IO[bytes], *, max_unpacked_bytes: int = MAX_UNPACKED_BYTES) -> None:
        check_outline(file)
        try:
            self._zip = zipfile.ZipFile(file)
            self._entries = self._zip.infolist()
        except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, struct.error) as error:
            raise BadBundle("damaged", f"expected a readable ZIP, got: {error}") from error
        _check_shares(self._entries)
        self._unpacked, self._allowed = 0, max_unpacked_bytes
        self.files = list(_files(self._entries))
        if len(self.files) > MAX_FILES:
            raise BadBundle("too_many", f"expected at most {MAX_FILES} files, got {len(self.files)}")

    def read(self, file: BundledFile) -> bytes:
        """The bytes of a file.

        Raises:
            BadFile: it cannot be read, or grows beyond what a picture does.
            BadBundle: all files together grow beyond measure.
        """
        if file.problem is not None:
            raise BadFile(*file.problem)
        entry = self._entries[file.place]
        allowed = min(MAX_FILE_BYTES, max(_RATIO_FROM_BYTES, entry.compress_size * _MAX_RATIO))
        pieces, size = [], 0
        try:
            with self._zip.open(entry) as opened:
                while piece := opened.read(_PIECE_BYTES):
                    size += len(piece)
                    self._unpacked += len(piece)
                    _check_growth(size, allowed)
                    pieces.append(piece)
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError, NotImplementedError, RuntimeError) as error:
            raise BadFile("damaged", f"cannot be unpacked: {error}"[:200]) from error
        if self._unpacked > self._allowed:
            raise BadBundle("too_large", f"expected at most {self._allowed} bytes unpacked, got more")
        return b"".join(pieces)


def check_outline(file: IO[bytes]) -> None:
    """Look at the size and the end of a ZIP only: cheap enough to ask before it is stored.

    Raises:
        BadBundle: it is none, or too large, or its list of files is.
    """
    file.seek(0, 2)
    size = file.tell()
    if size > MAX_BUNDLE_BYTES:
        raise BadBundle("too_large", f"expected at most {MAX_BUNDLE_BYTES} bytes, got {size}")
    start = max(0, size - _END_BYTES - _LONGEST_COMMENT - 20)
    file.seek(start)
    tail = file.read()
    file.seek(0)
    at = tail.rfind(_END)
    if at < 0 or len(tail) - at < _END_BYTES:
        raise BadBundle("not_a_zip", "expected a ZIP, got something else, or a part of one")
    _, _, _, _, _, listed, place, _ = struct.unpack("<4s4H2IH", tail[at : at + _END_BYTES])
    if 0xFFFFFFFF in (listed, place):  # noqa: PLR2004 - says: look into the record for large ones
        listed = _listed_64(file, tail[:at])
    if listed > _MAX_LIST_BYTES:
        raise BadBundle("too_many", f"expected a list of files of at most {_MAX_LIST_BYTES} bytes, got {listed}")


def _listed_64(file: IO[bytes], before_end: bytes) -> int:
    """Bytes of the list of files, as the end record of large ZIPs says."""
    locator = before_end[-20:]
    if not locator.startswith(_END_64_PLACE):
        raise BadBundle("damaged", "expected the end record of a large ZIP, got none")
    file.seek(struct.unpack("<Q", locator[8:16])[0])
    record = file.read(56)
    file.seek(0)
    if not record.startswith(_END_64) or len(record) < 56:  # noqa: PLR2004 - length of the record
        raise BadBundle("damaged", "expected the end record of a large ZIP, got something else")
    return int(struct.unpack("<Q", record[40:48])[0])


def _check_growth(size: int, allowed: int) -> None:
    if size <= allowed:
        return
    if allowed == MAX_FILE_BYTES:
        raise BadFile("too_large", f"expected at most {MAX_FILE_BYTES // 2**20} MiB, got more")
    raise BadFile("bomb", f"expected a file that grows at most {_MAX_RATIO} times when unpacked, got one that grows on")


def _check_shares(entries: list[zipfile.ZipInfo]) -> None:
    """Files that share bytes make a small ZIP enormous; no program writes them."""
    end = 0
    for entry in sorted(entries, key=lambda one: one.header_offset):
        if entry.header_offset < end:
            raise BadBundle("overlapping", "expected files with bytes of their own, got some that share them")
        end = entry.header_offset + _LOCAL_BYTES + entry.compress_size


def _files(entries: list[zipfile.ZipInfo]) -> Iterator[BundledFile]:
    seen: set[str] = set()
    for place, entry in enumerate(entries):
        path = unicodedata.normalize("NFC", _path_of(entry)).replace("\\", "/")
        if path.endswith("/") or _is_companion(path):
            continue
        problem = _problem(entry, path)
        if problem is None and path in seen:
            problem = ("double_name", "a file of this name came before")
        seen.add(path)
        yield BundledFile(_shown(path), entry.file_size, place, problem)


def _path_of(entry: zipfile.ZipInfo) -> str:
    """The name as its maker wrote it: UTF-8 where the ZIP says so, else what the bytes can be."""
    if entry.flag_bits & _IS_UTF8:
        return entry.orig_filename
    raw = entry.orig_filename.encode("cp437", "replace")
    told = _unicode_path(entry.extra, raw)
    if told is not None:
        return told
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.orig_filename


def _unicode_path(extra: bytes, raw: bytes) -> str | None:
    """The name in UTF-8 that some programs put beside the one of their code page, if it is of this name."""
    while len(extra) >= 4:  # noqa: PLR2004 - head of a field: kind and length
        kind, length = struct.unpack("<HH", extra[:4])
        field, extra = extra[4 : 4 + length], extra[4 + length :]
        if kind == _UNICODE_PATH and length > 5 and field[1:5] == struct.pack("<I", zlib.crc32(raw)):  # noqa: PLR2004
            try:
                return field[5:].decode("utf-8")
            except UnicodeDecodeError:
                return None
    return None


def _is_companion(path: str) -> bool:
    parts = path.split("/")
    hidden = parts[-1].startswith(".") and parts[-1] not in (".", "..")
    return parts[0] == "__MACOSX" or hidden or parts[-1].lower() in _COMPANIONS


def _problem(entry: zipfile.ZipInfo, path: str) -> tuple[str, str] | None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    parts = path.split("/")
    if ".." in parts or path.startswith("/") or (len(path) > 1 and path[1] == ":"):
        return "bad_path", "expected a path inside the bundle, got one that leads out of it"
    if len(path) > MAX_PATH or not path.strip() or any(unicodedata.category(letter) == "Cc" for letter in path):
        return "bad_path", f"expected a path of 1 to {MAX_PATH} printable characters"
    if kind not in (0, stat.S_IFREG):
        return "not_a_file", "expected a plain file, got a link or something else"
    if entry.flag_bits & _ENCRYPTED:
        return "encrypted", "expected a file without a password"
    if path.lower().endswith(_ARCHIVES):
        return "nested_archive", "expected a picture, got an archive in the archive: it is not opened"
    if entry.compress_type not in _METHODS:
        return "packing", f"expected it stored or deflated, got packing method {entry.compress_type}"
    if entry.file_size > MAX_FILE_BYTES:
        return "too_large", f"expected at most {MAX_FILE_BYTES // 2**20} MiB, got {entry.file_size // 2**20}"
    return None


def _shown(path: str) -> str:
    """A path that fits its column and every screen; only those with a problem differ from what they were."""
    clean = "".join("\N{REPLACEMENT CHARACTER}" if _breaks(letter) else letter for letter in path)
    return clean if len(clean) <= MAX_PATH else clean[: MAX_PATH - 1] + "…"


def _breaks(letter: str) -> bool:
    return unicodedata.category(letter) in ("Cc", "Cs")
