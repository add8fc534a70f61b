"""A ticket opens exactly one thing for one user, for seconds."""

import jwt
import pytest

from shared_kernel.auth import Ticket, require_service_token, sign_ticket, verify_ticket
from shared_kernel.errors import Unauthorised

KEY = "k" * 32
TICKET = Ticket(channel="live", user_id="u1", object_id="camera-1")


def test_a_ticket_comes_back_as_it_was_signed() -> None:
    assert verify_ticket(KEY, sign_ticket(KEY, TICKET, ttl_s=30), "live", "camera-1") == TICKET


@pytest.mark.parametrize(
    ("text", "channel", "object_id"),
    [
        (sign_ticket(KEY, TICKET, ttl_s=-1), "live", "camera-1"),  # expired
        (sign_ticket("x" * 32, TICKET, ttl_s=30), "live", "camera-1"),  # another installation's key
        (sign_ticket(KEY, TICKET, ttl_s=30), "media", "camera-1"),  # another channel
        (sign_ticket(KEY, TICKET, ttl_s=30), "live", "camera-2"),  # another object
        (jwt.encode({"sub": "u1", "obj": "camera-1"}, KEY), "live", "camera-1"),  # no expiry
        (jwt.encode({"sub": "u1"}, "", algorithm="none"), "live", "camera-1"),  # unsigned
        ("", "live", "camera-1"),
        ("nonsense", "live", "camera-1"),
        ("a.b.c", "live", "camera-1"),
    ],
    ids=["expired", "foreign", "channel", "object", "endless", "unsigned", "empty", "nonsense", "dots"],
)
def test_any_other_ticket_is_refused_with_one_and_the_same_answer(text: str, channel: str, object_id: str) -> None:
    with pytest.raises(Unauthorised) as caught:
        verify_ticket(KEY, text, channel, object_id)  # type: ignore[arg-type]
    assert caught.value.detail == "ticket: expected a valid one for this object, got none"


@pytest.mark.parametrize("header", [None, "", "Bearer ", "Bearer wrong", "Basic " + "s" * 32, "Bearer 巡视"])
def test_only_the_service_token_opens_internal_routes(header: str | None) -> None:
    with pytest.raises(Unauthorised):
        require_service_token("s" * 32, header)
    require_service_token("s" * 32, "Bearer " + "s" * 32)
