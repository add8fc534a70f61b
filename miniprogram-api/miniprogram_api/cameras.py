"""Cameras: list, add, change, remove, and the ticket that opens the live picture.

An address goes in and never comes out: answers have host and path only, logs have nothing of it.
"""

from __future__ import annotations

from typing import Any, Final

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, caller, no_content
from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.store import Store
from miniprogram_api.camera_settings import (
    MAX_ANALYSED_FPS,
    MIN_ANALYSED_FPS,
    DecodeMode,
    Footage,
    Masks,
    Plan,
    Zones,
    kept_masks,
    kept_plan,
    kept_zones,
)
from miniprogram_api.idempotency import once
from miniprogram_api.parts import Parts
from miniprogram_api.permissions import Permission
from miniprogram_api.record import tell_camera
from miniprogram_api.rights import scope_of, visible_camera, visible_organisation
from miniprogram_api.rules import MAX_ADDRESS_CHARS, checked_address, shown_address
from miniprogram_api.shapes import CameraOut, CameraPage, camera_out, for_viewer
from shared_kernel.auth import Ticket, sign_ticket
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.cursors import id_cursor, read_id_cursor
from shared_kernel.errors import Conflict, Unavailable
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import CameraChanged, new_id
from shared_kernel.shapes import Body, Line, PageQuery, Ulid
from shared_kernel.tables import ROOT_ORG_ID, Camera
from shared_kernel.web import client_address

log = get_logger(__name__)

PLAY_TICKET_TTL_S: Final = 60
#: More would be a mistake of a script.
MAX_CAMERAS: Final = 1000
DEFAULT_MODEL: Final = "mask"

