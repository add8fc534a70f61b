"""Cameras that speak HTTP or RTMP, for tests: MJPEG, HTTP-FLV, HLS, files, and RTMP; with logins, redirects and faults.

`media` cuts a clip into FLV tags and HLS pieces, `http` serves them over HTTP, `rtmp` over RTMP.
"""

from shared_kernel.testing.web_camera.http import HttpCamera, WebFault
from shared_kernel.testing.web_camera.rtmp import RtmpFault, RtmpServer

__all__ = ["HttpCamera", "RtmpFault", "RtmpServer", "WebFault"]
