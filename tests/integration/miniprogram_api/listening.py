"""A client of live events, in the process (`Ear`) or over HTTP (`follow`)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx

from shared_kernel.testing import wait_until
from tests.integration.miniprogram_api.world import World


@dataclass
class Heard:
    """What a stream said: (id, event, data), comments, and the last id."""

    events: list[tuple[int, str, dict[str, Any]]] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    last_id: str | None = None
    ended: bool = False

    def passes(self) -> list[str]:
        """Ids of the passes, in the order heard."""
        return [heard["pass_id"] for heard in self.observed()]

    def observed(self) -> list[dict[str, Any]]:
        """The passes as they were told, in the order heard; of other events a stream tells too."""
        return [data["pass"] for _, event, data in self.events if event == "pass"]


def parse(lines: Iterable[str], heard: Heard) -> None:
    """Read server-sent events as the HTML standard says."""
    event, data = "", ""
    for line in lines:
        if line.startswith(":"):
            heard.comments.append(line[1:].strip())
        elif line == "":
            if data:
                heard.events.append((int(heard.last_id or 0), event, json.loads(data)))
            event, data = "", ""
        else:
            name, _, value = line.partition(": ")
            if name == "id":
                heard.last_id = value
            elif name == "event":
                event = value
            elif name == "data":
                data += value
    heard.ended = True


class Ear:
    """Listens in a thread until closed."""

    def __init__(self, world: World, user_id: str, last_id: str | None = None) -> None:
        token = str(world.log_in(user_id)["access_token"])
        ticket = world.call("POST", "/event-tickets", token, json={}).get_json()["ticket"]
        headers = {"Last-Event-ID": last_id} if last_id is not None else {}
        self.response = world.app.test_client().get(f"/api/v1/events?ticket={ticket}", headers=headers)
        assert self.response.status_code == 200, self.response.text
        self.heard = Heard()
        self._world = world
        self._thread = threading.Thread(target=parse, args=(self._lines(), self.heard), daemon=True)
        self._thread.start()
        wait_until(lambda: self.heard.comments, what="the stream opens")

    def _lines(self) -> Iterator[str]:
        for chunk in self.response.response:
            text = chunk if isinstance(chunk, str) else chunk.decode()
            yield from text.split("\n")[:-1]

    def anything(self) -> bool:
        """Whether an event was heard."""
        return bool(self.heard.events)

    def wait_for(self, count: int) -> list[str]:
        """Ids of the passes, once there are `count`."""
        wait_until(lambda: len(self.heard.passes()) >= count, what=f"{count} passes are heard")
        return self.heard.passes()


def follow(base_url: str, ticket: str, heard: Heard) -> None:
    """Listen over HTTP until the stream ends or breaks; resumes where `heard` is."""
    query = {"ticket": ticket, **({"last_event_id": heard.last_id} if heard.last_id is not None else {})}
    address = f"{base_url}/api/v1/events"
    with httpx.Client(trust_env=False, timeout=30) as client, client.stream("GET", address, params=query) as answer:
        answer.raise_for_status()
        parse(answer.iter_lines(), heard)
