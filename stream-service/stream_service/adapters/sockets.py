"""Names and sockets: which addresses a name has, which are this machine's, and a connection to a checked target."""

from __future__ import annotations

import contextlib
import socket
import ssl
import time

from shared_kernel.messages import CameraReason
from stream_service.addresses import Target
from stream_service.rules import CameraFailed

#: A connection to one address must be there after this long, seconds.
CONNECT_TIMEOUT_S = 5.0
_TLS_SCHEMES = frozenset({"rtsps", "https", "rtmps"})


def resolved(host: str, port: int) -> set[str]:
    """See `addresses.Resolve`."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return set()
    return {str(entry[4][0]) for entry in found}


def is_own(address: str) -> bool:
    """Whether an IP address is one of this machine's: only its own can be bound. Sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((address.partition("%")[0], 0))
    except OSError:
        return False
    return True


def connected(target: Target, until_s: float) -> tuple[socket.socket, str]:
    """A connection to the first address of `target` that takes one, with TLS where its scheme says so; and the address.

    Args:
        target: Checked; its name is not asked again.
        until_s: Monotonic time at which this must have ended.

    Raises:
        CameraFailed: none took it.
    """
    failed = CameraFailed(CameraReason.TIMEOUT, "camera: did not answer in time")
    for address in target.addresses:
        left_s = until_s - time.monotonic()
        if left_s <= 0:
            break
        try:
            raw = socket.create_connection((address, target.port), timeout=min(CONNECT_TIMEOUT_S, left_s))
            return _secured(raw, target), address
        except (OSError, ValueError) as error:
            failed = socket_failed(error)
    raise failed


def socket_failed(error: OSError | ValueError) -> CameraFailed:
    """The reason behind an error of a socket, in plain words and without the address."""
    if isinstance(error, TimeoutError):
        return CameraFailed(CameraReason.TIMEOUT, "camera: did not answer in time")
    if isinstance(error, ConnectionRefusedError):
        return CameraFailed(CameraReason.REFUSED, "camera: nobody listens at this address and port")
    if isinstance(error, ssl.SSLError):
        return CameraFailed(CameraReason.REFUSED, "camera: no encrypted connection (TLS) comes about")
    if isinstance(error, ConnectionError):
        return CameraFailed(CameraReason.CLOSED, "camera: closed the connection")
    return CameraFailed(CameraReason.REFUSED, "camera: no way to this address from here")


def _secured(raw: socket.socket, target: Target) -> socket.socket:
    if target.scheme not in _TLS_SCHEMES:
        return raw
    # Cameras sign their certificates themselves; whom we talk to is settled by the address, as it is without TLS.
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        return context.wrap_socket(raw, server_hostname=target.host)
    except BaseException:
        with contextlib.suppress(OSError):
            raw.close()
        raise
