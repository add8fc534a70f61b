"""Bytes from outside into pixels: limits first, then the decoder. Used for uploads and for files on the command line.

Frames of cameras come from our own encoder and take the short way of `decode_frame`.
"""

import struct
from io import BytesIO
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from inference_service.ports import Picture
from shared_kernel.errors import Refused

#: Larger files are refused unread.
MAX_BYTES: Final = 20 * 1024 * 1024

#: Pictures with more pixels are refused before they are decoded: 20 MB can hold a picture that needs gigabytes.
MAX_PIXELS: Final = 50_000_000

#: What Pillow is allowed to try; its rarer decoders are not exposed to strangers.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF")

#: Names of files that are taken for pictures when a folder is searched.
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"})

#: Beginnings of files that people take for pictures and that we do not read: offset, bytes, name.
_KNOWN_UNSUPPORTED: Final = (
    (4, b"ftypheic", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypavif", "AVIF"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "PSD"),
    (0, b"<svg", "SVG"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
)

#: Beginnings of the formats that are read: a file with one of them that cannot be opened is damaged.
_KNOWN_SUPPORTED: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")

#: EXIF tag of the orientation, and what brings each of its values upright.
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}

#: What Pillow's decoders are seen to raise on damaged files.
_DAMAGE: Final = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    EOFError,
    IndexError,
    KeyError,
    OverflowError,
    struct.error,
)


class UnreadablePicture(Refused):
    """Bytes that give no picture. `code`: not_an_image, truncated, too_many_pixels, too_large or unsupported."""

    status = 422
    title = "Unreadable picture"


def decode(data: bytes) -> Picture:
    """Decode a picture from a stranger.

    An animation gives its first frame, EXIF orientation is honoured, transparency lies on white, 16 bits become 8.

    Returns:
        H x W x 3 uint8, blue-green-red.

    Raises:
        UnreadablePicture: see there.
    """
    if len(data) > MAX_BYTES:
        raise UnreadablePicture(f"picture: expected at most {MAX_BYTES} bytes, got {len(data)}", code="too_large")
    with _opened(data) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise UnreadablePicture(
                f"picture: expected at most {MAX_PIXELS} pixels, got {width} x {height}", code="too_many_pixels"
            )
        try:
            image.load()
        except _DAMAGE as error:
            raise UnreadablePicture(f"picture: ends too early or is damaged ({error})", code="truncated") from error
        turn = _UPRIGHT.get(_orientation(image))
        upright = image.transpose(turn) if turn is not None else image
        try:
            return _as_bgr(upright)
        except _DAMAGE as error:
            raise UnreadablePicture(f"picture: mode {image.mode} is not read ({error})", code="unsupported") from error


def read_file(path: Path) -> Picture:
    """Read a picture from a file; like `decode`.

    Raises:
        UnreadablePicture: see there.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UnreadablePicture(f"picture: expected at most {MAX_BYTES} bytes, got {size}", code="too_large")
    return decode(path.read_bytes())


def decode_frame(jpeg: bytes) -> Picture:
    """Decode a frame that our own stream-service encoded.

    Returns:
        H x W x 3 uint8, blue-green-red.

    Raises:
        UnreadablePicture: not a JPEG, or larger than a frame can be.
    """
    # The header says the size before the decoder takes memory for it.
    with _opened(jpeg) as image:
        if image.size[0] * image.size[1] > MAX_PIXELS:
            raise UnreadablePicture(f"frame: expected at most {MAX_PIXELS} pixels", code="too_many_pixels")
    pixels = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if pixels is None:
        raise UnreadablePicture("frame: not decodable", code="truncated")
    return np.asarray(pixels, dtype=np.uint8)


def _opened(data: bytes) -> Image.Image:
    """Read the header only."""
    if not data:
        raise UnreadablePicture("picture: expected bytes, got none", code="not_an_image")
    for offset, mark, name in _KNOWN_UNSUPPORTED:
        if data[offset : offset + len(mark)] == mark:
            raise UnreadablePicture(f"picture: {name} is not read; expected {', '.join(FORMATS)}", code="unsupported")
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"picture: {error}", code="too_many_pixels") from error
    except UnidentifiedImageError as error:
        if data.startswith(_KNOWN_SUPPORTED):
            raise UnreadablePicture("picture: its header is damaged or ends too early", code="truncated") from error
        raise UnreadablePicture(
            f"picture: expected {', '.join(FORMATS)}, got something else", code="not_an_image"
        ) from error
    except _DAMAGE as error:
        raise UnreadablePicture(f"picture: its header is damaged ({error})", code="truncated") from error


def _orientation(image: Image.Image) -> int:
    """Give the EXIF orientation; a picture with damaged EXIF counts as upright."""
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        return 1


def _as_bgr(image: Image.Image) -> Picture:
    if image.mode.startswith(("I", "F")):
        return cv2.cvtColor(_to_8_bits(image), cv2.COLOR_GRAY2BGR).astype(np.uint8, copy=False)
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        image = image.convert("RGBA")
        white = Image.new("RGBA", image.size, (255, 255, 255, 255))
        image = Image.alpha_composite(white, image)
    pixels = np.asarray(image.convert("RGB"), dtype=np.uint8)
    return cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR).astype(np.uint8, copy=False)


def _to_8_bits(image: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(image, dtype=np.float32)
    # Whole numbers in these modes come from 16-bit files; floats have no agreed range and are stretched.
    top = 65535.0 if image.mode.startswith("I") else max(float(values.max(initial=0.0)), 1e-6)
    return np.asarray(np.clip(np.nan_to_num(values) * (255.0 / top), 0, 255), dtype=np.uint8)
