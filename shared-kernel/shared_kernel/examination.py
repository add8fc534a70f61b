"""What the stream doctor of stream-service finds, on its way to miniprogram-api, screens and the command line.

Told as JSON lines: a `Line` whenever a stage begins or ends, the last one with the report. Every sentence comes in both
languages, so that a stage or a remark that is new needs no new screen.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field

from shared_kernel.messages import CameraReason

#: Media type of the lines.
LINES_TYPE = "application/x-ndjson"


class Words(BaseModel):
    """One sentence in both languages."""

    zh: str
    en: str


class StageFinding(BaseModel):
    """How one stage went, or that it has begun."""

    stage: str = Field(description="stable name: resolve, connect, login, describe, key_frame, codec, size, rate, …")
    name: Words
    status: Literal["running", "ok", "warning", "failed", "skipped"]
    took_ms: int = Field(0, description="milliseconds since the stage before it ended")
    found: Words | None = Field(None, description="what was learnt")
    problem: Words | None = Field(None, description="what is wrong")
    advice: Words | None = Field(None, description="what to do about it")


class Examination(BaseModel):
    """What an address gives. `reason` and `detail` when it gives no picture."""

    ok: bool
    reason: CameraReason | None = None
    detail: str | None = Field(None, description="the reason in technical words, without credentials")
    findings: list[StageFinding] = Field([], description="all stages, in order")
    codec: str | None = None
    width: int | None = None
    height: int | None = None
    fps: float | None = None
    kbit_s: int | None = Field(None, description="measured bit rate, kbit/s")
    key_interval_s: float | None = Field(None, description="seconds between key frames; null when only one came")
    audio: str | None = Field(None, description="codec of the sound, or none")
    playable: bool = Field(default=False, description="whether browsers play it as it is")
    snapshot: str | None = Field(None, description="first picture as a data URL")
    elapsed_ms: int = 0


class Line(BaseModel):
    """One line of progress: a finding, or at the end the report."""

    finding: StageFinding | None = None
    report: Examination | None = None
