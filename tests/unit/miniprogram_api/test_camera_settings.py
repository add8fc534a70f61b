from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from miniprogram_api.cameras import CameraIn, CameraPatch

DOOR = {"name": "door", "kind": "include", "points": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
SCREEN = [[0, 0], [0.25, 0], [0.25, 0.25], [0, 0.25]]


@pytest.mark.parametrize(
    ("given", "field", "word"),
    [
        ({"decode": "everything"}, "decode", "'all', 'adaptive' or 'keyframes'"),
        ({"analysed_fps": 0.1}, "analysed_fps", "greater than or equal to 0.2"),
        ({"analysed_fps": 31}, "analysed_fps", "30"),
        ({"analysed_fps": "5"}, "analysed_fps", "number"),
        ({"detect_url": ""}, "detect_url", "at least 1"),
        ({"footage": "always"}, "footage", "'clips'"),
        ({"zones": [DOOR] * 17}, "zones", "at most 16"),
        ({"zones": [{**DOOR, "name": " "}]}, "zones.0.name", "not blank"),
        ({"zones": [{**DOOR, "name": "a\nb"}]}, "zones.0.name", "control"),
        ({"zones": [{**DOOR, "name": "x" * 65}]}, "zones.0.name", "64"),
        ({"zones": [{**DOOR, "kind": "maybe"}]}, "zones.0.kind", "'include' or 'exclude'"),
        ({"zones": [{**DOOR, "colour": "red"}]}, "zones.0.colour", "not permitted"),
        ({"zones": [{"name": "a", "kind": "include"}]}, "zones.0.points", "required"),
        ({"privacy_masks": [SCREEN] * 17}, "privacy_masks", "at most 16"),
        ({"privacy_masks": [SCREEN[:2]]}, "privacy_masks.0", "at least 3"),
        ({"privacy_masks": [[*SCREEN, *([[0.1, 0.2]] * 29)]]}, "privacy_masks.0", "at most 32"),
        ({"privacy_masks": [[[0, 0], [1.01, 0], [0, 1]]]}, "privacy_masks.0.1.0", "less than or equal to 1"),
        ({"privacy_masks": [[[0, 0], [1, -0.1], [0, 1]]]}, "privacy_masks.0.1.1", "greater than or equal to 0"),
        ({"privacy_masks": [[[0, 0], [1], [0, 1]]]}, "privacy_masks.0.1.1", "required"),
        ({"privacy_masks": [[[0, 0], ["1", 0], [0, 1]]]}, "privacy_masks.0.1.0", "number"),
        ({"privacy_masks": [[[0, 0], [0.5, 0.5], [1, 1]]]}, "privacy_masks.0", "area"),
        ({"privacy_masks": [[[0, 0], [1, 0], [0, 1], [1, 1]]]}, "privacy_masks.0", "cross"),
        ({"plan": []}, "plan", "at least 1"),
        ({"plan": [{"days": [], "from": "08:00", "to": "18:00"}]}, "plan.0.days", "at least 1"),
        ({"plan": [{"days": [0], "from": "08:00", "to": "18:00"}]}, "plan.0.days.0", "greater than or equal to 1"),
        ({"plan": [{"days": [8], "from": "08:00", "to": "18:00"}]}, "plan.0.days.0", "less than or equal to 7"),
        ({"plan": [{"days": [1], "from": "24:00", "to": "18:00"}]}, "plan.0.from", "00:00 to 23:59"),
        ({"plan": [{"days": [1], "from": "8:00", "to": "18:00"}]}, "plan.0.from", "00:00 to 23:59"),
        ({"plan": [{"days": [1], "from": "08:00", "to": "25:00"}]}, "plan.0.to", "00:00 to 24:00"),
        ({"plan": [{"days": [1], "from": "08:00"}]}, "plan.0.to", "required"),
    ],
)
def test_a_wrong_setting_is_refused_and_named(given: dict[str, Any], field: str, word: str) -> None:
    for shape, body in ((CameraPatch, given), (CameraIn, {"name": "n", "url": "rtsp://h/main", **given})):
        with pytest.raises(ValidationError) as refused:
            shape.model_validate(body)
        problems = {".".join(map(str, one["loc"])): one["msg"] for one in refused.value.errors()}
        assert word in problems.get(field, ""), problems


def test_polygons_may_touch_themselves() -> None:
    given = {"privacy_masks": [[[0, 0], [1, 0], [0.5, 0.5], [1, 1], [0, 1], [0.5, 0.5]]]}
    assert CameraPatch.model_validate(given).privacy_masks is not None
