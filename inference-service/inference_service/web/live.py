"""`WS /infer/live`: JPEGs up, boxes down; and the ticket that opens it. One thread a connection reads and sends.

The thread sleeps until the socket has a message, the session something to send, or a second has passed.
"""

import contextlib
import json
import socket
import struct
import time
from typing import Any, Final

from apiflask import APIBlueprint, APIFlask
from flask import request
from flask_sock import Sock
from pydantic import Field, ValidationError
from simple_websocket import ConnectionClosed, Server
from wsproto.events import Ping

from inference_service.rules import PERMISSION
from inference_service.web.parts import WebParts
from inference_service.web.session import MAX_CREDITS, Choice, LiveSession, TooFast
from inference_service.web.sessions import NO_MODEL, REPLACED, RESTART, SILENT, TICKET, TOO_FAST, WITHDRAWN, Ending
from inference_service.web.shapes import ModelQuery, TicketOut, score_for
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.errors import Forbidden, Invalid, NotFound, Unauthorised, Unavailable

PATH: Final = "/infer/live"
TICKET_TTL_S: Final = 60
#: What the ticket of a live session opens.
_OBJECT: Final = "live"
#: Messages beyond this end the connection with 1009; pictures between the limits are answered with an error.
MAX_MESSAGE_BYTES: Final = 8 * 1024 * 1024
#: Messages that wait to be read; nobody who keeps to the credits has so many.
MAX_WAITING: Final = 64
#: A peer that takes nothing for this long is cut off, seconds.
SEND_TIMEOUT_S: Final = 5
STAT_EVERY_S: Final = 1.0
#: A phone may hide a dead link: a ping this often, seconds; without an answer until the next one it is over.
PING_EVERY_S: Final = 25.0
CLOSE_TIMEOUT_S: Final = 1.0
_MAX_TEXT_CHARS: Final = 1000
_UNSUPPORTED_DATA: Final = 1003


class LiveQuery(ModelQuery):
    """What a live session is opened with."""

    ticket: str = Field("", max_length=2048, description="of POST /infer/live-ticket")
    session: str | None = Field(None, max_length=26, description="session to resume")
    after: int = Field(-1, ge=-1, lt=2**32, description="number of the last picture whose result came")


def blueprint(parts: WebParts) -> APIBlueprint:
    """Route POST /infer/live-ticket."""
    routes = APIBlueprint("live", __name__, tag="Live")

    @routes.post("/infer/live-ticket")
    @routes.output(TicketOut)
    @routes.doc(summary="A ticket that opens one live session (WebSocket /infer/live)")
    def live_ticket() -> TicketOut:
        caller = parts.door.enter(request.headers.get("Authorization"), PERMISSION)
        ticket = sign_ticket(parts.ticket_key, Ticket("infer", caller.user_id, _OBJECT), ttl_s=TICKET_TTL_S)
        return TicketOut(ticket=ticket, expires_in=TICKET_TTL_S, path=PATH)

    return routes


def add_socket(app: APIFlask, parts: WebParts) -> None:
    """Add the WebSocket to an app."""
    app.config["SOCK_SERVER_OPTIONS"] = {"max_message_size": MAX_MESSAGE_BYTES, "receive_bytes": 65_536}
    sock = Sock(app)

    @app.before_request
    def refuse_compression() -> None:
        # JPEG does not shrink, and a few bytes could unfold to gigabytes
        request.environ.pop("HTTP_SEC_WEBSOCKET_EXTENSIONS", None)

    @sock.route(PATH)  # type: ignore[untyped-decorator]
    def live(connection: Server) -> None:
        _bound_sending(connection.sock)
        opened = _opened(parts)
        if isinstance(opened, Ending):
            _end(connection, opened)
            return
        session, after = opened
        turn = session.attach(connection.event.set, after)
        try:
            ending = _Talk(parts, connection, session, turn).run()
        except (ConnectionClosed, OSError):
            return
        finally:
            session.detach(turn)
        if ending.code not in {REPLACED, SILENT}:
            parts.sessions.forget(session)
        _end(connection, ending)


def _opened(parts: WebParts) -> tuple[LiveSession, int | None] | Ending:
    """Give a session and what its client has, if parameters, ticket, right, model and room allow it."""
    try:
        query = LiveQuery.model_validate(request.args.to_dict())
        user_id = verify_ticket(parts.ticket_key, query.ticket, "infer", _OBJECT).user_id
        parts.door.readmit(user_id, PERMISSION)
        choice = _choice(parts, query)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        return Ending(_UNSUPPORTED_DATA, "parameters", wrong)
    except Invalid as error:
        return Ending(_UNSUPPORTED_DATA, "parameters", error.detail)
    except Unauthorised as error:
        return Ending(TICKET, "ticket", error.detail)
    except Forbidden as error:
        return Ending(WITHDRAWN, "withdrawn", error.detail)
    except NotFound as error:
        return Ending(NO_MODEL, "no_model", error.detail)
    except Unavailable:
        return Ending(RESTART, "rights_unknown", "nobody can say now whether you may do this")
    opened = parts.sessions.open(user_id, choice, query.session)
    if isinstance(opened, Ending):
        return opened
    session, resumed = opened
    return session, query.after if resumed else None


