"""Apps of the services for their OpenAPI documents. No address in here is ever reached."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from apiflask import APIFlask
from pydantic import SecretStr

from xunshi.stack.folder import Secrets

_REDIS = "redis://127.0.0.1:1/0"


def miniprogram_api() -> APIFlask:
    """The API's app."""
    from miniprogram_api.app import create_app
    from miniprogram_api.bootstrap import make_parts
    from miniprogram_api.settings import Settings

    secrets = Secrets.new()
    settings = Settings(
        **_common(secrets),
        database_url=SecretStr("sqlite:////nowhere/xunshi.db"),
        jwt_key=SecretStr(secrets.jwt_key),
        url_key=SecretStr(secrets.url_key),
    )
    return create_app(make_parts(settings))


def stream_service() -> APIFlask:
    """The app of the live views."""
    from stream_service.bootstrap import StreamService
    from stream_service.settings import Settings

    return StreamService(Settings(**_common(Secrets.new()), spool_dir=_folder() / "spool")).app()


def inference_service() -> APIFlask:
    """The app of inference-service's web process."""
    from inference_service.app import make_web
    from inference_service.settings import Settings
    from inference_service.web.service import WebService

    return make_web(WebService(Settings(**_common(Secrets.new()), weights_dir=_folder())).parts)


def _common(secrets: Secrets) -> dict[str, Any]:
    return {
        "redis_url": _REDIS,
        "blobs_url": f"file://{_folder()}",
        "service_token": SecretStr(secrets.service_token),
        "ticket_key": SecretStr(secrets.ticket_key),
    }


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / "xunshi-contracts"
