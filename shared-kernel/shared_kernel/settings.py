"""What every service is told by its environment. Read once, in `__main__`, and passed down from there.

Each service adds its own fields in its `settings.py` and sets `env_prefix` (`STREAM_`, `INFERENCE_`, …).
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

#: Shorter keys can be guessed; HS256 wants 256 bits.
MIN_KEY_CHARS = 32


class ServiceSettings(BaseSettings):
    """Common fields. Secrets have no default: a service without them does not start."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    environment: Literal["development", "production"] = Field(
        "development", description="embedded parts refuse production"
    )
    redis_url: str = Field("redis://127.0.0.1:6379/0", description="Redis or Valkey, 6.2 or newer")
    blobs_url: str = Field(
        "file:///var/lib/xunshi/blobs", description="file:///dir or s3://bucket?endpoint=http://host:port"
    )
    service_token: SecretStr = Field(description="shared secret of the services, 32 characters or more")
    ticket_key: SecretStr = Field(description="signs short tickets for streams and media, 32 characters or more")
    host: str = Field("127.0.0.1", description="address to listen on")
    port: int = Field(0, ge=0, le=65535, description="port to listen on")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        "INFO", description="least severe line that is logged"
    )

    @model_validator(mode="after")
    def _keys_are_long_enough(self) -> Self:
        for name in ("service_token", "ticket_key"):
            length = len(getattr(self, name).get_secret_value())
            if length < MIN_KEY_CHARS:
                raise ValueError(f"{name}: expected {MIN_KEY_CHARS} characters or more, got {length}")
        return self
