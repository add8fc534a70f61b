"""What must answer for a process of this service to be ready, and the small app that says so beside a worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apiflask import APIFlask

from miniprogram_api.parts import Parts
from shared_kernel import web

SERVICE: Final = "miniprogram-api"


def create_health_app(parts: Parts) -> APIFlask:
    """Health and metrics only: for the recorder and the clock."""
    return web.create_app(SERVICE, prefix="/api", title="Xunshi miniprogram-api worker", checks=checks(parts))


def checks(parts: Parts) -> Mapping[str, web.Check]:
    """What `/readyz` asks."""
    return {
        "database": parts.database.ping,
        "redis": parts.bus.ping,
        "object storage": parts.blobs.check,
    }
