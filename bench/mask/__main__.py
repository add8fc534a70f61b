"""`python -m bench.mask --data FOLDER`: our verdicts and AIZOO's on the same labelled pictures, as Markdown.

With `--source` all pictures of a source are measured, for weights that were trained without it (`--ours`).
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from bench.mask import aizoo, negatives, ours
from bench.mask.dataset import UNLABELLED, Entry, read
from bench.mask.figures import Figures, measure
from bench.mask.measure import Said, resamples
from bench.mask.table import as_json, as_markdown
from shared_kernel.errors import ArtifactError, XunshiError
from shared_kernel.vision.pictures import read_file

#: Boxes below add nothing to an average precision.
MIN_SCORE = 0.03


def main() -> None:
    try:
        _measure(_arguments())
    except (OSError, ValueError, XunshiError) as error:
        sys.exit(f"bench.mask: {error}")


def _measure(given: argparse.Namespace) -> None:
    systems = _systems(given)
    if given.negatives:
        print("\n".join(negatives.as_markdown(negatives.read(given.negatives, given.data), systems)))
        return
    split = given.split or (None if given.source else "val")
    entries = read(given.data, split=split, source=given.source, unlabelled=UNLABELLED if given.unlabelled else None)
    said = _ask(entries, systems)
    weights = resamples(len(entries), given.resamples)
    truths = [entry.truth for entry in entries]
    figures: dict[str, Figures] = {
        name: measure(truths, answers, weights, systems[name].default_score) for name, answers in said.items()
    }
    title = " and ".join(
        part for part in (f"source {given.source}" if given.source else "", f"split {split}" if split else "") if part
    )
    if given.json:
        given.json.write_text(json.dumps(as_json(figures, title, len(entries)), indent=1) + "\n", encoding="utf-8")
    print("\n".join(as_markdown(figures, title, len(entries))))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.mask", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with mask_det/labels.jsonl")
    parser.add_argument("--negatives", type=Path, metavar="LIST", help="bare faces that look masked, alone")
    parser.add_argument("--split", choices=["train", "val"], help="default: val, and both with --source")
    parser.add_argument("--source", help="only pictures of this source")
    parser.add_argument(
        "--unlabelled", action="store_true", help="do not count boxes where a third detector sees a face, too"
    )
    parser.add_argument("--ours", type=Path, metavar="FOLDER", help="weights of another training")
    parser.add_argument(
        "--aizoo", type=Path, metavar="FILE", help=f"the yardstick; default ${aizoo.VARIABLE}, else fetched"
    )
    parser.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--resamples", type=int, default=300, help="for the intervals; 0: none")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    return parser.parse_args()


def _systems(given: argparse.Namespace) -> dict[str, negatives.System]:
    model = ours.model(ours.sessions(given.ours, precision=given.precision, threads=given.threads), MIN_SCORE)
    systems = {"ours": negatives.System(lambda picture: ours.said(model.read([picture])[0]), ours.DEFAULT_SCORE)}
    try:
        yardstick = aizoo.Aizoo(aizoo.find(given.aizoo), precision=given.precision, threads=given.threads)
    except ArtifactError as error:
        if given.aizoo:
            raise
        print(f"without AIZOO: {error}", file=sys.stderr)
    else:
        systems["AIZOO"] = negatives.System(lambda picture: yardstick.read(picture, MIN_SCORE), aizoo.DEFAULT_SCORE)
    return systems


def _ask(entries: Sequence[Entry], systems: dict[str, negatives.System]) -> dict[str, list[Said]]:
    said: dict[str, list[Said]] = {name: [] for name in systems}
    for number, entry in enumerate(entries, 1):
        picture = read_file(entry.image)
        for name, system in systems.items():
            said[name].append(ours.clipped(system.read(picture), picture))
        if number % 100 == 0:
            print(f"{number} of {len(entries)} pictures", file=sys.stderr)
    return said


if __name__ == "__main__":
    main()
