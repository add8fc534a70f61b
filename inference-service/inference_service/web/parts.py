"""What the routes need; put together by `inference_service.web.service`."""

from collections.abc import Mapping
from dataclasses import dataclass

from inference_service.packs.shelf import Shelf
from inference_service.web.sessions import Sessions
from inference_service.web.submit import Submitter
from inference_service.web.turnstile import Turnstile
from shared_kernel.door import Door
from shared_kernel.web import Check


@dataclass(frozen=True)
class WebParts:
    """The parts of one web process."""

    shelf: Shelf
    door: Door
    submitter: Submitter
    sessions: Sessions
    turnstile: Turnstile
    ticket_key: str
    checks: Mapping[str, Check]
