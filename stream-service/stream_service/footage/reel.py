"""A reel: packets and boxes in one file that only grows, written while they happen, whole after any kill.

Each record carries its length and checksum. Whoever reads a reel that a crash cut off gets every record before the cut.
Written unbuffered: what `append` took survives the death of the process; a power cut may take the last seconds.
"""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO, Final, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from shared_kernel.clock import EPOCH
from shared_kernel.messages import Face, Moment
from stream_service.ports import Packet

#: Kind of a record.
_HEAD, _PACKET, _SIGHTED, _END = 0x48, 0x50, 0x53, 0x45
#: Kind of a record and length of its body; then comes the checksum of both and of the body.
_FRAME: Final = struct.Struct(">BI")
_CHECKSUM: Final = struct.Struct(">I")
#: pts, dts, arrival in microseconds since 1970, whether it is a key frame
_PICTURE: Final = struct.Struct(">qqqB")
#: Longer records are taken for damage: no packet is that large, bytes.
_MAX_RECORD_BYTES: Final = 64 * 1024 * 1024
_MICROSECOND: Final = timedelta(microseconds=1)


class ReelHead(BaseModel):
    """What a reel is. `extradata` is the stream's own header, see `ports.StreamInfo`."""

    model_config = ConfigDict(frozen=True, ser_json_bytes="base64", val_json_bytes="base64")

    footage_id: str
    camera_id: str
    kind: Literal["clip", "recording"]
    pass_id: str | None = None
    codec: str
    extradata: bytes = b""


class Sighted(BaseModel):
    """The faces of one analysed picture; `at` is the arrival of its packet."""

    model_config = ConfigDict(frozen=True)

    at: Moment
    faces: tuple[Face, ...]


class ReelEnd(BaseModel):
    """The last picture that belongs to it; None: all of it does, as with a reel whose end a crash took."""

    model_config = ConfigDict(frozen=True)

    cut_to: Moment | None


Record = ReelHead | Packet | Sighted | ReelEnd


class ReelWriter:
    """Appends to a new file.

    Raises (every method):
        OSError: the disk refuses; what was appended before stays readable.
    """

    def __init__(self, path: Path, head: ReelHead) -> None:
        self.bytes = 0
        self._file: BinaryIO = path.open("xb", buffering=0)
        self.append(head)

    def append(self, record: Record) -> None:
        kind, body = _written(record)
        frame = _FRAME.pack(kind, len(body))
        data = frame + _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(frame))) + body
        rest = memoryview(data)
        while rest:  # an unbuffered write may take a part
            rest = rest[self._file.write(rest) :]
        self.bytes += len(data)

    def close(self, *, durable: bool) -> None:
        """Close the file; `durable`: safe from a power cut when this returns."""
        with self._file:
            if durable:
                os.fsync(self._file.fileno())


def _written(record: Record) -> tuple[int, bytes]:
    if isinstance(record, Packet):
        arrived_us = (record.arrived_at - EPOCH) // _MICROSECOND
        return _PACKET, _PICTURE.pack(record.pts, record.dts, arrived_us, record.key) + record.data
    kinds = {ReelHead: _HEAD, Sighted: _SIGHTED, ReelEnd: _END}
    return kinds[type(record)], record.model_dump_json().encode()


@dataclass(frozen=True)
class Reel:
    """A reel on disk. Reading goes through the file each time: an hour of video never lies in memory."""

    path: Path
    head: ReelHead

    @classmethod
    def open(cls, path: Path) -> Reel:
        """Read the head.

        Raises:
            ValueError: it has none: nothing was ever written into it.
        """
        first = next(_records(path), None)
        if not isinstance(first, ReelHead):
            raise ValueError(f"reel {path.name}: expected a head first, got {type(first).__name__}")  # noqa: TRY004
        return cls(path, first)

    def packets(self) -> Iterator[Packet]:
        """Those that belong to it, from a key frame on. `arrived_s` is not kept: 0."""
        cut_to = next((one.cut_to for one in _records(self.path) if isinstance(one, ReelEnd)), None)
        began = False
        for record in _records(self.path):
            if not isinstance(record, Packet) or not (began or record.key):
                continue
            if began and cut_to is not None and record.arrived_at > cut_to:
                return
            began = True
            yield record

    def sighted(self) -> Iterator[Sighted]:
        return (record for record in _records(self.path) if isinstance(record, Sighted))


def _records(path: Path) -> Iterator[Record]:
    """Every whole record up to the first damaged one."""
    with path.open("rb") as file:
        while len(frame := file.read(_FRAME.size)) == _FRAME.size:
            kind, length = _FRAME.unpack(frame)
            if length > _MAX_RECORD_BYTES:
                return
            checksum, body = file.read(_CHECKSUM.size), file.read(length)
            if len(body) != length or checksum != _CHECKSUM.pack(zlib.crc32(body, zlib.crc32(frame))):
                return
            try:
                record = _read(kind, body)
            except (ValidationError, struct.error):
                return
            if record is not None:
                yield record


def _read(kind: int, body: bytes) -> Record | None:
    if kind == _PACKET:
        pts, dts, arrived_us, key = _PICTURE.unpack_from(body)
        arrived_at = EPOCH + arrived_us * _MICROSECOND
        return Packet(body[_PICTURE.size :], pts, dts, bool(key), arrived_at, 0.0)
    if kind == _SIGHTED:
        return Sighted.model_validate_json(body)
    if kind == _HEAD:
        return ReelHead.model_validate_json(body)
    return ReelEnd.model_validate_json(body) if kind == _END else None  # a newer version may know more kinds
