"""What this service is told by its environment (`STREAM_…`). Read once, in `__main__`."""

from __future__ import annotations

import re
import socket
from pathlib import Path
from typing import Annotated
from urllib.parse import parse_qs, urlsplit
from zoneinfo import available_timezones

from pydantic import Field, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from shared_kernel.settings import ServiceSettings
from stream_service.addresses import Network, Reach
from stream_service.rules import ClipWindow, DecodeMode


class Settings(ServiceSettings):
    """Fields of every service and those of the camera owner."""

    model_config = SettingsConfigDict(env_prefix="STREAM_", extra="ignore", frozen=True)

    api_url: str = Field("http://127.0.0.1:8081", description="miniprogram-api, which knows cameras and rights")
    owner: str = Field(
        "",
        pattern=r"^[A-Za-z0-9._-]{0,64}$",
        description="name of this replica on the bus, unlike that of every other; empty: made of machine and port",
    )
    address: str = Field(
        "",
        pattern=r"^([A-Za-z0-9._-]{1,253}:[0-9]{1,5})?$",
        description="host:port under which other replicas reach this one; empty: where it listens",
    )
    capacity: int = Field(64, ge=0, le=1024, description="cameras this replica runs at most; shares are made by it")
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
    devices: Annotated[tuple[Path, ...], NoDecode] = Field(
        (), description="video devices of this machine that cameras may be, such as /dev/video0, separated by commas"
    )
    allowed_ranges: Annotated[tuple[Network, ...], NoDecode] = Field(
        (),
        description="address ranges that cameras may use though they are refused otherwise: loopback, link-local, this "
        "machine's own addresses and its services', such as 127.0.0.1/32, separated by commas",
    )
    blocked_ranges: Annotated[tuple[Network, ...], NoDecode] = Field(
        (), description="further address ranges that no camera may use, such as those of the database, by commas"
    )
    time_zone: str = Field("", description="of the plans of cameras, such as Asia/Shanghai; empty: the machine's own")
    clip_seconds: Annotated[ClipWindow, NoDecode] = Field(
        ClipWindow(), description="clip of an alerting pass: seconds before it, after it, and at most: 5,5,60"
    )
    disk_reserve_percent: float = Field(
        5.0,
        ge=0,
        lt=100,
        description="less of the disk free: recordings and archived frames stop, clips at a quarter of it",
    )
    viewers: int = Field(256, ge=1, le=2000, description="live viewers at most; each holds a thread")
    transcodings: int = Field(
        2, ge=0, le=64, description="cameras whose live video is converted at once: H.265, privacy masks; 0: none"
    )

    @field_validator("time_zone")
    @classmethod
    def _is_a_time_zone(cls, value: str) -> str:
        if value and value not in available_timezones():
            raise ValueError(f"expected a time zone such as Asia/Shanghai, got {value!r}")
        return value

    @field_validator("clip_seconds", mode="before")
    @classmethod
    def _window(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("clip_seconds")
    @classmethod
    def _is_a_window(cls, value: ClipWindow) -> ClipWindow:
        if not (0 <= value.before_s <= 30 and 0 <= value.after_s <= 60 and 1 <= value.longest_s <= 600):  # noqa: PLR2004
            raise ValueError(f"expected up to 30 s before, 60 s after, 1 to 600 s at most, got {tuple(value)}")
        return value

    @property
    def name(self) -> str:
        """What this replica calls itself on the bus."""
        machine = re.sub(r"[^A-Za-z0-9._-]", "-", socket.gethostname())[:48] or "stream"
        return self.owner or f"{machine}-{self.port}"

    @property
    def reached_at(self) -> str:
        """host:port for other replicas."""
        host = socket.gethostname() if self.host in ("0.0.0.0", "::", "") else self.host
        return self.address or f"{host}:{self.port}"

    @property
    def reach(self) -> Reach:
        """Where cameras may be."""
        ours = (self.redis_url, self.api_url, parse_qs(urlsplit(self.blobs_url).query).get("endpoint", [""])[0])
        hosts = tuple(sorted({host for url in ours if (host := urlsplit(url).hostname)}))
        return Reach(self.file_roots, self.devices, self.allowed_ranges, self.blocked_ranges, hosts)

    @field_validator("file_roots", "devices", "allowed_ranges", "blocked_ranges", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value
