"""The page of all settings, from the services' `Settings` classes. Names are those of the environment."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from face_search.settings import Settings as FaceSearchSettings
from inference_service.settings import Settings as InferenceSettings
from miniprogram_api.settings import Settings as MiniprogramSettings
from shared_kernel.settings import ServiceSettings
from stream_service.settings import Settings as StreamSettings

SERVICES: tuple[tuple[str, type[ServiceSettings]], ...] = (
    ("miniprogram-api", MiniprogramSettings),
    ("stream-service", StreamSettings),
    ("inference-service", InferenceSettings),
    ("face-search", FaceSearchSettings),
)

_HEAD = """\
# Settings

Generated from the services' `settings.py` by `make contracts`. A service reads its environment once, at its start;
`xunshi up` sets what belongs together and passes everything else through, for example `STREAM_SAMPLE_FPS=2 make up`.
"""


def page() -> str:
    """The Markdown page."""
    blocks = [_HEAD, "## Every service, with its own prefix", "", _table("", ServiceSettings, set())]
    common = set(ServiceSettings.model_fields)
    for service, kind in SERVICES:
        prefix = str(kind.model_config["env_prefix"])
        blocks += [f"## {service}: `{prefix}…`", "", _table(prefix, kind, common)]
    return "\n".join(blocks)


def _table(prefix: str, kind: type[ServiceSettings], without: set[str]) -> str:
    rows = ["| name | default | meaning |", "|---|---|---|"]
    for name, field in kind.model_fields.items():
        if name not in without:
            shown = f"{prefix}{name.upper()}" if prefix else f"…_{name.upper()}"
            rows.append(f"| `{shown}` | {_default(field)} | {field.description or ''}{_choices(field)} |")
    return "\n".join(rows) + "\n"


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value: Any = field.get_default(call_default_factory=False)
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if isinstance(value, tuple):
        value = ",".join(map(str, value))
    return f"`{value}`" if value not in (None, "") else "none"


def _choices(field: FieldInfo) -> str:
    choices = [one for one in get_args(field.annotation) if isinstance(one, str)]
    return f" ({', '.join(choices)})" if choices else ""
