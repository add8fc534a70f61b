"""Free loopback ports."""

from __future__ import annotations

import os
import random
import socket

#: Below the range from which the kernel takes ports for outgoing connections, so that none grabs ours before we listen.
_FIRST, _LAST = 18000, 31999
_random = random.Random(os.urandom(8))


def free_port() -> int:
    """A TCP port of 127.0.0.1 on which nobody listens now. Drawn at random, so that parallel test runs do not meet.

    Raises:
        OSError: none of 200 tries was free.
    """
    for _ in range(200):
        port = _random.randint(_FIRST, _LAST)
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"127.0.0.1: expected a free port between {_FIRST} and {_LAST}, found none in 200 tries")
