"""A client for a service that runs as several replicas, any of which may be asked: the next one when one is away."""

from __future__ import annotations

from collections.abc import Sequence

import httpx


class AnyReplica(httpx.BaseTransport):
    """Sends each request to the replica that answered last; to the others in turn when it takes no connection."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._replicas = [httpx.URL(address) for address in addresses]
        self._inner = httpx.HTTPTransport(trust_env=False)
        self._last = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        failed: httpx.TransportError = httpx.ConnectError("no replica is known", request=request)
        for turn in range(len(self._replicas)):
            number = (self._last + turn) % len(self._replicas)
            there = self._replicas[number]
            request.url = request.url.copy_with(scheme=there.scheme, host=there.host, port=there.port)
            try:
                answer = self._inner.handle_request(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:  # nothing was sent: another may have it
                failed = error
            else:
                self._last = number
                return answer
        raise failed

    def close(self) -> None:
        self._inner.close()


def client_of(addresses: str, timeout: httpx.Timeout) -> httpx.Client:
    """A client for one or more base addresses, separated by commas. Connects on first use."""
    replicas = [address.strip() for address in addresses.split(",") if address.strip()]
    return httpx.Client(base_url=replicas[0], timeout=timeout, transport=AnyReplica(replicas), trust_env=False)
