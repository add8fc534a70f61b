"""Before the services start: the database at its newest shape, an administrator, the demo camera off where unwanted.

Run by `xunshi up` as a part that ends, with the services' environment and `--demo` or `--no-demo`.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from miniprogram_api import commands, demo_camera
from miniprogram_api.adapters.database import Database
from miniprogram_api.adapters.migrations import upgrade
from miniprogram_api.settings import Settings
from shared_kernel import log
from xunshi.stack.folder import FIRST_LOGIN, DataFolder, write_whole


def main(arguments: list[str]) -> None:
    """Prepare the database that the environment names."""
    log.configure("prepare")
    settings = Settings()
    url = settings.database_url.get_secret_value()
    folder = DataFolder.at(Path(os.environ["XUNSHI_DATA"]))
    upgrade(url)
    created = commands.create_first_administrator(url)
    if created is not None:
        login = {"username": created.username, "password": created.one_time_password}
        write_whole(folder.run / FIRST_LOGIN, json.dumps(login))
    if "--no-demo" in arguments:
        database = Database(url)
        demo_camera.retire(database)
        database.close()


if __name__ == "__main__":
    main(sys.argv[1:])
