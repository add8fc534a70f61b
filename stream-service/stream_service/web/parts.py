"""What the routes need. `bootstrap` makes it, every module of this package takes it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from shared_kernel.web import Check
from stream_service.fleet import Fleet
from stream_service.ports import Decoder, Feed, StreamInfo
from stream_service.rights import RightsWatch


@dataclass(frozen=True)
class LiveParts:
    """What the routes need; given by `bootstrap`."""

    fleet: Fleet
    rights: RightsWatch
    feed: Callable[[str], Feed]
    decoder: Callable[[StreamInfo], Decoder]
    ticket_key: str
    service_token: str
    checks: Mapping[str, Check]
