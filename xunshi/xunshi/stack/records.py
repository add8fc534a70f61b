"""Where the records of a data folder are, for commands that read and change them with or without a running stack."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from xunshi.stack.folder import DataFolder
from xunshi.stack.parts import redis_url


@dataclass(frozen=True)
class Records:
    """Addresses; of Redis and the index only while the stack runs, so that its services hear of a change at once."""

    database_url: str
    url_key: str
    redis_url: str | None
    milvus_url: str | None

    @classmethod
    def of(cls, data: Path) -> Records:
        """Raises:
        StackProblem: nothing was ever started on this folder.
        """
        folder = DataFolder.at(data)
        secrets = folder.secrets()
        state = folder.state() if folder.is_locked() else None
        if state is None:
            return cls(folder.database_url, secrets.url_key, None, None)
        index = next((part.address for part in state.parts if part.name == "milvus"), None)
        redis = redis_url(secrets, state.redis_port)
        return cls(folder.database_url, secrets.url_key, redis, f"http://{index}" if index else None)
