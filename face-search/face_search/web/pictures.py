"""Crops of samples and sightings. A ticket opens one for ten minutes, and the rights are asked again each time."""

from __future__ import annotations

import hashlib
from typing import Final

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from face_search.adapters.store import Store
from face_search.parts import Parts
from face_search.web.access import allow
from face_search.web.sighted import viewer
from shared_kernel.errors import NotFound
from shared_kernel.shapes import Query

#: A withdrawn right must end cached pictures within five seconds.
_CACHE: Final = "private, max-age=4"


class PictureQuery(Query):
    ticket: str | None = Field(None, max_length=2048, description="instead of an access token, for <img>")


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /faces/pictures/{picture_id}."""
    routes = APIBlueprint("pictures", __name__, tag="Pictures")

    @routes.get("/pictures/<ulid:picture_id>")
    @allow("face.view", ticket_for="picture_id")
    @routes.input(PictureQuery, location="query", arg_name="query")
    @routes.doc(
        summary="The face of a sample or sighting, with some surroundings",
        responses={200: "the JPEG", 304: "unchanged", 404: "no such picture, or not for this user"},
    )
    def picture(picture_id: str, query: PictureQuery) -> Response:  # noqa: ARG001 - the door reads the ticket
        with parts.database.read() as store:
            key = _key_of(store, picture_id)
        if key is None:
            raise _no_picture(picture_id)
        tag = hashlib.sha256(key.encode()).hexdigest()[:32]  # whoever stores a picture chooses a new key
        if request.if_none_match.contains(tag):
            response = Response(status=304)
        else:
            try:
                response = Response(parts.blobs.get(key), mimetype="image/jpeg")
            except NotFound as error:  # removed a moment ago
                raise _no_picture(picture_id) from error
        response.set_etag(tag)
        response.headers["Cache-Control"] = _CACHE
        response.headers["Content-Disposition"] = "inline"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    return routes


def _key_of(store: Store, picture_id: str) -> str | None:
    """Where the picture lies, if the caller may see it: samples with the permission, sightings with their camera."""
    sample = store.samples.get(picture_id)
    if sample is not None:
        return sample.crop_key
    sighting = store.tracks.one(picture_id, viewer())
    return None if sighting is None else sighting.crop_key


def _no_picture(picture_id: str) -> NotFound:
    return NotFound(f"picture {picture_id}: expected one that you may see, found none", code="no_picture")
