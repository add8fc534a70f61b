"""The doctor with the parts that capturing uses. For the web side, and for the command line, which needs no service."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from stream_service.adapters.pyav_camera import PyavFeed
from stream_service.adapters.pyav_decoder import PyavDecoder
from stream_service.addresses import Reach
from stream_service.doctor import Finding, Report, examine
from stream_service.opening import Opening
from stream_service.ports import Feed
from stream_service.zones import Polygon


def examine_address(reach: Reach, url: str, masks: Sequence[Polygon] = ()) -> Iterator[Finding | Report]:
    """See `doctor.examine`. `masks` cover its picture."""

    def feed(opening: Opening) -> Feed:
        return PyavFeed(url, reach, opening)

    return examine(feed, partial(PyavDecoder, masks=masks))
