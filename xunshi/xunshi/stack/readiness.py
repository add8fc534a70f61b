"""How a part shows that it works: an open port, an HTTP answer, or that it keeps running. Used by `supervisor`."""

from __future__ import annotations

import http.client
from typing import Protocol

from xunshi.stack.ports import is_open

#: An answer that takes longer counts as none; it comes from this machine.
ANSWER_TIMEOUT_S = 1.0
#: A part without a port is taken as started after this long, seconds.
SETTLE_S = 1.0
_OK = 200


class Readiness(Protocol):
    """Asked often, answers fast."""

    last_answer: str

    @property
    def address(self) -> str: ...

    def answers(self, age_s: float) -> bool:
        """Whether the part is ready, `age_s` after its start."""

    def lives(self) -> bool:
        """Whether a part that was ready still does anything."""


class OpenPort:
    """Ready when the port accepts connections."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self.last_answer = "port closed"

    @property
    def address(self) -> str:
        return f"{self._host}:{self._port}"

    def answers(self, age_s: float) -> bool:  # noqa: ARG002 - the port tells
        return is_open(self._host, self._port)

    def lives(self) -> bool:
        return is_open(self._host, self._port, timeout_s=ANSWER_TIMEOUT_S)


class HttpAnswer:
    """Ready when `/readyz` answers 200, alive while `/healthz` does."""

    def __init__(self, host: str, port: int, *, ready_path: str = "/readyz", alive_path: str = "/healthz") -> None:
        self._host, self._port = host, port
        self._ready_path, self._alive_path = ready_path, alive_path
        self.last_answer = "no answer"

    @property
    def address(self) -> str:
        return f"{self._host}:{self._port}"

    def answers(self, age_s: float) -> bool:  # noqa: ARG002 - the page tells
        return self._asks(self._ready_path)

    def lives(self) -> bool:
        return self._asks(self._alive_path)

    def _asks(self, path: str) -> bool:
        connection = http.client.HTTPConnection(self._host, self._port, timeout=ANSWER_TIMEOUT_S)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            self.last_answer = f"{answer.status} {answer.read(400).decode(errors='replace')}"
        except (OSError, http.client.HTTPException) as error:
            self.last_answer = str(error) or type(error).__name__
            return False
        finally:
            connection.close()
        return answer.status == _OK


class KeepsRunning:
    """Ready when it has not ended within a moment; there is nothing to ask."""

    address = ""
    last_answer = "running"

    def __init__(self, settle_s: float = SETTLE_S) -> None:
        self._settle_s = settle_s

    def answers(self, age_s: float) -> bool:
        return age_s >= self._settle_s

    def lives(self) -> bool:
        return True
