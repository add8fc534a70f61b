"""What the environment says to this service; every name begins with `INFERENCE_`."""

import re
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from shared_kernel.messages import Task
from shared_kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of `web` and `worker`; read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="INFERENCE_")

    weights_dir: Path = Field(Path(".cache/weights"), description="folder with the networks of weights.toml")
    packs_dir: Path = Field(Path("packs"), description="folder with own model packs, one folder a pack")
    default_models: str = Field("", description="model of a task when only that is named, such as detect=helmet")
    device: Literal["auto", "cpu", "cuda", "cuda-half"] = Field(
        "auto", description="where our own network runs; cuda-half in half precision: faster, less exact"
    )
    mode: Literal["latency", "throughput"] = Field("latency", description="what OpenVINO is tuned for")
    threads: int = Field(1, ge=1, le=64, description="CPU threads of one run of a network")
    cpus: str = Field("", description="CPUs this process keeps to, such as 0-3 or 0,2; all when empty (Linux)")
    max_batch: int = Field(8, ge=1, le=64, description="pictures that a model gets at once")
    max_frame_age_ms: int = Field(1000, ge=50, description="older frames are skipped and counted")
    api_url: str = Field("http://127.0.0.1:8081", description="miniprogram-api, which knows users and rights")
    live_sessions: int = Field(64, ge=1, le=1000, description="live sessions at most; each holds a thread")
    owner: str = Field("", description="name of this web process on the bus; the host's when empty")

    @field_validator("cpus")
    @classmethod
    def _cpus_are_numbers(cls, text: str) -> str:
        if text and not re.fullmatch(r"\d+(-\d+)?(,\d+(-\d+)?)*", text):
            raise ValueError(f"expected numbers and ranges such as 0-3,6, got {text!r}")
        return text

    @field_validator("default_models")
    @classmethod
    def _defaults_are_pairs(cls, text: str) -> str:
        model_of_task(text)
        return text


def model_of_task(text: str) -> dict[Task, str]:
    """Turn `detect=helmet,state=mask` into a map; an empty text into an empty one.

    Raises:
        ValueError: a part is no task and name.
    """
    tasks: tuple[Task, ...] = ("state", "detect", "classify")
    found: dict[Task, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        word, _, name = part.partition("=")
        task = next((one for one in tasks if one == word.strip()), None)
        if task is None or not name.strip():
            raise ValueError(f"expected task=model with a task of {', '.join(tasks)}, got {part!r}")
        found[task] = name.strip()
    return found


def cpu_numbers(text: str) -> frozenset[int]:
    """Turn `0-3,6` into the numbers 0, 1, 2, 3, 6; an empty text into none."""
    numbers: set[int] = set()
    for part in filter(None, text.split(",")):
        first, _, last = part.partition("-")
        numbers.update(range(int(first), int(last or first) + 1))
    return frozenset(numbers)
