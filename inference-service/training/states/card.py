"""Writes the figures of `evaluate` into the model card, between its two marks."""

from pathlib import Path
from typing import Any

from shared_kernel.vision.rules import MASK_STATES

_BEGIN, _END = "<!-- figures -->\n", "<!-- /figures -->"

#: Words for the groups whose names are made from numbers.
_WORDS = {"0 to 20 px": "under 20 px", "80 to 100000 px": "80 px and more"}


def write_figures(card: Path, figures: dict[str, dict[str, Any]]) -> None:
    """Replace what stands between the marks.

    Raises:
        ValueError: the card has no marks.
    """
    text = card.read_text()
    before, begin, rest = text.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise ValueError(f"{card}: expected the marks {_BEGIN.strip()} and {_END}, got none")
    card.write_text(before + begin + "\n".join([*_shares(figures), "", *_confusion(figures)]) + "\n" + end + after)


def _shares(figures: dict[str, dict[str, Any]]) -> list[str]:
    rows = ["| faces | number | two | three |", "|---|---|---|---|"]
    for name, row in figures.items():
        two, three = (f"{100 * row[key]:.1f} %" for key in ("right_of_two", "right_of_three"))
        rows.append(f"| {_WORDS.get(name, name)} | {row['faces']} | {two} | {three} |")
    return rows


def _confusion(figures: dict[str, dict[str, Any]]) -> list[str]:
    names = [f"`{state.value}`" for state in MASK_STATES]
    head = [
        "24 px and more, labelled (rows) and said (columns):",
        "",
        f"| | {' | '.join(names)} |",
        "|---|---|---|---|",
    ]
    counts = figures["24 px and more"]["confusion"]
    return head + [f"| {name} | {' | '.join(map(str, row))} |" for name, row in zip(names, counts, strict=True)]
