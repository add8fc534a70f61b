"""The stream doctor for the command line: the running stream-service examines, which knows its own settings.

Without a running stack this process examines by itself, as the service would with this environment.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

from shared_kernel.errors import Unavailable
from shared_kernel.examination import Line
from xunshi.places import DEMO_CLIPS
from xunshi.stack.folder import DataFolder

#: Name of the part that examines.
_PART = "stream"


def examined(folder: DataFolder, url: str, masks: Sequence[Any] = ()) -> Iterator[Line]:
    """Lines of the examination of an address, as they come.

    Raises:
        Throttled: too many at a time.
        Unavailable: the service broke off.
    """
    from miniprogram_api.stream_doctor import Examining, stream_client

    state = folder.state() if folder.is_locked() else None
    address = next((part.address for part in state.parts if part.name == _PART and part.address), "") if state else ""
    if not address:
        yield from _here(folder, url, masks)
        return
    with contextlib.closing(stream_client(f"http://{address}")) as client:
        try:
            examining = Examining(client, folder.secrets().service_token, url, masks)
        except Unavailable:
            yield from _here(folder, url, masks)
            return
        yield from examining.lines()


def _here(folder: DataFolder, url: str, masks: Sequence[Any]) -> Iterator[Line]:
    from stream_service.adapters.examining import examine_address
    from stream_service.settings import Settings
    from stream_service.web.doctor import line

    secrets = folder.secrets()
    settings = Settings(
        service_token=secrets.service_token,
        ticket_key=secrets.ticket_key,
        file_roots=(folder.clips, DEMO_CLIPS),
    )
    polygons = tuple(tuple((float(x), float(y)) for x, y in polygon) for polygon in masks)
    for found in examine_address(settings.reach, url, polygons):
        yield line(found)
