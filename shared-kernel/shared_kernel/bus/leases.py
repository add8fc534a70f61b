"""Leases: who of several processes has which thing, shared out by capacity, each with a token that only rises.

A token (fence) belongs to one holding: whoever takes a thing gets a greater one than anybody before. `Bus.publish_held`
sends only while the token is still the current one, checked by Redis in the same step as the sending, so a process that
was stopped for a minute and goes on as if nothing had happened cannot write any more. See docs/design/0013-leases.md.

All of a round (renew, forget the dead, take what is free, say what is too much) is one script, so two replicas never
see half of each other's round. Times are those of Redis' clock alone. Tokens are microseconds of it, or one more than
the last, so that they go on rising when Redis has forgotten everything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

import redis

from shared_kernel.bus.entries import PREFIX, translated

#: A lease ends this long after its last renewal, seconds. Whoever is alive renews every second.
LEASE_S: Final = 6.0
#: A replica that was silent for this long is forgotten, seconds.
FORGET_REPLICA_S: Final = 600.0
#: Things that move in one round at most when the shares change: each is interrupted for a moment.
MOVES_A_ROUND: Final = 4

#: A lease reads "fence end replica instance", a replica "end capacity name address"; ends in milliseconds.
_ROUND: Final = """
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local me, instance, name, address = ARGV[1], ARGV[2], ARGV[3], ARGV[4]
local capacity, ttl, forget, moves = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local until_ms = string.format('%.0f', now + ttl)

