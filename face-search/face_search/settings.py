"""What this service is told by its environment, prefix FACE_SEARCH_."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import SettingsConfigDict

from shared_kernel.settings import ServiceSettings


class Settings(ServiceSettings):
    """Settings of `web` and `worker`; read once, in `__main__`."""

    model_config = SettingsConfigDict(env_prefix="FACE_SEARCH_")

    database_url: SecretStr = Field(description="sqlite:////dir/file.db or mysql+pymysql://user:password@host/name")
    api_url: str = Field("http://127.0.0.1:8081", description="miniprogram-api, which knows users and rights")
    milvus_url: str = Field("http://127.0.0.1:19530", description="Milvus, or the server of Milvus Lite")
    milvus_token: SecretStr = Field(SecretStr(""), description="user:password of Milvus; empty: none")
    milvus_database: str = Field("default", description="database of Milvus")
    index_type: Literal["FLAT", "HNSW"] = Field(
        "FLAT", description="FLAT finds exactly; HNSW is for a cluster with millions of faces"
    )
    weights_dir: Path = Field(Path(".cache/weights"), description="folder with the networks of weights.toml")
    models_dir: Path = Field(Path("face-models"), description="folder with own embedding models, one folder a model")
    model: str = Field("", description="embedding model of new vectors; empty: our own")
    device: Literal["auto", "cpu", "cuda"] = Field("auto", description="where networks run")
    threads: int = Field(1, ge=1, le=64, description="CPU threads of one run of a network")
    sighting_days: int = Field(30, ge=1, le=3650, description="sightings are kept this long, unless a list says less")
    query_days: int = Field(365, ge=1, le=3650, description="the record of searches is kept this long")
    samples_per_person: int = Field(20, ge=1, le=200, description="pictures by which one person is recognised, at most")
    searches_per_minute: int = Field(30, ge=1, le=10_000, description="looks for a face that one user may take")
    reporting_limit: int = Field(100_000, ge=1, description="enrolled persons from which the law wants a report")
    map_tiles_url: str = Field(
        "", description="tiles of the map, such as https://tile.example.org/{z}/{x}/{y}.png; empty: a plain grid"
    )
    import_gigabytes: float = Field(2.0, gt=0, le=100, description="unpacked size of an import at most")
