"""Pictures. A ticket opens one for ten minutes, and the right to its camera is asked again each time."""

from __future__ import annotations

from typing import Final

from apiflask import APIBlueprint
from flask import Response, request
from pydantic import Field

from miniprogram_api.access import PREFIX, allow, authenticated
from miniprogram_api.parts import Parts
from miniprogram_api.rights import of_camera, scope_of, visible
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.shapes import Query

TICKET_TTL_S: Final = 600
#: A withdrawn right must end cached pictures within five seconds.
_CACHE: Final = "private, max-age=4"


class MediaQuery(Query):
    ticket: str | None = Field(None, max_length=2048, description="instead of an access token, for <img>")


def media_url(parts: Parts, user_id: str, media_id: str) -> str:
    """Address of a picture that opens for this user for ten minutes."""
    key = parts.settings.ticket_key.get_secret_value()
    return (
        f"{PREFIX}/media/{media_id}?ticket={sign_ticket(key, Ticket('media', user_id, media_id), ttl_s=TICKET_TTL_S)}"
    )


def blueprint(parts: Parts) -> APIBlueprint:
    """Route /media/{media_id}."""
    routes = APIBlueprint("media", __name__, tag="Passes")

    @routes.get("/media/<ulid:media_id>")
    @allow("ticket", scoped=True)
    @routes.input(MediaQuery, location="query", arg_name="query")
    @routes.doc(responses={200: "the JPEG", 304: "unchanged", 404: "no such picture, or not for this user"})
    def picture(media_id: str, query: MediaQuery) -> Response:
        user_id = _who(parts, media_id, query.ticket)
        with parts.database.read() as store:
            scope, found = scope_of(store, user_id), store.media.get(media_id)
        row = visible(scope, "pass.read", found, of_camera, f"media {media_id}")
        etag = f'"{row.media_id}"'  # whoever stores a picture chooses a new key: the same id never has other bytes
        if request.if_none_match.contains(row.media_id):
            response = Response(status=304)
        else:
            response = Response(parts.blobs.get(row.object_key), mimetype=row.mime)
        response.headers["ETag"] = etag
        response.headers["Cache-Control"] = _CACHE
        response.headers["Content-Disposition"] = "inline"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    return routes


def _who(parts: Parts, media_id: str, ticket: str | None) -> str:
    if ticket is None:
        return authenticated(parts).user_id
    return verify_ticket(parts.settings.ticket_key.get_secret_value(), ticket, "media", media_id).user_id
