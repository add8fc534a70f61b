"""An RTSP camera for tests and benches: plays MP4 files over interleaved TCP, and misbehaves when told to.

`clip` reads a file and cuts it into RTP payloads, `faults` names what can go wrong, `sending` plays to one client,
`server` speaks RTSP. From a shell: `python -m shared_kernel.testing.rtsp --port 8554 gate=clip.mp4`.
"""

from shared_kernel.testing.rtsp.faults import Fault
from shared_kernel.testing.rtsp.server import Playback, RtspServer

__all__ = ["Fault", "Playback", "RtspServer"]
