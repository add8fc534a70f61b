from __future__ import annotations

import pytest

from inference_service.web.turnstile import Turnstile
from shared_kernel.errors import Throttled


def test_the_turnstile_counts_all_and_each() -> None:
    turnstile = Turnstile(max_inside=3, max_of_one=2)
    with turnstile.pass_through("a"), turnstile.pass_through("a"):
        with pytest.raises(Throttled), turnstile.pass_through("a"):
            pass
        with turnstile.pass_through("b"), pytest.raises(Throttled), turnstile.pass_through("c"):
            pass
    with turnstile.pass_through("a"), turnstile.pass_through("c"):
        pass


def test_the_turnstile_lets_out_who_failed() -> None:
    turnstile = Turnstile(max_inside=1, max_of_one=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), turnstile.pass_through("a"):
            _ = 1 / 0
