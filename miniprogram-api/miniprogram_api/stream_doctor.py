"""Ask stream-service's doctor what a camera address gives. For `doctor`, which answers users."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from http import HTTPStatus
from typing import Any, Final

import httpx
from pydantic import ValidationError

from miniprogram_api.replicas import client_of
from shared_kernel.errors import Throttled, Unavailable
from shared_kernel.examination import Examination, Line

#: Between two lines; stream-service gives up on a camera well before this, seconds.
_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)
#: A line beyond this is none: the longest has one small picture.
_MAX_LINE_CHARS: Final = 2_000_000


def stream_client(addresses: str) -> httpx.Client:
    """A client for stream-service; `addresses` of all its replicas, separated by commas."""
    return client_of(addresses, _TIMEOUT)


class Examining:
    """One examination under way. `lines` must be exhausted or `close` called."""

    def __init__(self, client: httpx.Client, service_token: str, url: str, masks: Sequence[Any] = ()) -> None:
        """Begin.

        Raises:
            Throttled: it examines as many addresses as it can.
            Unavailable: it does not answer, or not as agreed.
        """
        headers = {"Authorization": f"Bearer {service_token}"}
        body = {"url": url, "privacy_masks": list(masks)}
        try:
            asked = client.build_request("POST", "/live/internal/doctor", json=body, headers=headers)
            self._answer = client.send(asked, stream=True)
        except httpx.HTTPError as error:
            raise Unavailable("stream-service", type(error).__name__) from error
        status = self._answer.status_code
        if status == HTTPStatus.OK:
            return
        wait_s = self._answer.headers.get("Retry-After", "")
        self.close()
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            raise Throttled("camera test: too many at a time", retry_after_s=int(wait_s) if wait_s.isdigit() else 5)
        raise Unavailable("stream-service", f"status {status}")

    def close(self) -> None:
        self._answer.close()

    def lines(self) -> Generator[Line]:
        """What is found, as it is found.

        Raises:
            Unavailable: it broke off, or what came is not as agreed.
        """
        try:
            for text in self._answer.iter_lines():
                if len(text) > _MAX_LINE_CHARS:
                    raise Unavailable("stream-service", "its answer is not as agreed")
                yield Line.model_validate_json(text)
        except httpx.HTTPError as error:
            raise Unavailable("stream-service", type(error).__name__) from error
        except ValidationError as error:
            raise Unavailable("stream-service", "its answer is not as agreed") from error
        finally:
            self.close()

    def report(self) -> Examination:
        """The end of it.

        Raises:
            Unavailable: there is none.
        """
        for line in self.lines():
            if line.report is not None:
                return line.report
        raise Unavailable("stream-service", "its answer ended without a report")
