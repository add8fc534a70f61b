"""The web application: all resources under /faces, each behind its rule."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from face_search.health import PREFIX, TITLE, checks
from face_search.parts import Parts
from face_search.rules import SERVICE
from face_search.web import (
    about,
    changes,
    comparisons,
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
    watch_alerts,
)
from face_search.web.access import guard
from face_search.web.documentation import describe
from face_search.web.intake import MAX_REQUEST_BYTES
from shared_kernel import web

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
    watch_alerts,
    searches,
    comparisons,
    queries,
    trajectories,
    floor_plans,
    patrol_photos,
)


def create_app(parts: Parts, also: Mapping[str, web.Check] | None = None) -> APIFlask:
    """The application over `parts`. Starts nothing. `also`: what else must answer for it to be ready."""
    asked = {**checks(parts), **(also or {})}
    app = web.create_app(SERVICE, prefix=PREFIX, title=TITLE, checks=asked, max_body_bytes=MAX_REQUEST_BYTES)
    guard(app, parts)
    for resource in _RESOURCES:
        app.register_blueprint(resource.blueprint(parts), url_prefix=PREFIX)
    describe(app)
    # the gateway is the only way in: it tells the client's address and scheme
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app
