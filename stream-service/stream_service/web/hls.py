"""The live view as HLS with pieces of MP4: late by some seconds, but every phone and every proxy lets it through.

Boxes are asked for beside the playlist: a connection that is held open for them would be one of the six that a browser
opens to a host.
"""

from __future__ import annotations

from typing import Final

from apiflask import APIFlask
from flask import Response
from pydantic import BaseModel, Field

from shared_kernel.errors import NotFound
from stream_service.live import Ending
from stream_service.live.hls import Pieces
from stream_service.web.entry import JOIN_TIMEOUT_S, described, refuse, required
from stream_service.web.parts import LiveParts

#: Players give up when the first playlist is empty: it is held back until it has a piece, at most this long, seconds.
FIRST_PIECE_S = 8.0
PLAYLIST: Final = "application/vnd.apple.mpegurl"
VIDEO: Final = "video/mp4"
#: Players want a number; nobody chooses by it, because there is one stream only.
_BITS_PER_SECOND = 4_000_000


class FacesQuery(BaseModel):
    """Which of them."""

    after: float = Field(-1.0, allow_inf_nan=False, description="only of pictures after this moment, seconds")


def add_hls(app: APIFlask, parts: LiveParts) -> None:
    refusals = described({401: "no valid ticket", 403: "the right was withdrawn", 404: "no such camera or session"})
    playlist = {**described({200: "playlist", 503: "no picture now"}, PLAYLIST), **refusals}

    @app.get("/live/cameras/<camera_id>/hls/index.m3u8")
    @app.doc(summary="Begin to play a camera as HLS", responses={**playlist, **described({409: "not playable"})})
    def hls_index(camera_id: str) -> Response:
        who = required(parts, camera_id)
        session = who.hub.open_session(who.seen, JOIN_TIMEOUT_S, unmasked=who.unmasked)
        if isinstance(session, Ending):
            refuse(session)
        codecs = session.mime.partition("codecs=")[2]
        about = [name for name in ("converted", "masked", "unmasked") if getattr(session, name)]
        lines = [
            "#EXTM3U",
            "#EXT-X-VERSION:7",
            *(f'#EXT-X-SESSION-DATA:DATA-ID="xunshi.{name}",VALUE="YES"' for name in about),
            f"#EXT-X-STREAM-INF:BANDWIDTH={_BITS_PER_SECOND},CODECS={codecs}",
            f"{session.name}/live.m3u8",
        ]
        return Response("\n".join([*lines, ""]), mimetype=PLAYLIST)

    @app.get("/live/cameras/<camera_id>/hls/<session>/live.m3u8")
    @app.doc(summary="The newest pieces", responses=playlist)
    def hls_playlist(camera_id: str, session: str) -> Response:
        return Response(_pieces(parts, camera_id, session).playlist(), mimetype=PLAYLIST)

    @app.get("/live/cameras/<camera_id>/hls/<session>/begin.mp4")
    @app.doc(summary="What comes before the first piece", responses={**described({200: "header"}, VIDEO), **refusals})
    def hls_header(camera_id: str, session: str) -> Response:
        return Response(_pieces(parts, camera_id, session).header, mimetype=VIDEO)

    @app.get("/live/cameras/<camera_id>/hls/<session>/faces.json")
    @app.input(FacesQuery, location="query", arg_name="query")
    @app.doc(
        summary="What was found in the newest pictures, by moment of the stream",
        responses={**described({200: "notes as over the WebSocket"}, "application/json"), **refusals},
    )
    def hls_faces(camera_id: str, session: str, query: FacesQuery) -> Response:
        _pieces(parts, camera_id, session)
        hub = parts.fleet.hub(camera_id)
        notes = hub.notes_after(query.after) if hub else []
        return Response(f"[{','.join(notes)}]", mimetype="application/json")

    @app.get("/live/cameras/<camera_id>/hls/<session>/<int:number>.m4s")
    @app.doc(summary="A piece", responses={**described({200: "fragments"}, VIDEO), **refusals})
    def hls_piece(camera_id: str, session: str, number: int) -> Response:
        found = _pieces(parts, camera_id, session).piece(number)
        if found is None:
            raise NotFound(f"piece {number}: expected one of the newest, it is gone or not there yet", code="no_piece")
        return Response(found, mimetype=VIDEO)


def _pieces(parts: LiveParts, camera_id: str, session: str) -> Pieces:
    hub = parts.fleet.hub(camera_id)
    found = hub.pieces_of(session, FIRST_PIECE_S) if hub else None
    if found is None:
        raise NotFound("session: expected one that is open, begin again with a ticket", code="no_session")
    if isinstance(found, Ending):
        refuse(found)
    return found
