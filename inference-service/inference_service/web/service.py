"""The web process as a whole: its parts, its threads, the order in which they end."""

import re
import socket

from inference_service.packs.shelf import Shelf
from inference_service.settings import Settings, model_of_task
from inference_service.web.parts import WebParts
from inference_service.web.sessions import Sessions
from inference_service.web.submit import Submitter
from inference_service.web.turnstile import Turnstile
from shared_kernel.blobs import Blobs
from shared_kernel.bus import Bus
from shared_kernel.door import Door, HttpUsers
from shared_kernel.vision import weights


class WebService:
    """Made in the web process itself: threads do not survive a fork."""

    def __init__(self, settings: Settings) -> None:
        token = settings.service_token.get_secret_value()
        self._bus = Bus(settings.redis_url)
        self._users = HttpUsers(settings.api_url, token)
        door = Door(self._users, token)
        self._sessions = Sessions(self._bus, door, _owner(settings), settings.live_sessions)
        blobs = Blobs.open(settings.blobs_url)
        self.parts = WebParts(
            shelf=Shelf(settings.packs_dir, settings.weights_dir, defaults=model_of_task(settings.default_models)),
            door=door,
            submitter=Submitter(self._bus, blobs),
            sessions=self._sessions,
            turnstile=Turnstile(),
            ticket_key=settings.ticket_key.get_secret_value(),
            checks={
                "redis": self._bus.ping,
                "objects": blobs.check,
                "weights": weights.missing,
            },
        )

    def start(self) -> None:
        """Begin to read answers for live sessions."""
        self._sessions.start()

    def stop(self) -> None:
        """Close live sessions, so that the server need not wait for them."""
        self._sessions.stop()

    def close(self) -> None:
        """Give connections back; for those who make more than one in a process."""
        self.stop()
        self._users.close()
        self._bus.close()


def _owner(settings: Settings) -> str:
    """Name this process on the bus. It stays the same over restarts, so that no stream is left behind in Redis."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", settings.owner or socket.gethostname())[:64]
