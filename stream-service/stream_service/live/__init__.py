"""Live view of one camera: its packets, in the forms that browsers and phones play, to any number of viewers.

Fed by the reading thread of `pull`; `web` sends what viewers get. `hub` is the camera, `channel` one encoding of its
video (as it comes, or `transcoding`), `branch` one container format of a channel, `viewer` who looks, `hls` the pieces
and sessions of HLS, `timing` which moment of the stream an analysed picture is. Nothing is muxed or encoded while
nobody watches: only the packets since the last key frame are kept, so that a picture is there at once.
"""

from stream_service.live.endings import (
    BUSY,
    NO_CAMERA,
    NOT_PLAYABLE,
    RESTART,
    SLOW,
    TICKET,
    WITHDRAWN,
    Ending,
)
from stream_service.live.hls import HlsSession
from stream_service.live.hub import Conversion, LiveHub
from stream_service.live.transcoding import Slots
from stream_service.live.viewer import StillViewer, Viewer, Watcher

__all__ = [
    "BUSY",
    "NOT_PLAYABLE",
    "NO_CAMERA",
    "RESTART",
    "SLOW",
    "TICKET",
    "WITHDRAWN",
    "Conversion",
    "Ending",
    "HlsSession",
    "LiveHub",
    "Slots",
    "StillViewer",
    "Viewer",
    "Watcher",
]
