"""People seen by cameras: a list with filters, newest first, and one pass."""

from __future__ import annotations

from collections.abc import Callable

from apiflask import APIBlueprint
from pydantic import Field

from miniprogram_api.access import allow, caller
from miniprogram_api.adapters.passes import PassFilter
from miniprogram_api.media import media_url
from miniprogram_api.parts import Parts
from miniprogram_api.rights import of_camera, scope_of, visible
from miniprogram_api.shapes import PassOut, PassPage, pass_note, pass_out
from shared_kernel.messages import MaskState
from shared_kernel.shapes import PageQuery, Ulid, When


class PassQuery(PageQuery):
    camera_id: Ulid | None = None
    state: MaskState | None = None
    since: When | None = Field(None, alias="from", description="opened at or after, RFC 3339")
    until: When | None = Field(None, alias="to", description="opened before, RFC 3339")


def blueprint(parts: Parts) -> APIBlueprint:
    """Routes /passes and /passes/{pass_id}."""
    routes = APIBlueprint("passes", __name__, tag="Passes")

    @routes.get("/passes")
    @allow("user", "pass.read", scoped=True)
    @routes.input(PassQuery, location="query", arg_name="query")
    @routes.output(PassPage)
    def passes(query: PassQuery) -> PassPage:
        user_id = caller().user_id
        with parts.database.read() as store:
            which = PassFilter(
                cameras=scope_of(store, user_id).cameras,
                camera_id=query.camera_id,
                state=query.state,
                since=query.since,
                until=query.until,
                after=query.place,
            )
            rows = store.passes.page(which, query.limit + 1)
            names = store.cameras.names(row.camera_id for row in rows)
        shown, following = query.page(rows, lambda row: (row.opened_at, row.pass_id))
        items = [pass_out(pass_note(row, names.get(row.camera_id)), _signer(parts, user_id)) for row in shown]
        return PassPage(items=items, next=following)

    @routes.get("/passes/<ulid:pass_id>")
    @allow("user", "pass.read", scoped=True)
    @routes.output(PassOut)
    def one_pass(pass_id: str) -> PassOut:
        with parts.database.read() as store:
            scope, found = scope_of(store, caller().user_id), store.passes.get(pass_id)
            row = visible(scope, "pass.read", found, of_camera, f"pass {pass_id}")
            name = store.cameras.names([row.camera_id]).get(row.camera_id)
        return pass_out(pass_note(row, name), _signer(parts, caller().user_id))

    return routes


def _signer(parts: Parts, user_id: str) -> Callable[[str], str]:
    return lambda media_id: media_url(parts, user_id, media_id)
