"""A real server of Milvus Lite from its package."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Self

from shared_kernel.testing.parts import Part, PartFailed, answers
from shared_kernel.testing.ports import free_port


class MilvusServer(Part):
    """`url` is what a service's MILVUS_URL wants. Data is in `directory` and survives `restart`."""

    def __init__(self, directory: Path, port: int | None = None) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        program = Path(sys.executable).with_name("milvus-lite")
        words = ["server", "--data-dir", str(directory / "data"), "--host", "127.0.0.1", "--port", str(self.port)]
        super().__init__(
            "milvus-lite",
            [program, *words],
            ready=lambda: answers(self.port),
            log=directory / "milvus.log",
            # one thread a core is quicker than several that wait for each other
            environment={"OMP_NUM_THREADS": "1"},
        )

    def start(self) -> Self:
        """Start, unless somebody listens there: gRPC would share the port with them without a word.

        Raises:
            PartFailed: the port is taken, or the server did not start.
        """
        if answers(self.port):
            raise PartFailed(f"milvus-lite: expected port {self.port} to be free, somebody listens there")
        return super().start()