def _choice(parts: WebParts, query: LiveQuery) -> Choice:
    """Give what is asked of each picture.

    Raises:
        NotFound: there is no such model, or it lacks a file.
        Invalid: the model's results do not go down to this score.
    """
    card = parts.shelf.find(query.model, query.version) if query.model else parts.shelf.default("state")
    if card.state != "ready":
        raise NotFound(f"model {card.name}: {card.reason}", code="no_model")
    return Choice(card, score_for(card, query.min_score))


class _Talk:
    """One connection, from the first message to the last."""

    def __init__(self, parts: WebParts, connection: Server, session: LiveSession, turn: int) -> None:
        self._parts = parts
        self._connection = connection
        self._session = session
        self._turn = turn
        self._stat_at_s = self._ping_at_s = time.monotonic()
        self._ping_at_s += PING_EVERY_S
        self._stat_at_s += STAT_EVERY_S

    def run(self) -> Ending:
        """Read and send until the client is sent away. What came before it left is still taken.

        Raises:
            ConnectionClosed: the client left.
            OSError: the client takes nothing any more.
        """
        while True:
            if not self._session.is_current(self._turn):
                return Ending(REPLACED, "replaced", "the session was resumed on another connection")
            if ending := self._parts.sessions.ending(self._session):
                return ending
            if ending := self._read() or self._keep_alive():
                return ending
            for text in self._session.outgoing():
                self._connection.send(text)
            self._connection.event.wait(max(0.0, min(self._stat_at_s, self._ping_at_s) - time.monotonic()))

    def _read(self) -> Ending | None:
        """Take what has come. The event is shared with the session: whoever sets it wakes this thread."""
        self._connection.event.clear()
        while (message := self._connection.receive(timeout=0)) is not None:
            if len(self._connection.input_buffer) > MAX_WAITING:
                return Ending(TOO_FAST, "too_fast", "messages come faster than they are read")
            try:
                if isinstance(message, bytes):
                    self._frame(message)
                else:
                    self._text(message)
            except TooFast as error:
                return Ending(TOO_FAST, "too_fast", str(error))
        return None

    def _frame(self, message: bytes) -> None:
        taken = self._session.frame(message)
        if taken is not None:
            self._parts.sessions.submit(self._session, taken)

    def _text(self, text: str) -> None:
        said = _parsed(text)
        match said.get("type"):
            case "ping":
                self._session.reply({"type": "pong", "id": said.get("id")})
            case "credit" if isinstance(said.get("n"), int) and 0 < said["n"] <= MAX_CREDITS:
                self._session.grant(said["n"])
            case _:
                detail = f"expected a picture, ping {{id}} or credit {{n: 1 to {MAX_CREDITS}}}, got something else"
                self._session.reply({"type": "error", "frame_no": None, "code": "message", "detail": detail})

    def _keep_alive(self) -> Ending | None:
        at_s = time.monotonic()
        if at_s >= self._stat_at_s:
            self._stat_at_s = at_s + STAT_EVERY_S
            self._session.note_stat()
        if at_s >= self._ping_at_s:
            self._ping_at_s = at_s + PING_EVERY_S
            if not self._connection.pong_received:
                return Ending(SILENT, "no_pong", "no answer to a ping")
            self._connection.pong_received = False
            self._connection.sock.send(self._connection.ws.send(Ping()))
        return None


def _parsed(text: str) -> dict[str, Any]:
    try:
        said = json.loads(text) if len(text) <= _MAX_TEXT_CHARS else None
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _end(connection: Server, ending: Ending) -> None:
    with contextlib.suppress(ConnectionClosed, OSError):
        connection.send(json.dumps({"type": "end", "reason": ending.reason, "detail": ending.detail}))
        connection.close(ending.code, ending.reason)
        # the peer answers the close; without waiting for it the connection would be reset, and the reason lost with it
        connection.thread.join(CLOSE_TIMEOUT_S)


def _bound_sending(sock: socket.socket) -> None:
    """A peer that reads nothing makes `send` fail after a while instead of holding its thread for ever."""
    with contextlib.suppress(OSError):  # it has left already, or is no TCP connection
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
