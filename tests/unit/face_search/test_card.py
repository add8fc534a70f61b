"""Cards of embedding models: what is taken, and what is said about one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from face_search.models.card import FILE_NAME, SFACE_CARD, find_card, read_card
from face_search.thresholds import MEASURED
from shared_kernel.errors import ArtifactError

GOOD = """
name = "edge-512"
file = "edge.onnx"
dimension = 512
colours = "bgr"
mean = 127.5
scale = 0.00784313
licence = "our own"
false_matches = [{ cosine = 0.2, share = 0.01 }, { cosine = 0.3, share = 0.0001 }]
covered_false_matches = [{ cosine = 0.25, share = 0.01 }, { cosine = 0.35, share = 0.0001 }]
"""


def written(folder: Path, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / FILE_NAME
    path.write_text(text)
    return path


def test_a_card_says_how_its_network_is_fed_and_judged(tmp_path: Path) -> None:
    card = read_card(written(tmp_path, GOOD))
    assert (card.name, card.dimension, card.colours, card.mean) == ("edge-512", 512, "bgr", 127.5)
    assert card.thresholds.required(1, covered=False) == pytest.approx(0.25)
    assert card.thresholds.required(1, covered=True) == pytest.approx(0.30)


def test_without_figures_of_covered_faces_those_of_open_ones_count(tmp_path: Path) -> None:
    text = "\n".join(line for line in GOOD.splitlines() if not line.startswith("covered"))
    thresholds = read_card(written(tmp_path, text)).thresholds
    assert thresholds.covered == thresholds.open


def test_sface_is_the_model_that_is_meant_by_no_name(tmp_path: Path) -> None:
    assert find_card("", tmp_path) == (SFACE_CARD, None)
    assert find_card("sface-2021dec", tmp_path) == (SFACE_CARD, None)
    assert SFACE_CARD.thresholds is MEASURED["sface-2021dec"]


def test_an_own_model_is_found_by_the_name_on_its_card(tmp_path: Path) -> None:
    written(tmp_path / "a-folder", GOOD)
    card, folder = find_card("edge-512", tmp_path)
    assert card.name == "edge-512"
    assert folder == tmp_path / "a-folder"


@pytest.mark.parametrize("name", ["edge-513", "a-folder", "../a-folder", "SFACE"])
def test_an_unknown_model_is_named(tmp_path: Path, name: str) -> None:
    written(tmp_path / "a-folder", GOOD)
    with pytest.raises(ArtifactError, match="expected a folder below"):
        find_card(name, tmp_path)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('file = "edge.onnx"', 'file = "../edge.onnx"', "file"),
        ('file = "edge.onnx"', 'file = "/etc/passwd"', "file"),
        ('file = "edge.onnx"', "", "file: Field required"),
        ("dimension = 512", "dimension = 3", "dimension"),
        ("dimension = 512", 'dimension = "many"', "dimension"),
        ('colours = "bgr"', 'colours = "grey"', "colours"),
        ("scale = 0.00784313", "scale = 0", "scale"),
        ("scale = 0.00784313", "scale = nan", "scale"),
        ('name = "edge-512"', 'name = "Edge 512"', "name"),
        ('licence = "our own"', 'licence = ""', "licence"),
        ("share = 0.0001 }]\ncov", "share = 0.02 }]\ncov", "false_matches.*fall"),
        ("[{ cosine = 0.2, share = 0.01 }, { cosine = 0.3, share = 0.0001 }]\ncov", "[]\ncov", "false_matches"),
        ("dimension = 512", "dimension = 512\nsize = 1", "size: Extra inputs"),
        ("dimension = 512", "dimension = ", "expected TOML"),
    ],
)
def test_a_wrong_card_is_refused_by_field(tmp_path: Path, old: str, new: str, said: str) -> None:
    assert GOOD.count(old) == 1
    path = written(tmp_path, GOOD.replace(old, new))
    with pytest.raises(ArtifactError, match=said) as refused:
        read_card(path)
    assert str(path) in str(refused.value)


def test_files_that_are_no_text_or_too_long_are_refused(tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ArtifactError, match="expected TOML"):
        read_card(path)
    path.write_bytes(b"#" * 70_000)
    with pytest.raises(ArtifactError, match="at most"):
        read_card(path)
    with pytest.raises(ArtifactError, match="expected TOML"):
        read_card(tmp_path / "none.toml")
