"""Ports that are taken: who has them, and that inner ports are different and free."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from xunshi.stack import parts, ports
from xunshi.stack.problem import StackProblem


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_names_its_holder_and_a_way_out(taken: int) -> None:
    with pytest.raises(StackProblem) as caught:
        ports.require_free("127.0.0.1", taken)
    assert str(os.getpid()) in str(caught.value)
    assert f"--port {taken + 1}" in str(caught.value)


def test_a_free_port_is_fine() -> None:
    ports.require_free("127.0.0.1", ports.free_ports("127.0.0.1", 1)[0])


def test_inner_ports_are_different_and_below_those_of_outgoing_connections() -> None:
    found = ports.free_ports("127.0.0.1", 9)
    assert len(set(found)) == 9
    assert max(found) < 32_768


def test_nobody_holds_a_free_port() -> None:
    assert ports.holder(ports.free_ports("127.0.0.1", 1)[0]) == ""


def test_inner_ports_are_all_different() -> None:
    chosen = parts.Ports.choose(workers=2, streams=3)
    single = [value for value in vars(chosen).values() if isinstance(value, int)]
    assert len({*single, *chosen.workers, *chosen.streams}) == 7 + 2 + 3
