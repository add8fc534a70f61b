from __future__ import annotations

from stream_service.load import OVER_S, Load, LoadMeter, Spent


def test_rates_are_of_the_last_seconds_only() -> None:
    meter = LoadMeter()
    assert meter.read(Spent(100.0, 7.0, 500, 50)) == Load()
    assert meter.read(Spent(100.0 + OVER_S / 2, 7.5, 600, 60)) == Load(), "not long enough"
    assert meter.read(Spent(110.0, 8.0, 750, 100)) == Load(25.0, 5.0, 0.1)
    assert meter.read(Spent(111.0, 9.0, 760, 101)) == Load(25.0, 5.0, 0.1)
    assert meter.read(Spent(120.0, 8.0, 750, 100)) == Load(0.0, 0.0, 0.0)
