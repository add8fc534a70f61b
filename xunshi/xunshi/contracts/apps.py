"""Apps of the services for their OpenAPI documents. No address in here is ever reached."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never

from apiflask import APIFlask
from pydantic import SecretStr

from xunshi.stack.folder import Secrets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared_kernel.vision.rules import Urgency

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


def face_search() -> APIFlask:
    """The app of face-search; its reader, index and decoder are never asked anything."""
    from face_search.adapters.exact import ExactIndex
    from face_search.app import create_app
    from face_search.bootstrap import assemble
    from face_search.settings import Settings
    from face_search.thresholds import of_model

    settings = Settings(**_common(Secrets.new()), database_url=SecretStr("sqlite:////nowhere/xunshi.db"))
    limits = of_model("sface-2021dec")
    return create_app(assemble(settings, reader=_Nobody(), thresholds=limits, index=ExactIndex(), decoder=_Nobody()))


class _Nobody:
    """Whoever is never asked: a reader of faces, a decoder."""

    model = "none"
    dimension = 128

    def read(self, picture: NDArray[np.uint8]) -> Never:
        raise NotImplementedError

    def embed(self, aligned: Sequence[NDArray[np.uint8]]) -> Never:
        raise NotImplementedError

    def decode(self, data: bytes, urgency: Urgency) -> Never:
        raise NotImplementedError


def _common(secrets: Secrets) -> dict[str, Any]:
    return {
        "redis_url": _REDIS,
        "blobs_url": f"file://{_folder()}",
        "service_token": SecretStr(secrets.service_token),
        "ticket_key": SecretStr(secrets.ticket_key),
    }


def _folder() -> Path:
    return Path(tempfile.gettempdir()) / "xunshi-contracts"
