"""What this service is told by its environment (`STREAM_…`). Read once, in `__main__`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared_kernel.settings import ServiceSettings
from stream_service.rules import DecodeMode


class Settings(ServiceSettings):
    """Fields of every service and those of the camera owner."""

    model_config = SettingsConfigDict(env_prefix="STREAM_", extra="ignore", frozen=True)

    api_url: str = Field("http://127.0.0.1:8081", description="miniprogram-api, which knows cameras and rights")
    owner: str = Field("stream-1", pattern=r"^[A-Za-z0-9._-]{1,64}$", description="name of this instance on the bus")
    sample_fps: float = Field(5.0, gt=0, le=30, description="frames per second and camera that are analysed")
    decode: DecodeMode = Field(
        "adaptive",
        description="what is decoded: all; adaptive, only key frames while nothing moves; keyframes, never more",
    )
    analysis_side: int = Field(640, ge=160, le=1920, description="long side of an analysed frame, pixels")
    ring_seconds: float = Field(4.0, gt=0, le=60, description="how long a full frame waits for its analysis")
    ring_megabytes: int = Field(96, ge=16, description="memory of the full frames that wait, per camera")
    spool_dir: Path = Field(Path("/var/lib/xunshi/spool"), description="passes that the bus has not taken yet")
    file_roots: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="folders that cameras may read files from, separated by commas"
    )
    time_zone: str = Field("", description="of the plans of cameras, such as Asia/Shanghai; empty: the machine's own")
    viewers: int = Field(256, ge=1, le=2000, description="live viewers at most; each holds a thread")

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError(f"expected a time zone such as Asia/Shanghai, got {value!r}")
        return value

    @field_validator("file_roots", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
