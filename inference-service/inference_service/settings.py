"""What the environment says to this service; every name begins with `INFERENCE_`."""

from pathlib import Path
from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from shared_kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of `web` and `worker`; read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="INFERENCE_")

    weights_dir: Path = Field(Path(".cache/weights"), description="folder with the networks of weights.toml")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where our own network runs")
    threads: int = Field(1, ge=1, le=64, description="CPU threads of one run of a network")
    max_batch: int = Field(8, ge=1, le=64, description="frames that are analysed together")
    max_frame_age_ms: int = Field(1000, ge=50, description="older frames are skipped and counted")
    consumer: str = Field("", description="name of this worker in its reports; host and process when empty")
