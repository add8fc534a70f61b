"""The pictures of a request: files of a form, decoded where a hostile one can hurt nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar, cast

from flask import Flask, request
from pydantic import BaseModel

from face_search.parts import Parts
from face_search.ports import Picture
from shared_kernel.errors import Invalid
from shared_kernel.vision.pictures import UnreadablePicture

V = TypeVar("V", bound=Callable[..., Any])

#: A whole request at most, bytes; an import allows itself more.
MAX_REQUEST_BYTES: Final = 64 * 1024 * 1024
_MARK: Final = "xunshi_form"
_JSON_MARK: Final = "xunshi_json"


@dataclass(frozen=True)
class Part:
    """A field of a form: a file, several files, or text."""

    kind: Literal["file", "files", "text"]
    about: str
    required: bool = True


@dataclass(frozen=True)
class Sent:
    """A picture of a request, as it came and as pixels (H x W x 3 uint8, blue-green-red)."""

    data: bytes
    picture: Picture


def form(**fields: Part) -> Callable[[V], V]:
    """Say which fields the form of a view has; for the documentation, and `sent` refuses all others."""

    def mark(view: V) -> V:
        setattr(view, _MARK, fields)
        return view

    return mark


def also_json(body: type[BaseModel]) -> Callable[[V], V]:
    """Say that a view takes the same without its files as JSON; for the documentation."""

    def mark(view: V) -> V:
        setattr(view, _JSON_MARK, body)
        return view

    return mark


def json_of(app: Flask, endpoint: str) -> type[BaseModel] | None:
    """The JSON that a view takes instead of its form; None: none."""
    return cast("type[BaseModel] | None", getattr(app.view_functions[endpoint], _JSON_MARK, None))


def form_of(app: Flask, endpoint: str) -> dict[str, Part] | None:
    """The form of a view; None: it takes none."""
    return cast("dict[str, Part] | None", getattr(app.view_functions[endpoint], _MARK, None))


def photo(parts: Parts, field: str = "photo") -> Sent:
    """The only picture in a field of the form.

    Raises:
        Invalid: none, several, or no picture; names the field.
        Unavailable: there is no decoder at this moment.
    """
    found = photos(parts, field, at_most=1)
    return found[0]


def photos(parts: Parts, field: str = "photo", *, at_most: int) -> list[Sent]:
    """All pictures in a field of the form, in order; like `photo`."""
    files = request.files.getlist(field)
    if not 1 <= len(files) <= at_most:
        wanted = "one file" if at_most == 1 else f"1 to {at_most} files"
        raise Invalid.field(field, f"expected {wanted} of multipart/form-data, got {len(files)}")
    return [_decoded(parts, field if at_most == 1 else f"{field}[{n}]", one.read()) for n, one in enumerate(files)]


def photos_in_turn(parts: Parts, field: str = "photo", *, at_most: int) -> Iterator[Sent | Invalid]:
    """The same one after the other, so that only one is in memory as pixels; one that is no picture is its refusal.

    Raises:
        Invalid: there are none, or too many.
        Unavailable: there is no decoder at this moment.
    """
    files = request.files.getlist(field)
    if not 1 <= len(files) <= at_most:
        raise Invalid.field(field, f"expected 1 to {at_most} files of multipart/form-data, got {len(files)}")
    for number, file in enumerate(files):
        try:
            yield _decoded(parts, f"{field}[{number}]", file.read())
        except Invalid as refusal:
            yield refusal


def _decoded(parts: Parts, field: str, data: bytes) -> Sent:
    try:
        return Sent(data, parts.decoder.decode(data, "interactive"))
    except UnreadablePicture as error:
        raise Invalid.field(field, error.detail, code=error.code) from error
