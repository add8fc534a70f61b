"""libav's errors in the words of this project. Texts of libav are never passed on: they contain the address."""

from __future__ import annotations

import errno
from typing import Final

import av
from av.error import FFmpegError

from shared_kernel.messages import CameraReason
from stream_service.rules import CameraFailed

_BY_CLASS: Final[tuple[tuple[type[BaseException], CameraReason, str], ...]] = (
    (av.error.HTTPUnauthorizedError, CameraReason.UNAUTHORISED, "camera: wants another user name or password"),
    (av.error.HTTPForbiddenError, CameraReason.UNAUTHORISED, "camera: forbids this user to look"),
    (av.error.HTTPNotFoundError, CameraReason.NOT_FOUND, "camera: knows no such stream (404)"),
    (av.error.HTTPClientError, CameraReason.REFUSED, "camera: refused the request"),
    (av.error.HTTPServerError, CameraReason.REFUSED, "camera: reports an error of its own (5xx)"),
    (av.error.ConnectionRefusedError, CameraReason.REFUSED, "camera: nobody listens at this address and port"),
    (av.error.ExitError, CameraReason.TIMEOUT, "camera: did not answer in time"),
    (av.error.TimeoutError, CameraReason.TIMEOUT, "camera: did not answer in time"),
    (av.error.BlockingIOError, CameraReason.TIMEOUT, "camera: did not answer in time"),
    (av.error.EOFError, CameraReason.CLOSED, "camera: ended the stream"),
    (av.error.ConnectionResetError, CameraReason.CLOSED, "camera: closed the connection"),
    (av.error.BrokenPipeError, CameraReason.CLOSED, "camera: closed the connection"),
    (av.error.FileNotFoundError, CameraReason.FILE_MISSING, "file: not there"),
    (av.error.DemuxerNotFoundError, CameraReason.INVALID_DATA, "camera: sends no video format that is known here"),
    (av.error.DecoderNotFoundError, CameraReason.UNSUPPORTED_CODEC, "camera: uses a codec that is not known here"),
    (av.error.ProtocolNotFoundError, CameraReason.BLOCKED_ADDRESS, "camera: leads to an address that is not allowed"),
    (av.error.InvalidDataError, CameraReason.INVALID_DATA, "camera: sends data that is no video"),
)
_UNREACHABLE: Final = frozenset({errno.EHOSTUNREACH, errno.ENETUNREACH, errno.EHOSTDOWN})


#: What drivers of video devices say; one that is unplugged while it is read says that there is none.
_OF_DEVICES: Final = {
    errno.EBUSY: CameraFailed(CameraReason.DEVICE_BUSY, "device: another program uses it"),
    errno.EACCES: CameraFailed(CameraReason.NO_RIGHTS, "device: this service may not open it"),
    errno.EPERM: CameraFailed(CameraReason.NO_RIGHTS, "device: this service may not open it"),
    errno.EINVAL: CameraFailed(CameraReason.UNSUPPORTED_CODEC, "device: gives no JPEG pictures (MJPEG)"),
    **dict.fromkeys(
        (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTTY),
        CameraFailed(CameraReason.FILE_MISSING, "device: no camera is there"),
    ),
}


def device_failed(error: FFmpegError | OSError | ValueError) -> CameraFailed:
    """The same for a video device of this machine."""
    known = _OF_DEVICES.get(getattr(error, "errno", None) or 0)
    return CameraFailed(known.reason, known.detail) if known else camera_failed(error)


def camera_failed(error: FFmpegError | OSError | ValueError) -> CameraFailed:
    """The reason behind an error of libav, in plain words and without the address."""
    for kind, reason, detail in _BY_CLASS:
        if isinstance(error, kind):
            return CameraFailed(reason, detail)
    number = getattr(error, "errno", None)
    if number == errno.EPERM:  # what an RTMP server's "no" becomes
        return CameraFailed(CameraReason.NOT_FOUND, "camera: does not play this stream")
    if number in _UNREACHABLE:
        return CameraFailed(CameraReason.REFUSED, "camera: no way to this address from here")
    return CameraFailed(CameraReason.INVALID_DATA, f"camera: the connection failed ({type(error).__name__} {number})")
