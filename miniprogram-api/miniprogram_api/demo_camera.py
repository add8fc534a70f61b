"""The demo camera of a one-machine stack: there until somebody adds an own camera. Used by the command line only."""

from __future__ import annotations

from miniprogram_api.adapters.cameras import AddressCipher
from miniprogram_api.adapters.database import Database
from miniprogram_api.cameras import CameraIn, add_camera, announce, retire_demo
from miniprogram_api.record import tell_camera
from shared_kernel.bus import Bus
from shared_kernel.clock import now
from shared_kernel.messages import new_id


def place(database: Database, cipher: AddressCipher, bus: Bus, name: str, url: str) -> str | None:
    """Make sure that the demo camera plays `url`, unless there is an own camera.

    Returns:
        Its id, or None when own cameras keep it away.
    """
    given = CameraIn(name=name, url=url)
    with database.write() as store:
        if store.cameras.all(demo=False):
            retire_demo(store, cause=new_id())
            return None
        known = store.cameras.all(demo=True)
        if not known:
            camera = add_camera(store, cipher, given, is_demo=True)
        else:
            camera, moment = known[0], now()
            camera.url_cipher, camera.url_sha256 = cipher.seal(url)
            if not camera.enabled:
                camera.enabled, camera.state, camera.state_at, camera.heard_at = True, "connecting", moment, moment
            tell_camera(store, camera, moment, cause=f"placed/{new_id()}")
        camera_id = camera.camera_id
    announce(bus, camera_id)
    return camera_id


def retire(database: Database) -> None:
    """Switch the demo camera off, if there is one."""
    with database.write() as store:
        retire_demo(store, cause=new_id())