local total, addresses, forgotten = capacity, {[me] = address}, {}
local known = redis.call('HGETALL', KEYS[2])
for i = 1, #known, 2 do
  local ends, room, other, where = string.match(known[i + 1], '^(%d+) (%d+) (%S+) (%S+)$')
  if known[i] ~= me then
    if tonumber(ends) > now then
      if other == name then return {where} end
      total = total + tonumber(room)
      addresses[known[i]] = where
    elseif tonumber(ends) + forget < now then
      redis.call('HDEL', KEYS[2], known[i])
      forgotten[#forgotten + 1] = other
    end
  end
end
redis.call('HSET', KEYS[2], me, until_ms .. ' ' .. ARGV[5] .. ' ' .. name .. ' ' .. address)

local function new_fence()
  local micros = clock[1] * 1000000 + clock[2]
  local fence = string.format('%.0f', math.max(micros, tonumber(redis.call('GET', KEYS[3]) or '0') + 1))
  redis.call('SET', KEYS[3], fence)
  return fence
end
local held = {}
local function hold(id, fence)
  redis.call('HSET', KEYS[1], id, fence .. ' ' .. until_ms .. ' ' .. me .. ' ' .. instance)
  held[#held + 1] = id
  held[#held + 1] = fence
end

local wanted, free, others = {}, {}, {}
for i = 9, #ARGV do wanted[ARGV[i]] = true end
local leases = redis.call('HGETALL', KEYS[1])
local seen = {}
for i = 1, #leases, 2 do
  local id = leases[i]
  local fence, ends, holder, run = string.match(leases[i + 1], '^(%d+) (%d+) (%S+) (%S+)$')
  if holder == me then
    if not wanted[id] then
      redis.call('HDEL', KEYS[1], id)
    else
      seen[id] = true
      hold(id, run == instance and fence or new_fence())
    end
  elseif tonumber(ends) > now then
    seen[id] = true
    others[#others + 1] = id
    others[#others + 1] = addresses[holder] or ''
  elseif not wanted[id] and tonumber(ends) + forget < now then
    redis.call('HDEL', KEYS[1], id)
  end
end
for i = 9, #ARGV do if not seen[ARGV[i]] then free[#free + 1] = ARGV[i] end end

local share = 0
if total > 0 then share = math.min(capacity, math.ceil((#ARGV - 8) * capacity / total)) end
local took = 0
for _, id in ipairs(free) do
  if #held / 2 >= share then break end
  hold(id, new_fence())
  took = took + 1
end
local surplus = {}
for i = #held - 1, 1, -2 do
  if #surplus >= moves or #held / 2 - #surplus <= share then break end
  surplus[#surplus + 1] = held[i]
end
local roomless = {}
if #ARGV - 8 > total then for i = took + 1, #free do roomless[#roomless + 1] = free[i] end end
return {'', held, surplus, others, roomless, forgotten}"""

_RELEASE: Final = """
for i = 2, #ARGV do
  local holder = string.match(redis.call('HGET', KEYS[1], ARGV[i]) or '', '^%d+ %d+ (%S+) ')
  if holder == ARGV[1] then redis.call('HDEL', KEYS[1], ARGV[i]) end
end"""

#: Publishes while the fence is the current one. Keys: leases, stream; arguments: thing, fence, MAXLEN, entry.
PUBLISH_HELD: Final = """
local fence = string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '', '^%d+')
if fence ~= ARGV[2] then return 0 end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[3], '*', unpack(ARGV, 4))
return 1"""


def leases_key(kind: str) -> str:
    """Redis key of the leases of one kind of thing."""
    return f"{PREFIX}lease:{kind}"


@dataclass(frozen=True)
class Replica:
    """One of the processes that share things.

    `identity` outlives a restart (whoever has it takes its things back at once, so at most one process may have it at a
    time), `instance` does not. `name` is unique among those that run. `capacity` is a number of things.
    """

    identity: str
    instance: str
    name: str
    address: str
    capacity: int


@dataclass(frozen=True)
class Round:
    """What one round gave.

    `held`: fence by id. `surplus`: ids of these that others have room for. `others`: address of the holder by id.
    `roomless`: ids that nobody has room for. `forgotten`: names of replicas that are gone for good.
    `namesake`: address of another replica with the same name; then nothing is held.
    """

    held: Mapping[str, int] = field(default_factory=dict)
    surplus: tuple[str, ...] = ()
    others: Mapping[str, str] = field(default_factory=dict)
    roomless: tuple[str, ...] = ()
    forgotten: tuple[str, ...] = ()
    namesake: str = ""


class Leases:
    """The leases of one kind of thing, for one replica. Thread safe. Those it renews last `lease_s` seconds more.

    Raises (every method):
        Unavailable: Redis is away.
    """

    def __init__(self, client: redis.Redis, kind: str, me: Replica) -> None:
        self._redis, self._me = client, me
        self.lease_s = LEASE_S
        key = leases_key(kind)
        self._keys = key, f"{key}:replicas", f"{key}:fence"

    def round(self, wanted: Sequence[str]) -> Round:
        """Renew what is ours, take a fair share of what is free; what is not wanted any more is given back."""
        me = self._me
        limits = me.capacity, round(self.lease_s * 1000), round(FORGET_REPLICA_S * 1000), MOVES_A_ROUND
        words: Any = (me.identity, me.instance, me.name, me.address, *limits, *wanted)
        with translated():
            namesake, *rest = cast("Any", self._redis.eval(_ROUND, 3, *self._keys, *words))
        if namesake:
            return Round(namesake=namesake.decode())
        held, surplus, others, roomless, forgotten = ([text.decode() for text in part] for part in rest)
        return Round(
            held={thing: int(fence) for thing, fence in zip(held[::2], held[1::2], strict=True)},
            surplus=tuple(surplus),
            others=dict(zip(others[::2], others[1::2], strict=True)),
            roomless=tuple(roomless),
            forgotten=tuple(forgotten),
        )

    def release(self, things: Sequence[str]) -> None:
        """Give these back now; what another has meanwhile stays with it."""
        if things:
            with translated():
                self._redis.eval(_RELEASE, 1, self._keys[0], self._me.identity, *things)

    def leave(self, things: Sequence[str]) -> None:
        """Give back everything and count no more: this replica ends."""
        self.release(things)
        with translated():
            self._redis.hdel(self._keys[1], self._me.identity)
