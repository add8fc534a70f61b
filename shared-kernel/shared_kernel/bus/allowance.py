"""An allowance: so many of a thing in a stretch of time, shared by all processes of a service.

A leaky bucket by Redis' clock alone. What is kept is one number a name, the moment at which the bucket will be empty;
it expires with the bucket, so that names cost nothing when nobody uses them.
"""

from __future__ import annotations

from typing import Any, Final

from shared_kernel.bus.entries import PREFIX

#: Keys: the bucket. Arguments: amount, size of the bucket, microseconds that one of a thing takes to leak out.
#: Answers the microseconds to wait; 0: taken. Numbers are written out, for Lua would round them in scientific notation.
TAKE: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local each = tonumber(ARGV[3])
local empty = math.max(now, tonumber(redis.call('GET', KEYS[1]) or '0')) + tonumber(ARGV[1]) * each
local wait = empty - tonumber(ARGV[2]) * each - now
if wait > 0 then return string.format('%.0f', math.ceil(wait)) end
redis.call('SET', KEYS[1], string.format('%.0f', empty), 'PX', math.ceil((empty - now) / 1000))
return '0'"""


def allowance_key(name: str) -> str:
    """Redis key of one bucket."""
    return f"{PREFIX}allowance:{name}"


def arguments(amount: int, limit: int, per_s: float) -> tuple[Any, ...]:
    """The arguments of `TAKE`.

    Raises:
        ValueError: more is asked than a full bucket holds, or nothing: waiting would never help.
    """
    if not 1 <= amount <= limit:
        raise ValueError(f"allowance: expected an amount from 1 to {limit}, got {amount}")
    return amount, limit, round(per_s * 1_000_000 / limit)
