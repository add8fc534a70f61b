"""Bytes from outside into pixels: limits first, then the decoder. Used for uploads and for files on the command line.

Plain JPEG goes through OpenCV, which takes half of Pillow's time for the same pixels and also refuses files that end
too early; everything else goes through Pillow. Frames of cameras come from our own encoder (`decode_frame`).
"""

import struct
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import AvifImagePlugin, Image, UnidentifiedImageError, features

from shared_kernel.errors import Refused
from shared_kernel.vision.ports import Picture

#: Larger files are refused unread.
MAX_BYTES: Final = 20 * 1024 * 1024

#: Pictures with more pixels are refused before they are decoded: 20 MB can hold a picture that needs gigabytes.
MAX_PIXELS: Final = 50_000_000

#: What Pillow is allowed to try; its rarer decoders are not exposed to strangers.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", *(("AVIF",) if features.check("avif") else ()))

#: Names of files that are taken for pictures when a folder is searched.
SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".avif"})

#: Beginnings of files that people take for pictures and that we do not read: offset, bytes, name.
_KNOWN_UNSUPPORTED: Final = (
    (4, b"ftyphe", "HEIC"),
    (4, b"ftypmif1", "HEIF"),
    (4, b"ftypmsf1", "HEIF"),
    (4, b"ftypavi", "AVIF"),
    (4, b"ftyp", "a video"),
    (0, b"\x1aE\xdf\xa3", "a video"),
    (0, b"%PDF", "PDF"),
    (0, b"8BPS", "PSD"),
    (0, b"<svg", "SVG"),
    (0, b"\x00\x00\x01\x00", "ICO"),
    (0, b"\x00\x00\x00\x0cJXL ", "JPEG XL"),
    (0, b"\xff\x0a", "JPEG XL"),
    (0, b"\x00\x00\x00\x0cjP  ", "JPEG 2000"),
    (0, b"\xff\x4f\xff\x51", "JPEG 2000"),
)

#: Beginnings of the formats that are read: a file with one of them that cannot be opened is damaged.
_KNOWN_SUPPORTED: Final = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"GIF8", b"RIFF", b"II*\x00", b"MM\x00*")

#: A file with such a mark at 4 may be AVIF; the latter are brands of its whole family, HEIC included.
_FAMILY: Final = (b"ftypmif1", b"ftypmsf1")
_MAYBE_AVIF: Final = (b"ftypavif", b"ftypavis", *_FAMILY)

#: EXIF tag of the orientation, and what brings each of its values upright: transpose first, then flip (OpenCV's code).
_ORIENTATION: Final = 0x0112
_UPRIGHT: Final[dict[int, tuple[bool, int | None]]] = {
    2: (False, 1),
    3: (False, -1),
    4: (False, 0),
    5: (True, None),
    6: (True, 1),
    7: (True, -1),
    8: (True, 0),
}

#: How OpenCV is told to decode a JPEG to a share of its size.
_REDUCED: Final = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
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
    ArithmeticError,
    RuntimeError,
    struct.error,
)

# One picture, one thread: how many are decoded at once is the worker's business.
AvifImagePlugin.DEFAULT_MAX_THREADS = 1


class UnreadablePicture(Refused):
    """Bytes that give no picture. `code`: not_an_image, truncated, too_many_pixels, too_large or unsupported."""

    status = 422
    title = "Unreadable picture"


@dataclass(frozen=True, slots=True)
class Decoded:
    """A picture at the size that was needed, and the size it has: upright `width` and `height`, pixels."""

    picture: Picture
    width: int
    height: int


def decode(data: bytes) -> Picture:
    """Decode a picture from a stranger.

    An animation gives its first frame, EXIF orientation is honoured, transparency lies on white, 16 bits become 8.

    Returns:
        H x W x 3 uint8, blue-green-red.

    Raises:
        UnreadablePicture: see there.
    """
    return decode_to_fit(data).picture


def decode_to_fit(data: bytes, fit_px: int | None = None) -> Decoded:
    """Decode like `decode`, a JPEG straight to 1/2, 1/4 or 1/8 of its size where that is still large enough.

    Args:
        data: the file.
        fit_px: the longer side keeps at least this many pixels (or all it has); None decodes every pixel.

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
        orientation = _orientation(image)
        is_jpeg = image.format in {"JPEG", "MPO"}
        share = _share(max(width, height), fit_px) if is_jpeg else 1
        if is_jpeg and image.mode in {"RGB", "L"}:
            pixels = _jpeg(data, share)
        else:
            pixels = _loaded(image, share)
            if not is_jpeg:  # Pillow sets a TIFF upright while it decodes
                height, width = pixels.shape[:2]
    turned, flip = _UPRIGHT.get(orientation, (False, None))
    if turned:
        width, height, pixels = height, width, _bgr(cv2.transpose(pixels))
    if flip is not None:
        pixels = _bgr(cv2.flip(pixels, flip))
    return Decoded(pixels, width, height)


def read_file(path: Path) -> Picture:
    """Read a picture from a file; like `decode`.

    Raises:
        UnreadablePicture: see there.
        OSError: the file cannot be read.
    """
    return read_to_fit(path).picture


def read_to_fit(path: Path, fit_px: int | None = None) -> Decoded:
    """Read a picture from a file; like `decode_to_fit`.

    Raises:
        UnreadablePicture: see there.
        OSError: the file cannot be read.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise UnreadablePicture(f"picture: expected at most {MAX_BYTES} bytes, got {size}", code="too_large")
    return decode_to_fit(path.read_bytes(), fit_px)


