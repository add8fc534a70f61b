"""What this service is told by its environment, prefix MINIPROGRAM_."""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, Self

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared_kernel.settings import MIN_KEY_CHARS, ServiceSettings

_KEEP = re.compile(r"\s*(\d+)\s*d\s*,\s*(\d+(?:\.\d+)?)\s*GB\s*", re.IGNORECASE)


class Keep(NamedTuple):
    """How long something is kept, and how much of it for each camera."""

    days: int
    gigabytes: float

    def __str__(self) -> str:
        return f"{self.days}d,{self.gigabytes:g}GB"


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="MINIPROGRAM_", extra="ignore", frozen=True)

    database_url: SecretStr = Field(description="sqlite:////dir/file.db or mysql+pymysql://user:password@host/name")
    jwt_key: SecretStr = Field(description="signs access tokens, 32 characters or more")
    url_key: SecretStr = Field(description="Fernet key that seals camera addresses")
    stream_url: str = Field(
        "http://127.0.0.1:8082", description="base addresses of stream-service, separated by commas"
    )
    photo_timeout_s: float = Field(30.0, gt=0, le=120, description="how long one photo may wait for its verdict")
    evidence_days: int = Field(30, ge=1, le=3650, description="passes and their pictures are kept this long")
    archive_days: int = Field(7, ge=1, le=3650, description="archived frames are kept this long")
    keep_clips: Annotated[Keep, NoDecode] = Field(
        Keep(30, 20), description="clips of passes: how long, and how much for each camera: 30d,20GB"
    )
    keep_recordings: Annotated[Keep, NoDecode] = Field(
        Keep(7, 100), description="continuous recordings: how long, and how much for each camera: 7d,100GB"
    )
    disk_reserve_percent: float = Field(
        5.0,
        ge=0,
        lt=100,
        description="less of the disk of objects free: no frames are archived, old recordings go early, evidence last",
    )
    max_event_streams: int = Field(
        200, ge=1, le=5000, description="live event clients of one process; each has a thread"
    )

    @field_validator("keep_clips", "keep_recordings", mode="before")
    @classmethod
    def _is_kept(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = _KEEP.fullmatch(value)
        if found is None or not 1 <= int(found[1]) <= 3650:  # noqa: PLR2004 - ten years
            raise ValueError(f"expected 1 to 3650 days and gigabytes such as 7d,100GB, got {value[:40]!r}")
        return Keep(int(found[1]), float(found[2]))

    @model_validator(mode="after")
    def _jwt_key_is_long_enough(self) -> Self:
        length = len(self.jwt_key.get_secret_value())
        if length < MIN_KEY_CHARS:
            raise ValueError(f"jwt_key: expected {MIN_KEY_CHARS} characters or more, got {length}")
        return self
