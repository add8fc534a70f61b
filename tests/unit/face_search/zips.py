"""ZIPs as people's computers and attackers make them."""

from __future__ import annotations

import io
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterable

Entry = tuple[str | bytes, bytes]


def zipped(entries: Iterable[Entry], *, method: int = zipfile.ZIP_DEFLATED) -> io.BytesIO:
    """A ZIP; a name in bytes is written as it is, without saying in what encoding."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        for name, data in entries:
            archive.writestr(_info(name, method), data)
    out.seek(0)
    return out


def _info(name: str | bytes, method: int) -> zipfile.ZipInfo:
    info = _RawInfo() if isinstance(name, bytes) else zipfile.ZipInfo()
    info.filename = name.decode("latin-1") if isinstance(name, bytes) else name
    info.compress_type = method
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


class _RawInfo(zipfile.ZipInfo):
    """Writes its name byte for byte and without the flag of UTF-8, as old programs do."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:  # noqa: N802 - named by zipfile
        return self.filename.encode("latin-1"), self.flag_bits & ~0x800


def with_link(name: str, target: str) -> io.BytesIO:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = zipfile.ZipInfo(name)
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, target)
    return out


def with_unicode_path(raw: bytes, name: str) -> io.BytesIO:
    """Name in some code page, and beside it in UTF-8 with the sum of the former."""
    field = b"\x01" + struct.pack("<I", zlib.crc32(raw)) + name.encode()
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        info = _info(raw, zipfile.ZIP_STORED)
        info.extra = struct.pack("<HH", 0x7075, len(field)) + field
        archive.writestr(info, b"x")
    return out


def sharing(count: int) -> io.BytesIO:
    """`count` names for the same packed bytes."""
    whole = zipped([("1.jpg", bytes(1000))]).getvalue()
    listed = struct.unpack("<I", whole[-6:-2])[0]
    record = whole[listed:-22]
    end = b"PK\x05\x06" + struct.pack("<4H2IH", 0, 0, count, count, len(record) * count, listed, 0)
    return io.BytesIO(whole[:listed] + record * count + end)