def decode_frame(data: bytes) -> Picture:
    """Decode what one of our own services encoded, such as a frame; its orientation is right as it is.

    Returns:
        H x W x 3 uint8, blue-green-red.

    Raises:
        UnreadablePicture: no picture, or larger than a frame can be.
    """
    # The header says the size before the decoder takes memory for it.
    with _opened(data) as image:
        if image.size[0] * image.size[1] > MAX_PIXELS:
            raise UnreadablePicture(f"frame: expected at most {MAX_PIXELS} pixels", code="too_many_pixels")
    return _jpeg(data, 1)


def _opened(data: bytes) -> Image.Image:
    """Read the header only."""
    if not data:
        raise UnreadablePicture("picture: expected bytes, got none", code="not_an_image")
    maybe_avif = "AVIF" in FORMATS and data[4:12] in _MAYBE_AVIF
    if not maybe_avif:
        _refuse_known(data)
    try:
        return Image.open(BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"picture: {error}", code="too_many_pixels") from error
    except UnidentifiedImageError as error:
        if data.startswith(_KNOWN_SUPPORTED) or data[4:11] == b"ftypavi":
            raise UnreadablePicture("picture: its header is damaged or ends too early", code="truncated") from error
        _refuse_known(data)
        raise UnreadablePicture(
            f"picture: expected {', '.join(FORMATS)}, got something else", code="not_an_image"
        ) from error
    except _DAMAGE as error:
        if data[4:12] in _FAMILY:
            _refuse_known(data)
        raise UnreadablePicture(f"picture: its header is damaged ({error})", code="truncated") from error


def _refuse_known(data: bytes) -> None:
    for offset, mark, name in _KNOWN_UNSUPPORTED:
        if data[offset : offset + len(mark)] == mark:
            raise UnreadablePicture(f"picture: {name} is not read; expected {', '.join(FORMATS)}", code="unsupported")


def _orientation(image: Image.Image) -> int:
    """Give the EXIF orientation; a picture with damaged EXIF counts as upright."""
    if image.format == "TIFF":  # set upright by Pillow while it decodes
        return 1
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except _DAMAGE:
        return 1


def _share(side_px: int, fit_px: int | None) -> int:
    """Give the largest of 8, 4, 2 and 1 by which a JPEG may be reduced while decoding."""
    return 1 if fit_px is None else next((share for share in (8, 4, 2) if -(-side_px // share) >= fit_px), 1)


def _jpeg(data: bytes, share: int) -> Picture:
    """Decode every pixel, or one of `share` a side, without a copy."""
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _REDUCED[share] | cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error as error:
        raise UnreadablePicture(f"picture: is damaged ({error.err})", code="truncated") from error
    if pixels is None:
        raise UnreadablePicture("picture: ends too early or is damaged", code="truncated")
    return _bgr(pixels)


def _loaded(image: Image.Image, share: int) -> Picture:
    """Decode what only Pillow reads."""
    try:
        if share > 1:
            width, height = image.size
            image.draft(None, (max(1, width // share), max(1, height // share)))
        image.load()
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise UnreadablePicture(f"picture: {error}", code="too_many_pixels") from error
    except _DAMAGE as error:
        raise UnreadablePicture(f"picture: ends too early or is damaged ({error})", code="truncated") from error
    try:
        return _as_bgr(image)
    except _DAMAGE as error:
        raise UnreadablePicture(f"picture: mode {image.mode} is not read ({error})", code="unsupported") from error


def _as_bgr(image: Image.Image) -> Picture:
    if image.mode.startswith(("I", "F")):
        return _bgr(cv2.cvtColor(_to_8_bits(image), cv2.COLOR_GRAY2BGR))
    if image.mode in {"RGBA", "LA", "PA", "La", "RGBa"} or "transparency" in image.info:
        over = image.convert("RGBA")
        image = Image.new("RGB", over.size, (255, 255, 255))
        image.paste(over, mask=over.getchannel("A"))
    return _bgr(cv2.cvtColor(np.asarray(image.convert("RGB"), dtype=np.uint8), cv2.COLOR_RGB2BGR))


def _to_8_bits(image: Image.Image) -> NDArray[np.uint8]:
    values = np.asarray(image)
    if image.mode.startswith("I"):  # whole numbers in these modes come from 16-bit files
        return np.asarray(np.clip(values, 0, 65535) >> 8, dtype=np.uint8)
    # floats have no agreed range and are stretched
    finite = np.nan_to_num(values.astype(np.float32))
    top = max(float(finite.max(initial=0.0)), 1e-6)
    return np.asarray(np.clip(finite * (255.0 / top), 0, 255), dtype=np.uint8)


def _bgr(pixels: object) -> Picture:
    return np.asarray(pixels, dtype=np.uint8)
