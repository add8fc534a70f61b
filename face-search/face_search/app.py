"""The web application: all resources under /faces, each behind its rule."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from face_search.parts import Parts
from face_search.rules import SERVICE
from face_search.web import (
    about,
    changes,
    erasures,
    floor_plans,
    imports,
    legal,
    lists,
    patrol_photos,
    persons,
    pictures,
    queries,
    samples,
    searches,
    sightings,
    trajectories,
)
from face_search.web.access import PREFIX, guard
from face_search.web.documentation import describe
from face_search.web.intake import MAX_REQUEST_BYTES
from shared_kernel import web
from shared_kernel.errors import Unavailable

_TITLE: Final = "Xunshi face-search"
#: A module a resource: each has `blueprint(parts)`.
_RESOURCES: Final = (
    about,
    lists,
    persons,
    samples,
    changes,
    pictures,
    imports,
    erasures,
    legal,
    sightings,
    searches,
    queries,
    trajectories,
    floor_plans,
    patrol_photos,
)


def create_app(parts: Parts) -> APIFlask:
    """The application over `parts`. Starts nothing."""
    app = web.create_app(SERVICE, prefix=PREFIX, title=_TITLE, checks=checks(parts), max_body_bytes=MAX_REQUEST_BYTES)
    guard(app, parts)
    for resource in _RESOURCES:
        app.register_blueprint(resource.blueprint(parts), url_prefix=PREFIX)
    describe(app)
    # the gateway is the only way in: it tells the client's address and scheme
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def create_health_app(parts: Parts) -> APIFlask:
    """Health and metrics only: for the worker."""
    return web.create_app(SERVICE, prefix=PREFIX, title=f"{_TITLE} worker", checks=checks(parts))


def checks(parts: Parts) -> Mapping[str, web.Check]:
    """What must answer. The index is not among it: without it searches wait, everything else goes on."""
    return {
        "database": lambda: _missing(parts.database.ping),
        "redis": lambda: _missing(parts.bus.ping),
        "object storage": lambda: _missing(parts.blobs.check),
    }


def _missing(ask: Callable[[], None]) -> str | None:
    try:
        ask()
    except Unavailable as error:
        return error.reason
    return None
