"""One transaction's view of all tables of this service: the repositories side by side."""

from __future__ import annotations

from sqlalchemy.orm import Session


class Store:
    """Repositories that share one transaction. Made by `Database`, valid until its `with` ends.

    Each stands in a module named for it and is made when it is first asked for.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
