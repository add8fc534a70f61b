"""The internal routes of miniprogram-api, as the other services ask them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Literal, TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from shared_kernel.errors import Unavailable, XunshiError

_PART: Final = "miniprogram-api"
Answer = TypeVar("Answer", bound=BaseModel)
#: Status and body of an answer that is not 200 to the error it stands for; None when the API itself is at fault.
Refusal = Callable[[int, bytes], XunshiError | None]


class InternalApi:
    """An HTTP client with the service token. Thread safe."""

    def __init__(self, base_url: str, service_token: str, timeout_s: float) -> None:
        self._client = httpx.Client(
            base_url=base_url.rstrip("/") + "/api/v1/internal/",
            headers={"Authorization": f"Bearer {service_token}"},
            timeout=timeout_s,
            trust_env=False,  # no proxy between the services of one installation
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    def ask(
        self,
        kind: type[Answer],
        method: Literal["GET", "POST"],
        path: str,
        body: object = None,
        refusal: Refusal | None = None,
    ) -> Answer:
        """Ask and read the answer.

        Args:
            kind: of the answer.
            method: of the request.
            path: behind `/api/v1/internal/`.
            body: becomes JSON.
            refusal: what other statuses mean here; that the API is at fault when None.

        Raises:
            Unavailable: no answer, or none that can be read.
            XunshiError: what `refusal` gives.
        """
        subject = f"{method} {path}"
        try:
            response = self._client.request(method, path, json=body)
            if response.status_code != httpx.codes.OK:
                meant = refusal(response.status_code, response.content) if refusal else None
                raise meant or Unavailable(_PART, f"{subject}: expected 200, got {response.status_code}")
            return kind.model_validate_json(response.content)
        except httpx.HTTPError as error:
            raise Unavailable(_PART, f"{subject}: {type(error).__name__} {error}") from error
        except ValidationError as error:  # its text would repeat addresses with their passwords
            raise Unavailable(_PART, f"{subject}: the answer has {error.error_count()} wrong fields") from None
