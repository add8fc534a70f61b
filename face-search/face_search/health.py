"""What must answer for a process of this service to be ready, and the small app that says so beside the worker."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from apiflask import APIFlask

from face_search.parts import Parts
from face_search.rules import SERVICE
from shared_kernel import web

#: First segment of every path.
PREFIX: Final = "/faces"
TITLE: Final = "Xunshi face-search"


def create_health_app(parts: Parts) -> APIFlask:
    """Health and metrics only: for the worker."""
    return web.create_app(SERVICE, prefix=PREFIX, title=f"{TITLE} worker", checks=checks(parts))


def checks(parts: Parts) -> Mapping[str, web.Check]:
    """What must answer. The index is not among it: without it searches wait, everything else goes on."""
    return {
        "database": parts.database.ping,
        "redis": parts.bus.ping,
        "object storage": parts.blobs.check,
    }
