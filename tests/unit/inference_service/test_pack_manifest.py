"""model.yaml as strangers write it: every mistake is named with pack, field, expected and got."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from inference_service.packs import document
from inference_service.packs.manifest import MAX_LABELS, PALETTE, Manifest
from inference_service.packs.problem import BadPack

SUM = "0" * 64
GOOD = f"""\
name: helmet
version: "1.2"
task: detect
title: {{zh: 安全帽, en: Helmets}}
licence: own work
labels:
  - {{name: helmet, zh: 已戴安全帽, en: Helmet, colour: "#1a9e6c"}}
  - {{name: head, violation: true}}
input: {{width: 640, height: 640}}
decode: {{kind: yolov8}}
files:
  - {{path: best.onnx, sha256: "{SUM}"}}
"""


def read(text: str | bytes) -> Manifest:
    return document.read("helmet", text.encode() if isinstance(text, str) else text)


def problem_of(text: str | bytes) -> str:
    with pytest.raises(BadPack) as raised:
        read(text)
    assert str(raised.value).startswith("pack helmet: ")
    return raised.value.reason


def test_a_short_manifest_is_enough() -> None:
    manifest = read(GOOD)
    assert (manifest.name, manifest.version, manifest.task) == ("helmet", "1.2", "detect")
    helmet, head = manifest.labels
    assert (helmet.zh, helmet.violation) == ("已戴安全帽", False)
    assert (head.zh, head.en, head.colour, head.violation) == ("head", "head", PALETTE[1], True)
    assert manifest.min_score == 0.25
    assert manifest.normalise.scale == pytest.approx(1 / 255)


@pytest.mark.parametrize(
    ("version", "number"), [("1.10", (1, 10, 0, 0)), ("2", (2, 0, 0, 0)), ("1.2.3.4", (1, 2, 3, 4))]
)
def test_versions_are_compared_as_numbers(version: str, number: tuple[int, ...]) -> None:
    assert read(GOOD.replace("1.2", version)).number == number


BAD = [
    ("name: helmet\n", "", r"^name: expected a value, got none$"),
    ("name: helmet", "name: ../helmet", r"^name: expected .*pattern.* got \"\.\./helmet\"$"),
    ("name: helmet", "name: [a]", r"^name: expected a valid string, got a list of 1$"),
    ('"1.2"', "1.2", r"^version: expected a valid string, got 1\.2 \(put it in quotes\)$"),
    ('"1.2"', '"1.2-beta"', r"^version: expected .* got \"1\.2-beta\"$"),
    ("task: detect", "task: find", r"^task: expected 'detect', 'classify' or 'state', got \"find\"$"),
    ("task: detect", "task: classify", r"^decode\.kind: expected a kind for task classify, got yolov8, .* detect$"),
    ("{zh: 安全帽, en: Helmets}", "Helmets", r"^title: expected .*, got \"Helmets\"$"),
    ("zh: 安全帽, ", "", r"^title\.zh: expected a value, got none$"),
    ("licence: own work\n", "", r"^licence: expected a value, got none$"),
    ('"#1a9e6c"', "red", r"^labels\.0\.colour: expected .* got \"red\"$"),
    ('"#1a9e6c"', "#1a9e6c", r"expected plain YAML"),
    ("violation: true", "violation: often", r"^labels\.1\.violation: expected a valid boolean, got \"often\"$"),
    ("name: head", "name: helmet", r"^labels: expected each name once, got twice: helmet$"),
    ("name: head", "name: 7", r"^labels\.1\.name: expected a valid string, got 7 \(put it in quotes\)$"),
    ("violation: true", "weight: 3", r"^labels\.1\.weight: expected no field of this name, got 3$"),
    ("height: 640", "height: 8", r"^input\.height: expected greater than or equal to 16, got 8$"),
    ("height: 640", "height: 640.5", r"^input\.height: expected a valid integer, got 640\.5$"),
    (", height: 640", "", r"^input: expected width and height, or long_side, got neither$"),
    ("height: 640", "height: 640, long_side: 640", r"^input: expected width and height, or long_side, got both$"),
    ("width: 640, height: 640", "long_side: 640, fit: stretch", r"^input: expected fit: letterbox .*got stretch$"),
    ("height: 640", "height: 640, colours: grey", r"^input\.colours: expected 'rgb' or 'bgr', got \"grey\"$"),
    ("input: {width: 640, height: 640}\n", "", r"^input: expected width and height, or long_side, got none$"),
    ("kind: yolov8", "kind: yolov99", r"^decode\.kind: expected one of .*'yolox'.*, got 'yolov99'$"),
    ("kind: yolov8", "type: yolov8", r"^decode\.kind: expected a kind, got none$"),
    ("kind: yolov8", "kind: yolox, in_pixels: 3", r"^decode\.in_pixels: expected a valid boolean, got 3$"),
    ("kind: yolov8", "kind: yunet", r"^labels: expected one with decode\.kind yunet, got 2$"),
    ("kind: yolov8", "kind: ssd, outputs: priors", r"^decode: expected priors exactly with outputs: priors, got"),
    (
        "kind: yolov8",
        "kind: ssd, outputs: priors, priors: {grids: [1, 2], sizes: [[0.1]]}",
        r"^decode\.priors: expected",
    ),
    ("path: best.onnx", "path: ../best.onnx", r"^files\.0\.path: expected a path inside .* got '\.\./best\.onnx'$"),
    ("path: best.onnx", "path: /etc/passwd", r"^files\.0\.path: expected a path inside"),
    ("path: best.onnx", "path: a/./b", r"^files\.0\.path: expected a path inside"),
    ("path: best.onnx", r"path: a\b", r"^files\.0\.path: expected a path inside"),
    (f', sha256: "{SUM}"', "", r"^files\.0: expected sha256 beside path, got only one of them$"),
    ("path: best.onnx, ", "", r"^files\.0: expected path, got nothing$"),
    (SUM, "abc", r"^files\.0\.sha256: expected .* got \"abc\"$"),
    ("decode:", "default: yes please\ndecode:", r"^default: expected a valid boolean, got \"yes please\"$"),
    ("decode:", "normalise: {std: [1, 0, 1]}\ndecode:", r"^normalise\.std: expected three numbers above 0, got"),
    ("decode:", "normalise: {mean: [0, 0]}\ndecode:", r"^normalise\.mean\.2: expected a value, got none$"),
    ("decode:", "normalise: {scale: .inf}\ndecode:", r"^normalise\.scale: expected a valid number, got \"\.inf\"$"),
    ("decode:", "thresholds: {score: 2}\ndecode:", r"^thresholds\.score: expected less than or equal to 1, got 2$"),
    ("decode:", "colour: red\ndecode:", r"^colour: expected no field of this name, got \"red\"$"),
]


@pytest.mark.parametrize(("old", "new", "expected"), BAD, ids=[new[:30] or f"no {old[:20]}" for old, new, _ in BAD])
def test_a_mistake_is_named_with_field_expected_and_got(old: str, new: str, expected: str) -> None:
    assert old in GOOD
    reason = problem_of(GOOD.replace(old, new, 1))
    assert re.search(expected, reason), reason


def test_several_mistakes_are_told_at_once() -> None:
    reason = problem_of(GOOD.replace("task: detect", "task: x").replace("path: best.onnx", "path: .."))
    assert "task: expected" in reason
    assert "files.0.path: expected" in reason


def test_too_many_labels_are_refused() -> None:
    labels = "".join(f"  - {{name: label {index}}}\n" for index in range(MAX_LABELS + 1))
    reason = problem_of(re.sub(r"labels:\n(  - .*\n)+", f"labels:\n{labels}", GOOD))
    assert re.search(rf"^labels: expected .*at most {MAX_LABELS}", reason)


BOMB = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (BOMB, "an alias or anchor in line 1"),
        ("a: b\nc: *a\n", "an alias or anchor in line 2"),
        ("a: {<<: *a}\n", "an alias or anchor in line 1"),
        ("name: !!python/object/apply:os.system [ls]\n", "a tag in line 1"),
        ("!!set {a, b}\n", "a tag in line 1"),
        ("name: !!binary YQ==\n", "a tag in line 1"),
        ("a: 1\nb: 2\na: 3\n", "'a' twice in line 3"),
        ("? [a]\n: b\n", "a key that is no word in line 1"),
        ("[" * 50_000, "more than 12 levels in line 1"),
        ("a:\n b:\n  c: {d: {e: {f: {g: {h: {i: {j: {k: {l: {m: 1}}}}}}}}}}", "more than 12 levels"),
        ("a: b: c", "mapping values are not allowed"),
        ("name: helmet\n---\nname: other\n", "expected a single document"),
        ('a: "\\UFFFFFFFF"', "expected plain YAML"),
        ("a: \x00", "special characters are not allowed"),
        ("", "expected fields such as `name: …`, got nothing"),
        ("just words", 'got "just words"'),
        ("- a\n", "got a list of 1"),
        ("x" * (document.MAX_BYTES + 1), f"at most {document.MAX_BYTES} bytes"),
        (b"name: \xff\xfe", "expected UTF-8, got something else at byte 6"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_what_is_no_plain_yaml_is_refused(text: str | bytes, expected: str) -> None:
    reason = problem_of(text)
    assert reason.startswith("model.yaml: ")
    assert expected in reason


def test_a_byte_order_mark_and_windows_lines_do_no_harm() -> None:
    assert read(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()).name == "helmet"


@pytest.mark.parametrize("word", ["9" * 5000, "0x1F", "1:30", "1_000", "2026-01-01", "010", "1e999", "nan"])
def test_words_that_look_like_odd_numbers_stay_words(word: str) -> None:
    reason = problem_of(GOOD.replace("height: 640", f"height: {word}"))
    assert reason.startswith("input.height: expected a valid integer"), reason


def test_the_reader_gives_what_yaml_gives() -> None:
    """Only plainer: on a manifest both agree."""
    assert read(GOOD) == Manifest.model_validate_json(json.dumps(yaml.safe_load(GOOD)))
