"""For other services only; the gateway answers 404 for these paths."""

from __future__ import annotations

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from miniprogram_api.access import allow
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scopes
from miniprogram_api.shapes import Body, Ulid
from shared_kernel.errors import Poison
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)


class OwnedCamera(BaseModel):
    camera_id: str
    url: str = Field(description="with credentials")
    model: str
    enabled: bool


class OwnedCameras(BaseModel):
    items: list[OwnedCamera]


class Pair(Body):
    user_id: Ulid
    camera_id: Ulid


class RightsIn(Body):
    pairs: list[Pair] = Field(max_length=2000)


class RightsOut(BaseModel):
    allowed: list[Pair]


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
                url = parts.cipher.open(row.url_cipher)
            except Poison as error:  # one bad row must not hide the others
                log.error("camera skipped", extra=fields(camera_id=row.camera_id, reason=error))  # noqa: TRY400
                continue
            items.append(OwnedCamera(camera_id=row.camera_id, url=url, model=row.model, enabled=row.enabled))
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
        return RightsOut(allowed=allowed)

    return routes
