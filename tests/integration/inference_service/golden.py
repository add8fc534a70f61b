"""Pictures whose verdicts are kept: drawn faces, composed portraits, and the sample photos as they are. All are free.

`python -m tests.integration.inference_service.golden` writes the verdicts of this machine to golden.json: run it when a
model was changed on purpose, and look at the difference before it is committed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.portraits import portrait
from inference_service import bootstrap, weights
from inference_service.ports import Model
from shared_kernel.artifacts import fetch_all, load
from shared_kernel.testing.faces import DrawnFace, jpeg, scene
from shared_kernel.testing.missing import cache_dir
from shared_kernel.vision.pictures import decode, read_file
from shared_kernel.vision.ports import Picture
from shared_kernel.vision.rules import Found
from xunshi.places import SAMPLES_LIST

KEPT: Final = Path(__file__).with_name("golden.json")

#: Boxes below are not kept: a small change of a network makes them come and go.
MIN_SCORE: Final = 0.5

#: What is kept of which model.
MODELS: Final = ("mask", "coco80")

#: Photos of people, from samples.toml.
PHOTOS: Final = ("cheong.jpg", "collins.png", "group_three.jpg", "group_four.jpg", "group_five.jpg")


def drawings() -> dict[str, Picture]:
    """Drawn faces, in every state and at several sizes, as they come out of a JPEG."""
    states = ("with_mask", "without_mask", "mask_worn_incorrectly")
    pictures = {
        f"drawn {state} {height}": scene(DrawnFace(320, 230, height, state))
        for state in states
        for height in (40, 90, 240)
    }
    row = [DrawnFace(110 + 210 * number, 260, 150, state) for number, state in enumerate(states)]
    pictures["drawn row"] = scene(*row)
    pictures["drawn row, wide"] = scene(*row, width=1600, height=500)
    pictures["drawn nobody"] = scene()
    return {name: decode(jpeg(picture)) for name, picture in pictures.items()}


def photos(samples: Path) -> dict[str, Picture]:
    """Sample photos, and portraits composed of them."""
    composed = {
        f"portraits {faces} {width}x{height}": decode(jpeg(portrait(samples, faces, width, height)))
        for faces in (1, 3, 15)
        for width, height in ((640, 480), (1920, 1080))
    }
    return composed | {name: read_file(samples / name) for name in PHOTOS}


def verdicts(model: Model, pictures: Mapping[str, Picture]) -> dict[str, list[Found]]:
    """What the model finds, each picture alone."""
    return {name: model.read([picture])[0] for name, picture in pictures.items()}


def as_json(found: Sequence[Found]) -> list[dict[str, Any]]:
    """The boxes that are kept, best first, in tenths of a pixel."""
    return [
        {"label": one.label, "score": round(one.score, 3), "box": [round(side, 1) for side in one.box]}
        for one in found
        if one.score >= MIN_SCORE
    ]


def main() -> None:
    """Write golden.json anew."""
    folder = cache_dir()
    fetch_all(load(weights.WEIGHTS_LIST), folder / "weights")
    fetch_all(load(SAMPLES_LIST), folder / "samples")
    shelf = bootstrap.shelf(folder / "weights", None, device="cpu")
    pictures = drawings() | photos(folder / "samples")
    kept = {
        name: {picture: as_json(found) for picture, found in verdicts(shelf.open(name), pictures).items()}
        for name in MODELS
    }
    KEPT.write_text(_text(kept), encoding="utf-8")


def _text(kept: dict[str, dict[str, list[dict[str, Any]]]]) -> str:
    """JSON with a line a box, so that a difference can be read."""
    models = []
    for model, pictures in kept.items():
        lines = []
        for picture, boxes in pictures.items():
            rows = ",".join(f"\n      {json.dumps(box)}" for box in boxes)
            lines.append(f"    {json.dumps(picture)}: [{rows}{chr(10) + '    ' if boxes else ''}]")
        models.append(f"  {json.dumps(model)}: {{\n" + ",\n".join(lines) + "\n  }")
    return "{\n" + ",\n".join(models) + "\n}\n"


if __name__ == "__main__":
    main()
