"""A log line is one line, and every value can be found by its key."""

import logging

from shared_kernel.log import KeyValueFormatter, fields


def _line(message: str, **values: object) -> str:
    record = logging.LogRecord("xunshi.test", logging.INFO, __file__, 1, message, None, None)
    for name, value in fields(**values).items():
        setattr(record, name, value)
    return KeyValueFormatter("stream-service").format(record)


def test_plain_values_stand_bare_and_others_are_quoted() -> None:
    line = _line("camera connected", camera_id="01J", reason="", name="东门 1")
    assert 'message="camera connected"' in line
    assert "service=stream-service" in line
    assert "camera_id=01J" in line
    assert 'reason=""' in line
    assert 'name="东门 1"' in line


def test_a_newline_in_a_value_cannot_forge_a_line() -> None:
    line = _line("login", username='x\nlevel=error message="forged"')
    assert "\n" not in line
