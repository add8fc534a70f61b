"""The demo camera: its clip is composed on the first start, then it plays until there is an own camera.

Run by `xunshi up` as a part that nobody waits for (`python -m xunshi.stack.demo_camera`).
"""

from __future__ import annotations

import os
import sys

from miniprogram_api import demo_camera
from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.database import Database
from miniprogram_api.settings import Settings
from shared_kernel import log
from shared_kernel.bus import Bus
from shared_kernel.errors import XunshiError
from shared_kernel.log import fields, get_logger
from xunshi.places import DEMO_CLIPS, SAMPLES

logger = get_logger(__name__)

NAME = "演示画面 Demo"
#: Composing the clip may take a while; the services come first.
_NICENESS = 10


def main() -> int:
    """Compose, then add; exit code 1 when there is no clip to play."""
    log.configure("demo")
    os.nice(_NICENESS)
    settings = Settings()
    try:
        from xunshi import demo

        clip = demo.compose(SAMPLES, DEMO_CLIPS)
    except (XunshiError, OSError) as error:
        logger.warning("no demo camera", extra=fields(reason=str(error)))
        return 1
    database, bus = Database(settings.database_url.get_secret_value()), Bus(settings.redis_url)
    cipher = AddressCipher(settings.url_key.get_secret_value())
    placed = demo_camera.place(database, cipher, bus, NAME, clip.path.as_uri())
    logger.info("demo camera", extra=fields(camera_id=placed or "-"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
