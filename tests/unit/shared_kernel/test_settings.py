"""Secrets have no default and no short form."""

import pytest
from pydantic import SecretStr, ValidationError

from shared_kernel.settings import ServiceSettings

TOKEN = SecretStr("s" * 32)


def test_a_service_without_secrets_does_not_start() -> None:
    with pytest.raises(ValidationError) as caught:
        ServiceSettings.model_validate({})
    assert {error["loc"][0] for error in caught.value.errors()} == {"service_token", "ticket_key"}


def test_a_short_key_is_refused_by_name_and_without_showing_it() -> None:
    with pytest.raises(ValidationError, match="ticket_key: expected 32 characters or more, got 7") as caught:
        ServiceSettings(service_token=TOKEN, ticket_key=SecretStr("hunter2"))
    assert "hunter2" not in str(caught.value)


def test_secrets_do_not_show_in_logs() -> None:
    assert "ssss" not in repr(ServiceSettings(service_token=TOKEN, ticket_key=TOKEN))
