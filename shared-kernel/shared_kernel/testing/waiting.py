"""Wait for a condition with a deadline: the only kind of waiting a test does."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import TypeVar

Value = TypeVar("Value")

#: CI's machines are shared and may stand still for seconds; patience costs nothing when the condition comes.
CI_PATIENCE = 3.0
#: Short enough not to be felt, long enough not to be work.
POLL_S = 0.02


def wait_until(condition: Callable[[], Value], timeout_s: float = 10.0, what: str = "") -> Value:
    """Call `condition` until it answers something true, and return that; on CI be `CI_PATIENCE` times as patient.

    Raises:
        TimeoutError: it did not within `timeout_s`; the text has `what`, and the last answer or exception.
    """
    patience = CI_PATIENCE if os.environ.get("CI", "").lower() == "true" else 1.0
    deadline = time.monotonic() + timeout_s * patience
    while True:
        try:
            answer, last = condition(), ""
        except (OSError, AssertionError) as error:  # not there yet: refused, reset, or a check inside the condition
            answer, last = None, f"{type(error).__name__}: {error}"
        if answer:
            return answer
        if time.monotonic() > deadline:
            subject = what or getattr(condition, "__name__", "condition")
            raise TimeoutError(f"{subject}: not within {timeout_s:g} s; last: {last or repr(answer)}")
        time.sleep(POLL_S)
