"""An object store that takes as long as it is told: `python -m bench.sink` prints its port and serves until killed.

PUT /<seconds>/<key> is answered 200 that many seconds after the request began, as a slow network and store would; it
forgets the bytes. GET /counts says how many of each bucket came, so that nobody counts what was never sent.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from typing import cast

_PUT_ANSWER = b'HTTP/1.1 200 OK\r\nETag: "kept"\r\nContent-Length: 0\r\n\r\n'
_HEAD_END = b"\r\n\r\n"
_counts: Counter[str] = Counter()


class Connection(asyncio.Protocol):
    """One client: requests one after the other."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._head = bytearray()
        self._missing = 0
        self._answer_at = 0.0

    def data_received(self, data: bytes) -> None:
        if self._missing:
            self._body(data)
            return
        self._head += data
        end = self._head.find(_HEAD_END)
        if end < 0:
            return
        head, rest = bytes(self._head[:end]), bytes(self._head[end + len(_HEAD_END) :])
        self._head.clear()
        self._begin(head)
        if self._missing or rest:
            self._body(rest)

    def _begin(self, head: bytes) -> None:
        lines = head.decode("latin-1").split("\r\n")
        method, path, _ = lines[0].split(" ", 2)
        if method != "PUT":
            counts = json.dumps(_counts).encode()
            self._transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(counts) + counts)
            return
        bucket = path.split("/")[1]
        _counts[bucket] += 1
        self._answer_at = asyncio.get_running_loop().time() + float(bucket.removeprefix("s-").replace("-", "."))
        sizes = [line.split(":", 1)[1] for line in lines if line.lower().startswith("content-length:")]
        self._missing = int(sizes[0])

    def _body(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing == 0:
            asyncio.get_running_loop().call_at(self._answer_at, self._transport.write, _PUT_ANSWER)


async def serve() -> None:
    server = await asyncio.get_running_loop().create_server(Connection, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(serve())
