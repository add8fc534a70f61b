"""The pictures of a request, as they came: files of a form, or base64 and data URLs in JSON. None is decoded here."""

import base64
import binascii
from dataclasses import dataclass
from typing import Final

from flask import request
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from werkzeug.exceptions import BadRequest

from shared_kernel.errors import FieldProblem, Invalid

#: Pictures of one request at most.
MAX_PICTURES: Final = 16
#: One picture at most, bytes; the worker refuses larger ones too.
MAX_PICTURE_BYTES: Final = 20 * 1024 * 1024
#: A whole request at most, bytes. Base64 takes a third of it for itself.
MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
TOO_LARGE: Final = "too_large"

_SIZE: Final = f"expected at most {MAX_PICTURE_BYTES // 2**20} MiB"


@dataclass(frozen=True, slots=True)
class Sent:
    """One picture of a request: its bytes, or why they are not worth a worker's time."""

    data: bytes = b""
    code: str = ""
    detail: str = ""


class _Images(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    images: list[str] = Field(min_length=1, max_length=MAX_PICTURES)


def pictures() -> list[Sent]:
    """Give the pictures of this request in their order.

    Raises:
        Invalid: none, too many, or something else than pictures; names the field.
        RequestEntityTooLarge: the whole is too large; found before it is read where the client says how large it is.
    """
    if request.mimetype == "multipart/form-data":
        return _of_form()
    if request.mimetype == "application/json":
        return _of_json()
    got = request.mimetype[:60] or "none"
    raise Invalid.field("image", f"expected multipart/form-data or application/json, got {got}", code="media_type")


def _of_form() -> list[Sent]:
    others = sorted({*request.form, *request.files} - {"image"})
    if others:
        raise Invalid.field(others[0][:60], "expected only the field image with files; parameters go into the address")
    if request.form.getlist("image"):
        raise Invalid.field("image", "expected files, got text")
    files = request.files.getlist("image")
    if not 1 <= len(files) <= MAX_PICTURES:
        raise Invalid.field("image", f"expected 1 to {MAX_PICTURES} files, got {len(files)}")
    return [_checked(file.read(MAX_PICTURE_BYTES + 1)) for file in files]


def _of_json() -> list[Sent]:
    try:
        given = _Images.model_validate(request.get_json())
    except BadRequest as error:
        raise Invalid.field("images", "expected a JSON object, got something that is no JSON") from error
    except ValidationError as error:
        wrong = tuple(FieldProblem(".".join(map(str, e["loc"])) or "images", e["msg"]) for e in error.errors())
        raise Invalid("; ".join(f"{one.field}: {one.message}" for one in wrong), fields=wrong) from error
    return [_decoded(text) for text in given.images]


def _decoded(text: str) -> Sent:
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head.lower().endswith(";base64") or not head.lower().startswith("data:image/"):
            return Sent(code="not_an_image", detail="expected data:image/…;base64,…")
    if len(text) > MAX_PICTURE_BYTES * 4 // 3 + 4:
        return Sent(code=TOO_LARGE, detail=_SIZE)
    try:
        return _checked(base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return Sent(code="not_an_image", detail="expected base64 or a data URL")


def _checked(data: bytes) -> Sent:
    if not data:
        return Sent(code="not_an_image", detail="expected a picture, got no bytes")
    if len(data) > MAX_PICTURE_BYTES:
        return Sent(code=TOO_LARGE, detail=_SIZE)
    return Sent(data)
