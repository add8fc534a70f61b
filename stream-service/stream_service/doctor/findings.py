"""What an examination finds: one value a stage, and the report of all. Made by `examine`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from shared_kernel.messages import CameraReason
from stream_service.doctor.advice import NAMES, Remark, Words
from stream_service.opening import Stage

Status = Literal["running", "ok", "warning", "failed", "skipped"]


@dataclass(frozen=True)
class Finding:
    """How one stage went. `found` is what was learnt, `remark` what is wrong with it."""

    stage: Stage
    status: Status
    took_s: float = 0.0
    found: Words | None = None
    remark: Remark | None = None

    @property
    def name(self) -> Words:
        return NAMES[self.stage]


@dataclass(frozen=True)
class Report:
    """All that was found. `snapshot` is a JPEG; sizes, rates and intervals are None where nothing was seen."""

    findings: tuple[Finding, ...]
    took_s: float
    reason: CameraReason | None = None
    detail: str | None = None
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    kbit_s: int | None = None
    key_interval_s: float | None = None
    audio: str | None = None
    playable: bool = False
    snapshot: bytes | None = None

    @property
    def ok(self) -> bool:
        return self.reason is None
