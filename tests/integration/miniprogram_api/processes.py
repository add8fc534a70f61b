"""The processes of the service, as the supervisor starts them."""

from __future__ import annotations

import sys
from pathlib import Path

import httpx

from miniprogram_api.settings import Settings
from shared_kernel.testing import free_port
from shared_kernel.testing.parts import Part


def environment(settings: Settings, port: int) -> dict[str, str]:
    """Environment variables that say the same as `settings`."""
    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    found = {
        f"MINIPROGRAM_{name.upper()}": str(getattr(value, "get_secret_value", lambda value=value: value)())
        for name, value in values.items()
    }
    return {**found, "MINIPROGRAM_PORT": str(port)}


class Process(Part):
    """`python -m miniprogram_api <name>`; ready when /readyz says so, or when it answers at all."""

    def __init__(self, name: str, settings: Settings, folder: Path, *, port: int | None = None) -> None:
        self.port = port or free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        super().__init__(
            name,
            [sys.executable, "-m", "miniprogram_api", name],
            ready=lambda: self.asked("/healthz") == 200,
            log=folder / f"{name}.log",
            environment=environment(settings, self.port),
            start_timeout_s=60,
        )

    def asked(self, path: str) -> int:
        """Status of a GET; 0 when nobody answers."""
        try:
            with httpx.Client(trust_env=False, timeout=5) as client:
                return client.get(f"{self.url}{path}").status_code
        except httpx.HTTPError:
            return 0
