"""The database of this service: the kernel's, with our repositories, and a word to live clients after each event."""

from __future__ import annotations

from collections.abc import Callable

from miniprogram_api.adapters.store import Store
from shared_kernel import database


class Database(database.Database[Store]):
    """See `shared_kernel.database`.

    Args:
        url: of the database.
        after_events: Called after a commit that added to the event log; must not raise.
    """

    def __init__(self, url: str, *, after_events: Callable[[], None] = lambda: None) -> None:
        def after_commit(store: Store) -> None:
            if store.events.appended:
                after_events()

        super().__init__(url, Store, after_commit)
