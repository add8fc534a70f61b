"""The web application: all resources under /api/v1, each behind its rule."""

from __future__ import annotations

import json
from typing import Final

from apiflask import APIFlask
from werkzeug.middleware.proxy_fix import ProxyFix

from miniprogram_api import (
    availability,
    cameras,
    counters,
    detections,
    doctor,
    events,
    footage,
    frame_batches,
    frame_upload,
    grants,
    internal,
    media,
    organisations,
    passes,
    presence,
    roles,
    sessions,
    storage,
    users,
)
from miniprogram_api.access import PREFIX, guard
from miniprogram_api.documentation import describe
from miniprogram_api.health import SERVICE, checks
from miniprogram_api.parts import Parts
from shared_kernel import web

#: Threads beyond those that live event clients hold.
SPARE_THREADS: Final = 32


def create_app(parts: Parts) -> APIFlask:
    """The application over `parts`. Starts nothing."""
    app = web.create_app(SERVICE, prefix="/api", title="Xunshi miniprogram-api", checks=checks(parts))
    guard(app, parts)
    for resource in (
        sessions,
        cameras,
        doctor,
        availability,
        frame_batches,
        frame_upload,
        grants,
        passes,
        presence,
        media,
        footage,
        storage,
        events,
        counters,
        detections,
        users,
        roles,
        organisations,
        internal,
    ):
        app.register_blueprint(resource.blueprint(parts), url_prefix=PREFIX)
    describe(app)
    # the gateway is the only way in: it tells the client's address and scheme
    app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    return app


def openapi_json(app: APIFlask) -> str:
    """The document that `docs/reference/miniprogram-api.openapi.json` keeps."""
    with app.app_context():
        return json.dumps(app.spec, indent=2, ensure_ascii=False) + "\n"
