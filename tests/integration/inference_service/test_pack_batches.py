"""Real networks of strangers that take batches, do not, or only say so: nobody can tell from the answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from inference_service import bootstrap
from inference_service.packs.card import read_card
from tests.integration.inference_service import tiny_network

SCENES = """\
name: scenes
version: "1"
task: classify
title: {zh: 场景, en: Scenes}
licence: own work
labels: [{name: hall}, {name: gate}]
input: {width: 32, height: 32, fit: stretch}
decode: {kind: classifier, activation: sigmoid}
files: [{path: best.onnx, sha256: SUM}]
"""


def test_answers_are_the_same_whether_a_network_takes_batches_or_not(tmp_path: Path) -> None:
    noise = np.random.default_rng(3).integers(0, 255, (4, 48, 64, 3), dtype=np.uint8)
    mixed = [*noise[:3], np.full((90, 20, 3), 200, np.uint8), noise[3]]
    scores: dict[int | str, list[float]] = {}
    for batch in (1, "any", "says any"):
        network = tiny_network.classifier(2, batch=batch)
        card = read_card(tiny_network.write_pack(tmp_path / str(batch), network, SCENES), tmp_path)
        model = bootstrap.open_card(card, device="cpu")
        scores[batch] = [found[0].score for found in model.read(mixed)]
        assert scores[batch] == pytest.approx([model.read([picture])[0][0].score for picture in mixed], rel=1e-5)
    assert scores[1] == pytest.approx(scores["any"], rel=1e-5)
    assert scores[1] == pytest.approx(scores["says any"], rel=1e-5)
    assert len(set(scores[1])) == len(mixed)
