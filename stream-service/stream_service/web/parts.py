"""What the routes need. `bootstrap` makes it, every module of this package takes it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from shared_kernel.web import Check
from stream_service.doctor import Finding, Report
from stream_service.fleet import Fleet
from stream_service.rights import RightsWatch
from stream_service.zones import Polygon


@dataclass(frozen=True)
class LiveParts:
    """What the routes need; given by `bootstrap`."""

    fleet: Fleet
    rights: RightsWatch
    #: Examines an address; its pictures are covered by the masks.
    examine: Callable[[str, Sequence[Polygon]], Iterator[Finding | Report]]
    ticket_key: str
    service_token: str
    checks: Mapping[str, Check]
