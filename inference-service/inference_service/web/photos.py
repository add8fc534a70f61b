"""`POST /infer/detect` and `/infer/classify`: up to 16 pictures in, their verdicts out, annotated where asked for."""

import base64
import time
from typing import Final, Literal

from apiflask import APIBlueprint
from flask import Response, request

from inference_service.packs.card import Card
from inference_service.rules import PERMISSION, annotated_key
from inference_service.web.intake import pictures
from inference_service.web.parts import WebParts
from inference_service.web.shapes import (
    PhotoQuery,
    PictureError,
    PictureOut,
    PicturesOut,
    TicketQuery,
    boxes_out,
    score_for,
)
from inference_service.web.submit import NO_ANSWER, Wish, inbox_key
from shared_kernel.auth import Ticket, sign_ticket, verify_ticket
from shared_kernel.errors import FieldProblem, Invalid, NotFound, Refused, Unavailable
from shared_kernel.messages import PhotoAnalysed, PhotoError, Task
from shared_kernel.web import RETRY_AFTER_S, problem

#: A link to an annotated picture opens it this long, seconds.
LINK_TTL_S: Final = 600
#: A withdrawn right must end cached pictures within five seconds.
_CACHE: Final = "private, max-age=4"
_TOO_LARGE: Final = frozenset({"too_large", "too_many_pixels"})
#: Codes that are no fault of the picture: the same request may work later.
_LATER: Final = frozenset({"busy", "not_found", "unavailable"})
#: What each route may be asked with; the first is meant when no model is named.
_TASKS: Final[dict[str, tuple[Task, ...]]] = {"detect": ("state", "detect"), "classify": ("classify",)}


class TooLarge(Refused):
    """A picture beyond the limits."""

    status = 413
    title = "Content too large"


def blueprint(parts: WebParts) -> APIBlueprint:
    """Routes /infer/detect, /infer/classify and /infer/annotated/{id}."""
    routes = APIBlueprint("photos", __name__, tag="Pictures")

    @routes.post("/infer/detect")
    @routes.input(PhotoQuery, location="query", arg_name="query")
    @routes.output(PicturesOut)
    @routes.doc(summary="Find things, or faces and their mask state, in up to 16 pictures")
    def detect(query: PhotoQuery) -> PicturesOut | Response:
        return _analysed(parts, query, "detect")

    @routes.post("/infer/classify")
    @routes.input(PhotoQuery, location="query", arg_name="query")
    @routes.output(PicturesOut)
    @routes.doc(summary="Say what up to 16 pictures show as a whole")
    def classify(query: PhotoQuery) -> PicturesOut | Response:
        return _analysed(parts, query, "classify")

    @routes.get("/infer/annotated/<photo_id>")
    @routes.input(TicketQuery, location="query", arg_name="query")
    @routes.doc(
        summary="An annotated picture by its short-lived link",
        responses={200: "the JPEG", 401: "the link is over", 403: "the right was withdrawn", 404: "not there any more"},
    )
    def annotated(photo_id: str, query: TicketQuery) -> Response:
        ticket = verify_ticket(parts.ticket_key, query.ticket, "infer", photo_id)
        parts.door.readmit(ticket.user_id, PERMISSION)
        try:
            picture = parts.submitter.blobs.get(annotated_key(inbox_key(photo_id)))
        except NotFound as error:
            raise NotFound("picture: expected one that is still kept, got none", code="no_picture") from error
        response = Response(picture, mimetype="image/jpeg")
        response.headers["Cache-Control"] = _CACHE
        response.headers["Content-Disposition"] = "inline"
        response.headers["Content-Security-Policy"] = "default-src 'none'"
        return response

    return routes


