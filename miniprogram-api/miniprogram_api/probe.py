"""Ask stream-service whether a camera address gives a picture."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Final

import httpx
from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from miniprogram_api.replicas import client_of
from shared_kernel.errors import Throttled, Unavailable

#: stream-service gives up on a camera well before this, seconds.
_TIMEOUT: Final = httpx.Timeout(30.0, connect=2.0)


class ProbeOut(BaseModel):
    ok: bool
    reason: str | None = Field(None, description="stable code, see CameraReason")
    detail: str | None = Field(None, description="the reason in words")
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    #: stream-service says null where it found no picture.
    playable: Annotated[bool, BeforeValidator(bool)] = Field(
        default=False, description="whether a browser can play it live"
    )
    snapshot: str | None = Field(None, description="JPEG as a data URL")
    elapsed_ms: int = 0


def stream_client(addresses: str) -> httpx.Client:
    """A client for stream-service; `addresses` of all its replicas, separated by commas."""
    return client_of(addresses, _TIMEOUT)


def probe(client: httpx.Client, service_token: str, url: str) -> ProbeOut:
    """What stream-service found at the address.

    Raises:
        Throttled: it probes as many addresses as it can.
        Unavailable: it does not answer, or not as agreed.
    """
    headers = {"Authorization": f"Bearer {service_token}"}
    try:
        answer = client.post("/live/internal/probe", json={"url": url}, headers=headers)
        if answer.status_code == HTTPStatus.TOO_MANY_REQUESTS:
            wait_s = answer.headers.get("Retry-After", "")
            raise Throttled("camera test: too many at a time", retry_after_s=int(wait_s) if wait_s.isdigit() else 5)
        answer.raise_for_status()
        return ProbeOut.model_validate_json(answer.content)
    except httpx.HTTPStatusError as error:
        raise Unavailable("stream-service", f"status {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise Unavailable("stream-service", type(error).__name__) from error
    except ValidationError as error:
        raise Unavailable("stream-service", "its answer is not as agreed") from error
