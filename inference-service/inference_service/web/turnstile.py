"""How many requests with pictures are inside at once, in all and of one user: their bytes are in memory meanwhile."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from shared_kernel.errors import Throttled

#: Requests with pictures at once, in one process.
MAX_INSIDE: Final = 16
#: Of these, of one user.
MAX_OF_ONE: Final = 6
RETRY_AFTER_S: Final = 2


class Turnstile:
    """Thread safe."""

    def __init__(self, max_inside: int = MAX_INSIDE, max_of_one: int = MAX_OF_ONE) -> None:
        self._max_inside = max_inside
        self._max_of_one = max_of_one
        self._inside: Counter[str] = Counter()
        self._lock = threading.Lock()

    @contextmanager
    def pass_through(self, user_id: str) -> Iterator[None]:
        """Be inside for the time of a block; ask before the body is read.

        Raises:
            Throttled: too many are inside already.
        """
        with self._lock:
            if self._inside.total() >= self._max_inside or self._inside[user_id] >= self._max_of_one:
                raise Throttled("too many pictures are being analysed; try again", retry_after_s=RETRY_AFTER_S)
            self._inside[user_id] += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside[user_id] -= 1
                self._inside += Counter()  # forgets those that are at 0
