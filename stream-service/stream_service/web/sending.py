"""A peer that reads nothing must not hold a thread for ever, whatever the kind of stream."""

from __future__ import annotations

import contextlib
import socket
import struct

from flask import request

#: A viewer that takes nothing for this long is cut off, seconds.
SEND_TIMEOUT_S = 5
#: Bytes that the kernel may hold for a viewer: more would only hide how late it is.
SEND_BUFFER_BYTES = 512 * 1024
#: Said of every endless body: no proxy may collect it.
UNBUFFERED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


def bound_sending(connection: socket.socket | None) -> None:
    """Make `send` fail after a while."""
    if connection is None:
        return
    with contextlib.suppress(OSError):  # it has left already, or is no TCP connection
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_TIMEOUT_S, 0))
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def bound_this_answer() -> None:
    """The same for the HTTP request that is being answered."""
    bound_sending(request.environ.get("gunicorn.socket"))
