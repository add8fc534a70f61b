"""Who may see a camera beyond what the role gives: guards see only what is granted here."""

from __future__ import annotations

from apiflask import APIBlueprint
from flask import Response
from pydantic import BaseModel

from miniprogram_api.access import allow, caller, no_content
from miniprogram_api.adapters.store import Store
from miniprogram_api.parts import Parts
from miniprogram_api.rights import scope_of, visible_camera, visible_user
from shared_kernel.clock import now
from shared_kernel.errors import NotFound
from shared_kernel.messages import Moment
from shared_kernel.tables import CameraGrant, User
from shared_kernel.web import client_address


class GrantOut(BaseModel):
    user_id: str
    username: str
    display_name: str
    granted_at: Moment


class GrantsOut(BaseModel):
    items: list[GrantOut]


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /cameras/{camera_id}/grants."""
    routes = APIBlueprint("grants", __name__, tag="Cameras")

    @routes.get("/cameras/<ulid:camera_id>/grants")
    @allow("user", "camera.approve", scoped=True)
    @routes.output(GrantsOut)
    def grants(camera_id: str) -> GrantsOut:
        with parts.database.read() as store:
            visible_camera(store, caller().user_id, camera_id, "camera.approve")
            rows = store.grants.of_camera(camera_id)
        return GrantsOut(items=[_grant_out(grant, user) for grant, user in rows])

    @routes.put("/cameras/<ulid:camera_id>/grants/<ulid:user_id>")
    @allow("user", "camera.approve", scoped=True)
    @routes.output({}, status_code=204)
    def grant(camera_id: str, user_id: str) -> Response:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> None:
            visible_camera(store, actor_id, camera_id, "camera.approve")
            visible_user(store, scope_of(store, actor_id), user_id, "camera.approve")
            row = CameraGrant(camera_id=camera_id, user_id=user_id, granted_by=actor_id, granted_at=now())
            store.grants.put(row)
            target = ("camera", camera_id)
            store.audit.add("grant.add", actor_id=actor_id, target=target, address=address, detail=user_id)

        parts.database.run(work)
        return no_content()

    @routes.delete("/cameras/<ulid:camera_id>/grants/<ulid:user_id>")
    @allow("user", "camera.approve", scoped=True)
    @routes.output({}, status_code=204)
    def withdraw(camera_id: str, user_id: str) -> Response:
        actor_id, address = caller().user_id, client_address()

        def work(store: Store) -> None:
            visible_camera(store, actor_id, camera_id, "camera.approve")
            if not store.grants.remove(camera_id, user_id):
                raise NotFound("grant: expected one that exists, found none", code="no_grant")
            target = ("camera", camera_id)
            store.audit.add("grant.remove", actor_id=actor_id, target=target, address=address, detail=user_id)

        parts.database.run(work)
        return no_content()

    return routes


def _grant_out(grant: CameraGrant, user: User) -> GrantOut:
    return GrantOut(
        user_id=user.user_id,
        username=user.username,
        display_name=user.display_name,
        granted_at=grant.granted_at,
    )