_Name = Field(min_length=1, max_length=64, description="what people call it")
_Url = Field(min_length=1, max_length=MAX_ADDRESS_CHARS, description="rtsp, rtsps, http, https, rtmp or file address")
_Lon = Field(None, ge=-180, le=180, allow_inf_nan=False, description="degrees, WGS-84")
_Lat = Field(None, ge=-90, le=90, allow_inf_nan=False, description="degrees, WGS-84")
_Model = Field(None, pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$", description="which analysis runs on its frames")


class SettingsIn(Body):
    """What may be set, in any request; see `camera_settings.CameraSettings`."""

    detect_url: str | None = Field(
        None,
        min_length=1,
        max_length=MAX_ADDRESS_CHARS,
        description="second stream for the analysis; null: one for all",
    )
    decode: DecodeMode | None = Field(None, description="what is decoded; null: as stream-service is set")
    analysed_fps: float | None = Field(
        None,
        ge=MIN_ANALYSED_FPS,
        le=MAX_ANALYSED_FPS,
        allow_inf_nan=False,
        description="analysed frames per second; null: as stream-service is set",
    )
    zones: Zones | None = Field(None, description="where faces count; empty: everywhere")
    privacy_masks: Masks | None = Field(None, description="what nobody sees")
    plan: Plan | None = Field(None, description="when the camera works; null: always")
    footage: Footage | None = Field(None, description="what is kept of its video")


class CameraIn(SettingsIn):
    org_id: Ulid | None = Field(None, description="whose; null: of the caller's organisation")
    name: Line = _Name
    url: str = _Url
    lon: float | None = _Lon
    lat: float | None = _Lat
    model: str | None = _Model


class CameraPatch(SettingsIn):
    """Only the fields that are there change; without `url` the address stays."""

    org_id: Ulid | None = Field(None, description="move it to this organisation")
    name: Line | None = Field(None, min_length=1, max_length=64)
    url: str | None = Field(None, min_length=1, max_length=MAX_ADDRESS_CHARS)
    lon: float | None = _Lon
    lat: float | None = _Lat
    model: str | None = _Model
    enabled: bool | None = None


class PlayTicketOut(BaseModel):
    ticket: str
    expires_in: int = Field(description="seconds")
    stream_url: str = Field(description="WebSocket address on this origin, with the ticket")
    snapshot_url: str = Field(description="JPEG address on this origin, with the ticket")
    mjpeg_url: str = Field(description="one JPEG after another, for an <img>, with the ticket")
    flv_url: str = Field(description="FLV over HTTP, with the ticket")
    hls_url: str = Field(description="HLS playlist, with the ticket")


def add_camera(
    store: Store, cipher: AddressCipher, given: CameraIn, *, org_id: str = ROOT_ORG_ID, is_demo: bool = False
) -> Camera:
    """A new camera that waits for its owner.

    Raises:
        Invalid: the address is no camera address.
        Conflict: there are too many.
    """
    checked_address(given.url)
    if store.cameras.count() >= MAX_CAMERAS:
        raise Conflict(f"cameras: expected at most {MAX_CAMERAS}", code="too_many_cameras")
    sealed, digest = cipher.seal(given.url)
    moment = now()
    camera = Camera(
        camera_id=new_id(),
        org_id=org_id,
        name=given.name,
        url_cipher=sealed,
        url_sha256=digest,
        address=shown_address(given.url),
        lon=given.lon,
        lat=given.lat,
        model=given.model or DEFAULT_MODEL,
        enabled=True,
        is_demo=is_demo,
        state="connecting",
        state_at=moment,
        heard_at=moment,
        skipped_frames=0,
        created_at=moment,
        updated_at=moment,
    )
    _set(cipher, camera, given)
    store.cameras.add(camera)
    tell_camera(store, camera, moment, cause="created")
    if not is_demo:
        retire_demo(store, cause=camera.camera_id)
    return camera


def retire_demo(store: Store, *, cause: str) -> None:
    """Switch the demo camera off: from the first own camera on, its events would be taken for real ones."""
    for demo in store.cameras.all(demo=True):
        if demo.enabled:
            demo.enabled, demo.updated_at = False, now()
            tell_camera(store, demo, demo.updated_at, cause=f"retired/{cause}")


def change_camera(parts: Parts, camera: Camera, given: CameraPatch) -> None:
    """Change what the request names.

    Raises:
        Invalid: an address is no camera address.
    """
    named = given.model_fields_set
    for name in ("lon", "lat"):
        if name in named:
            setattr(camera, name, getattr(given, name))
    for name in ("name", "model"):
        if getattr(given, name) is not None:
            setattr(camera, name, getattr(given, name))
    if given.url is not None:
        checked_address(given.url)
        camera.url_cipher, camera.url_sha256 = parts.cipher.seal(given.url)
        camera.address = shown_address(given.url)
    _set(parts.cipher, camera, given)
    if given.url is not None or "detect_url" in named or (given.enabled and not camera.enabled):
        camera.state, camera.state_reason, camera.state_detail = "connecting", None, None
        camera.state_at = camera.heard_at = now()
    if given.enabled is not None:
        camera.enabled = given.enabled
    camera.updated_at = now()


def _set(cipher: AddressCipher, camera: Camera, given: SettingsIn) -> None:
    """Keep the settings that the request names. Null is a value only where it means something of its own.

    Raises:
        Invalid: the second stream has no camera address.
    """
    named = given.model_fields_set
    if "detect_url" in named:
        camera.detect_url_cipher = camera.detect_address = None
        if given.detect_url is not None:
            checked_address(given.detect_url, "detect_url")
            camera.detect_url_cipher, _ = cipher.seal(given.detect_url)
            camera.detect_address = shown_address(given.detect_url)
    for name in ("decode", "analysed_fps"):
        if name in named:
            setattr(camera, name, getattr(given, name))
    if "plan" in named:
        camera.plan = kept_plan(given.plan)
    if given.zones is not None:
        camera.zones = kept_zones(given.zones)
    if given.privacy_masks is not None:
        camera.privacy_masks = kept_masks(given.privacy_masks)
    if given.footage is not None:
        camera.footage = given.footage


def announce(bus: Bus, camera_id: str) -> None:
    """Tell stream-services to load their list again. They also do so by themselves: a lost message only costs time."""
    try:
        bus.publish(CameraChanged(camera_id=camera_id))
    except Unavailable as error:
        log.warning("camera change not announced", extra=fields(camera_id=camera_id, reason=error.reason))


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /cameras and below."""
    routes = APIBlueprint("cameras", __name__, tag="Cameras")
    _reading(routes, parts)
    _changing(routes, parts)
    return routes


def _reading(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/cameras")
    @allow("user", scoped=True)
    @routes.input(PageQuery, location="query", arg_name="query")
    @routes.output(CameraPage)
    def cameras(query: PageQuery) -> CameraPage:
        after = read_id_cursor(query.after) if query.after is not None else None
        with parts.database.read() as store:
            scope = scope_of(store, caller().user_id)
            rows = store.cameras.page(after, query.limit + 1, scope.cameras)
        shown = rows[: query.limit]
        return CameraPage(
            items=[for_viewer(camera_out(camera), manages=scope.manages) for camera in shown],
            next=id_cursor(shown[-1].camera_id) if len(rows) > query.limit else None,
        )

    @routes.get("/cameras/<ulid:camera_id>")
    @allow("user", scoped=True)
    @routes.output(CameraOut)
    def camera(camera_id: str) -> CameraOut:
        with parts.database.read() as store:
            row = visible_camera(store, caller().user_id, camera_id)
        return for_viewer(camera_out(row), manages="camera.update" in caller().permissions)

    @routes.post("/cameras/<ulid:camera_id>/play-ticket")
    @allow("user", scoped=True)
    @routes.output(PlayTicketOut)
    def play_ticket(camera_id: str) -> PlayTicketOut:
        with parts.database.read() as store:
            visible_camera(store, caller().user_id, camera_id)
        key = parts.settings.ticket_key.get_secret_value()
        ticket = sign_ticket(key, Ticket("live", caller().user_id, camera_id), ttl_s=PLAY_TICKET_TTL_S)
        base = f"/live/cameras/{camera_id}"
        return PlayTicketOut(
            ticket=ticket,
            expires_in=PLAY_TICKET_TTL_S,
            stream_url=f"{base}/stream?ticket={ticket}",
            snapshot_url=f"{base}/snapshot.jpg?ticket={ticket}",
            mjpeg_url=f"{base}/stream.mjpeg?ticket={ticket}",
            flv_url=f"{base}/stream.flv?ticket={ticket}",
            hls_url=f"{base}/hls/index.m3u8?ticket={ticket}",
        )


def _changing(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/cameras")
    @allow("user", "camera.create")
    @routes.input(CameraIn, arg_name="given")
    @routes.output(CameraOut, status_code=201)
    def create(given: CameraIn) -> dict[str, Any]:
        user_id, address, org_of_caller = caller().user_id, client_address(), caller().org_id

        def work(store: Store) -> CameraOut:
            org_id = _place(store, user_id, given.org_id or org_of_caller, "camera.create")
            camera = add_camera(store, parts.cipher, given, org_id=org_id)
            target = ("camera", camera.camera_id)
            store.audit.add("camera.create", actor_id=user_id, target=target, address=address, detail=camera.name)
            return camera_out(camera)

        answer, fresh = once(parts, user_id, "POST /cameras", given, work)
        if fresh:
            announce(parts.bus, answer["camera_id"])
        return answer

    @routes.patch("/cameras/<ulid:camera_id>")
    @allow("user", "camera.update", scoped=True)
    @routes.input(CameraPatch, arg_name="given")
    @routes.output(CameraOut)
    def change(camera_id: str, given: CameraPatch) -> CameraOut:
        user_id, address = caller().user_id, client_address()

        def work(store: Store) -> CameraOut:
            camera = visible_camera(store, user_id, camera_id, "camera.update", lock=True)
            change_camera(parts, camera, given)
            if given.org_id is not None:
                camera.org_id = _place(store, user_id, given.org_id, "camera.update")
            tell_camera(store, camera, camera.updated_at, cause=f"changed/{new_id()}")
            detail = ", ".join(sorted(given.model_fields_set))
            store.audit.add(
                "camera.change", actor_id=user_id, target=("camera", camera_id), address=address, detail=detail
            )
            return camera_out(camera)

        answer = parts.database.run(work)
        announce(parts.bus, camera_id)
        return answer

    @routes.delete("/cameras/<ulid:camera_id>")
    @allow("user", "camera.delete", scoped=True)
    @routes.output({}, status_code=204)
    def remove(camera_id: str) -> Response:
        user_id, address = caller().user_id, client_address()
        parts.database.run(lambda store: remove_camera(store, user_id, camera_id, address))
        announce(parts.bus, camera_id)
        return no_content()


def _place(store: Store, user_id: str, org_id: str, action: Permission) -> str:
    """Raises: NotFound: no such organisation, or not for this user."""
    return visible_organisation(store, scope_of(store, user_id), org_id, action).org_id


def remove_camera(store: Store, user_id: str, camera_id: str, address: str) -> None:
    """Mark the camera as removed; its passes and pictures stay until their time is over.

    Raises:
        NotFound: no such camera for this user.
    """
    camera = visible_camera(store, user_id, camera_id, "camera.delete", lock=True)
    take_down(store, camera)
    target = ("camera", camera_id)
    store.audit.add("camera.remove", actor_id=user_id, target=target, address=address, detail=camera.name)


def take_down(store: Store, camera: Camera) -> None:
    """Remove the camera, and tell live clients."""
    camera.deleted_at = camera.updated_at = now()
    camera.enabled = False
    tell_camera(store, camera, camera.deleted_at, cause="removed")