def _analysed(parts: WebParts, query: PhotoQuery, route: Literal["detect", "classify"]) -> PicturesOut | Response:
    caller = parts.door.enter(request.headers.get("Authorization"), PERMISSION)
    card = _card(parts, query, route)
    min_score = score_for(card, query.min_score)
    with parts.turnstile.pass_through(caller.user_id):
        sent = pictures()
        began_s = time.monotonic()
        wish = Wish(
            task=card.task or _TASKS[route][0],
            model=card.name,
            version=card.version,
            min_score=min_score,
            annotate=query.result != "json",
            language=query.labels,
        )
        answers = parts.submitter.analysed(sent, wish)
        if all(answer.error is not None and answer.error.code == NO_ANSWER for answer in answers):
            return _nobody_answered(answers[0].error)
        if len(answers) == 1 and answers[0].error is not None:
            raise _refused(answers[0].error)
        items = [_item(parts, number, answer, query, caller.user_id) for number, answer in enumerate(answers)]
    return PicturesOut(items=items, elapsed_ms=round((time.monotonic() - began_s) * 1000, 1))


def _card(parts: WebParts, query: PhotoQuery, route: Literal["detect", "classify"]) -> Card:
    """Find the model that is asked for.

    Raises:
        Invalid: there is none of that name and version, none for this task, or it does something else.
        Unavailable: it lacks a file.
    """
    tasks = _TASKS[route]
    if query.model is None and query.version is not None:
        raise Invalid.field("version", "expected none without a model")
    try:
        card = parts.shelf.default(tasks[0]) if query.model is None else parts.shelf.find(query.model, query.version)
    except NotFound as error:
        raise Invalid.field("model", error.detail, code="no_model") from error
    if card.task not in tasks:
        raise Invalid.field(
            "model", f"expected one for {' or '.join(tasks)}, got {card.name}, which is for {card.task}"
        )
    if card.state != "ready":
        raise Unavailable(f"model {card.name}", card.reason)
    return card


def _item(parts: WebParts, index: int, answer: PhotoAnalysed, query: PhotoQuery, user_id: str) -> PictureOut:
    error = PictureError(code=answer.error.code, detail=answer.error.detail) if answer.error else None
    return PictureOut(
        index=index,
        width=answer.width,
        height=answer.height,
        model=answer.model,
        version=answer.version,
        elapsed_ms=round(answer.elapsed_ms, 1),
        boxes=boxes_out(answer.objects, _known(parts, answer)),
        annotated=_annotated(parts, answer, query, user_id) if answer.annotated_key else None,
        error=error,
    )


def _known(parts: WebParts, answer: PhotoAnalysed) -> Card | None:
    try:
        return parts.shelf.find(answer.model, answer.version)
    except NotFound:  # gone since
        return None


def _annotated(parts: WebParts, answer: PhotoAnalysed, query: PhotoQuery, user_id: str) -> str:
    if query.result == "url":
        ticket = sign_ticket(parts.ticket_key, Ticket("infer", user_id, answer.photo_id), ttl_s=LINK_TTL_S)
        return f"/infer/annotated/{answer.photo_id}?ticket={ticket}"
    picture = parts.submitter.blobs.get(answer.annotated_key)
    parts.submitter.remove(answer.annotated_key)
    return "data:image/jpeg;base64," + base64.b64encode(picture).decode()


def _refused(error: PhotoError) -> Exception:
    """Turn the error of an only picture into the answer to the whole request."""
    if error.code in _LATER:
        return Unavailable("photo analysis", error.detail)
    if error.code == "no_model":
        return Invalid.field("model", error.detail, code=error.code)
    if error.code in _TOO_LARGE:
        field = FieldProblem("image", error.detail)
        return TooLarge(f"image: {error.detail}", code=error.code, fields=(field,))
    return Invalid.field("image", error.detail, code=error.code)


def _nobody_answered(error: PhotoError | None) -> Response:
    detail = error.detail if error else ""
    answer = problem(504, "No answer in time", f"pictures: {detail}; try again", code=NO_ANSWER)
    answer.headers["Retry-After"] = str(RETRY_AFTER_S)
    return answer
