"""What is said to people at the terminal: Chinese where the environment's language is Chinese, else English."""

from __future__ import annotations

import os

_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")


def chinese() -> bool:
    """The first variable that is set decides, as for every other program."""
    return next((value for name in _VARIABLES if (value := os.environ.get(name))), "").startswith("zh")


def choose(english: str, chinese_text: str) -> str:
    """The text in the reader's language."""
    return chinese_text if chinese() else english
