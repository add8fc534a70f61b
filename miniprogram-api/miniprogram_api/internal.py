"""For other services only; the gateway answers 404 for these paths."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow, owner_of
from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.camera_settings import CameraSettings, settings_of
from miniprogram_api.parts import Parts
from miniprogram_api.permissions import Permission
from miniprogram_api.rights import NOTHING, Scope, scope_of, scopes
from shared_kernel.errors import Poison
from shared_kernel.log import fields, get_logger
from shared_kernel.messages import Moment
from shared_kernel.shapes import Body, Ulid
from shared_kernel.tables import Camera, FrameBatch

log = get_logger(__name__)


class OwnedCamera(CameraSettings):
    camera_id: str
    url: str = Field(description="with credentials")
    detect_url: str | None = Field(description="second stream for the analysis, with credentials; null: none")
    model: str
    enabled: bool


class OwnedCameras(BaseModel):
    items: list[OwnedCamera]


class RunningBatch(BaseModel):
    """Frames of a camera that are wanted."""

    batch_id: str
    camera_id: str
    every_s: float
    frames: int = Field(description="how many; 0: until it is stopped")
    side: int | None = Field(description="long side at most, pixels")
    started_at: Moment


class RunningBatches(BaseModel):
    items: list[RunningBatch]


class Pair(Body):
    user_id: Ulid
    camera_id: Ulid


class RightsIn(Body):
    pairs: list[Pair] = Field(max_length=2000)


class RightsOut(BaseModel):
    allowed: list[Pair]
    unmasked: list[Pair] = Field(description="those of `allowed` that may see what privacy masks hide, in live view")


class TokenIn(Body):
    access_token: str = Field(min_length=1, max_length=4096)


class CallerOut(BaseModel):
    """A user, and what this user may do now. Who must change the password first may do nothing yet."""

    user_id: str
    username: str
    permissions: list[Permission]
    cameras: list[str] | None = Field(description="cameras whose pictures the user may see; null: all of them")


class UsersIn(Body):
    user_ids: list[Ulid] = Field(max_length=2000)


class UsersOut(BaseModel):
    items: list[CallerOut] = Field(description="those of them that exist and are active")


class HoldersIn(Body):
    permission: Permission
    user_ids: list[Ulid] = Field(max_length=2000)


class HoldersOut(BaseModel):
    user_ids: list[str] = Field(description="those of them that hold the permission now")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /internal/*."""
    routes = APIBlueprint("internal", __name__, tag="Internal")

    @routes.get("/internal/cameras")
    @allow("service")
    @routes.output(OwnedCameras)
    def owned_cameras() -> OwnedCameras:
        with parts.database.read() as store:
            rows = store.cameras.all()
        items = []
        for row in rows:
            try:
                items.append(_owned(parts.cipher, row))
            except Poison as error:  # one bad row must not hide the others
                log.error("camera skipped", extra=fields(camera_id=row.camera_id, reason=error))  # noqa: TRY400
        return OwnedCameras(items=items)

    @routes.post("/internal/rights")
    @allow("service")
    @routes.input(RightsIn, arg_name="given")
    @routes.output(RightsOut)
    def rights(given: RightsIn) -> RightsOut:
        with parts.database.read() as store:
            found = scopes(store, {pair.user_id for pair in given.pairs})
            live = {camera.camera_id for camera in store.cameras.all() if camera.enabled}
        allowed = [
            pair
            for pair in given.pairs
            if pair.camera_id in live and pair.user_id in found and found[pair.user_id].includes(pair.camera_id)
        ]
        unmasked = [pair for pair in allowed if _holds(found.get(pair.user_id), "camera.unmasked")]
        return RightsOut(allowed=allowed, unmasked=unmasked)

    _users(routes, parts)
    _archiving(routes, parts)
    return routes


def _users(routes: APIBlueprint, parts: Parts) -> None:
    @routes.post("/internal/callers")
    @allow("service")
    @routes.input(TokenIn, arg_name="given")
    @routes.output(CallerOut)
    def callers(given: TokenIn) -> CallerOut:
        found = owner_of(parts, given.access_token)
        with parts.database.read() as store:
            scope = scope_of(store, found.user_id)
        if found.must_change_password:
            scope = NOTHING
        return _caller(found.user_id, found.username, scope)

    @routes.post("/internal/users")
    @allow("service")
    @routes.input(UsersIn, arg_name="given")
    @routes.output(UsersOut)
    def users(given: UsersIn) -> UsersOut:
        with parts.database.read() as store:
            found = scopes(store, set(given.user_ids))
            names = {user.user_id: user.username for user in store.users.several(found)}
        return UsersOut(items=[_caller(user_id, names[user_id], found[user_id]) for user_id in sorted(found)])

    @routes.post("/internal/holders")
    @allow("service")
    @routes.input(HoldersIn, arg_name="given")
    @routes.output(HoldersOut)
    def holders(given: HoldersIn) -> HoldersOut:
        with parts.database.read() as store:
            found = scopes(store, set(given.user_ids))
        holding = [user_id for user_id in given.user_ids if _holds(found.get(user_id), given.permission)]
        return HoldersOut(user_ids=holding)


def _archiving(routes: APIBlueprint, parts: Parts) -> None:
    @routes.get("/internal/frame-batches")
    @allow("service")
    @routes.output(RunningBatches)
    def frame_batches() -> RunningBatches:
        with parts.database.read() as store:
            cameras = {camera.camera_id for camera in store.cameras.all()}
            rows = [row for row in store.batches.running("camera") if row.stop_at is None]
        return RunningBatches(items=[_running(row) for row in rows if row.source_id in cameras and row.every_s])


def _owned(cipher: AddressCipher, row: Camera) -> OwnedCamera:
    """The camera as stream-service needs it.

    Raises:
        Poison: an address was sealed with another key.
    """
    return OwnedCamera(
        camera_id=row.camera_id,
        url=cipher.open(row.url_cipher),
        detect_url=cipher.open(row.detect_url_cipher) if row.detect_url_cipher else None,
        model=row.model,
        enabled=row.enabled,
        **dict(settings_of(row)),
    )


def _running(row: FrameBatch) -> RunningBatch:
    return RunningBatch(
        batch_id=row.batch_id,
        camera_id=row.source_id,
        every_s=row.every_s or 0.0,
        frames=row.expected,
        side=row.side,
        started_at=row.started_at,
    )


def _caller(user_id: str, username: str, scope: Scope) -> CallerOut:
    cameras = None if scope.cameras is None else sorted(scope.cameras)
    permissions = sorted(scope.permissions)
    return CallerOut.model_validate(
        {"user_id": user_id, "username": username, "permissions": permissions, "cameras": cameras}
    )


def _holds(scope: Scope | None, permission: Permission) -> bool:
    return scope is not None and permission in scope.permissions
