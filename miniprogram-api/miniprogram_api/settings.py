"""What this service is told by its environment, prefix MINIPROGRAM_."""

from __future__ import annotations

from typing import Self

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import SettingsConfigDict

from shared_kernel.settings import MIN_KEY_CHARS, ServiceSettings


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="MINIPROGRAM_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="sqlite:////dir/file.db or mysql+pymysql://user:password@host/name")
    jwt_key: SecretStr = Field(description="signs access tokens, 32 characters or more")
    url_key: SecretStr = Field(description="Fernet key that seals camera addresses")
    stream_url: str = Field("http://127.0.0.1:8082", description="base address of stream-service")
    photo_timeout_s: float = Field(30.0, gt=0, le=120, description="how long one photo may wait for its verdict")
    evidence_days: int = Field(30, ge=1, le=3650, description="passes and their pictures are kept this long")
    max_event_streams: int = Field(
        200, ge=1, le=5000, description="live event clients of one process; each has a thread"
    )

    @model_validator(mode="after")
    def _jwt_key_is_long_enough(self) -> Self:
        length = len(self.jwt_key.get_secret_value())
        if length < MIN_KEY_CHARS:
            raise ValueError(f"jwt_key: expected {MIN_KEY_CHARS} characters or more, got {length}")
        return self
