"""All packs of this machine: those of the project and the operator's folder, looked at again while everything runs.

Put a folder there and its model is offered; take it away and it is gone; no restart. A folder that is only half copied
has a wrong sum and stays broken until the copying is done. A broken pack is listed with its reason and harms no other.

Which one is meant: a name alone means the newest version that is ready. A task alone means the model of the setting;
without one the operator's pack that says `default: true`, then the project's, then the only one there is. Of several
packs that would be right the first by name is taken, and the others say so.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Lock
from typing import Final

import numpy as np

from inference_service import weights
from inference_service.packs.card import Card, read_card, seal_of
from inference_service.packs.manifest import Task
from inference_service.packs.problem import BadPack, bad
from inference_service.ports import Model
from shared_kernel.errors import ArtifactError, NotFound
from shared_kernel.log import fields, get_logger

log = get_logger(__name__)

#: Makes a card's model ready to run. Raises BadPack, or ArtifactError for a file that can be fetched.
Opener = Callable[[Card], Model]

#: The folder is looked at again when somebody asks and the last look is older than this, seconds.
LOOK_EVERY_S: Final = 1.0

#: More folders than this are not looked at.
MAX_PACKS: Final = 200

#: Height and width of the picture with which a model is tried once it is loaded, pixels.
_TRIAL_PX: Final = (240, 320)


@dataclass(slots=True)
class _Place:
    """A loaded model, or the turn of whoever loads it."""

    turn: Lock = field(default_factory=Lock)
    model: Model | None = None


_Key = tuple[Path, tuple[object, ...]]


class Shelf:
    """The packs and their loaded models. Threads may share one.

    Args:
        own: the operator's folder with one folder a pack; None when there is none. It need not exist yet.
        weights_dir: where fetched networks lie.
        opener: makes models; None for a process that only lists them.
        defaults: name of the model that is meant by a task alone, from the settings.
        builtin: folder with the packs of the project.
        look_every_s: see `LOOK_EVERY_S`.
    """

    def __init__(
        self,
        own: Path | None,
        weights_dir: Path,
        opener: Opener | None = None,
        *,
        defaults: Mapping[Task, str] | None = None,
        builtin: Path = weights.PACKS,
        look_every_s: float = LOOK_EVERY_S,
    ) -> None:
        self._own = own
        self._builtin = builtin
        self._weights_dir = weights_dir
        self._opener = opener
        self._wanted = dict(defaults or {})
        self._look_every_s = look_every_s
        self._looking = Lock()
        self._looked_at = -float("inf")
        self._read: dict[Path, Card] = {}
        self._spoilt: dict[_Key, str] = {}
        self._cards: tuple[Card, ...] = ()
        self._places: dict[_Key, _Place] = {}
        self._guard = Lock()

    def cards(self) -> list[Card]:
        """Give every pack: usable ones by name, the newest version first, then those that are broken."""
        self._look()
        return list(self._cards)

    def find(self, name: str, version: str | None = None) -> Card:
        """Give the card of a model; without a version the newest that is ready, else one that lacks a file.

        Raises:
            NotFound: there is none; the text names those there are, or says why this one is broken.
        """
        self._look()
        named = [card for card in self._cards if card.name == name and version in (None, "", card.version)]
        for state in ("ready", "missing"):
            for card in named:
                if card.state == state:
                    return card
        if named:
            raise NotFound(f"model {name!r} is broken: {named[0].reason}", code="no_model")
        names = sorted({card.name for card in self._cards if card.state == "ready"})
        asked = f"model {name!r}" + (f", version {version}" if version else "")
        raise NotFound(f"{asked}: expected one of {', '.join(names) or '(none is ready)'}", code="no_model")

    def default(self, task: Task) -> Card:
        """Give the card of the model that is meant when only a task was said; see the module for the rule.

        Raises:
            NotFound: no model has this task, or several have and none is the default.
        """
        self._look()
        if task in self._wanted:
            return self.find(self._wanted[task])
        for card in self._cards:
            if card.task == task and card.default:
                return card
        names = sorted({card.name for card in self._cards if card.task == task and card.state == "ready"})
        if not names:
            lacking = [card for card in self._cards if card.task == task]
            for card in lacking:
                if card.state == "missing":
                    return card
            reasons = "".join(f"; {card.name}: {card.reason}" for card in lacking)
            raise NotFound(f"task {task}: expected a model for it, got none{reasons}", code="no_model")
        raise NotFound(f"task {task}: expected one default, got {', '.join(names)} and none chosen", code="no_model")

    def open(self, name: str, version: str | None = None) -> Model:
        """Give a model ready to run: loaded and tried once at first, kept until its pack changes or goes.

        Raises:
            NotFound: there is no such model.
            ArtifactError: a file of it is missing, or it cannot be loaded; BadPack says which field is wrong.
        """
        card = self.find(name, version)
        if card.state == "missing":
            raise ArtifactError(f"model {card.name}: {card.reason}")
        key = card.folder, card.seal
        with self._guard:
            place = self._places.setdefault(key, _Place())
        with place.turn:
            if place.model is None:
                place.model = self._load(card, key)
            return place.model

    def refresh(self) -> None:
        """Look at the folders again now; what did not change is neither read nor loaded anew."""
        with self._looking:
            self._refresh()

    def _look(self) -> None:
        """Refresh if it is time; whoever comes while another looks goes on with what was there before."""
        if time.monotonic() - self._looked_at < self._look_every_s:
            return
        first = self._looked_at < 0
        if self._looking.acquire(blocking=first):
            try:
                if time.monotonic() - self._looked_at >= self._look_every_s:
                    self._refresh()
            finally:
                self._looking.release()

    def _refresh(self) -> None:
        found: dict[Path, Card] = {}
        for folder, builtin in [
            *((folder, True) for folder in _folders(self._builtin)),
            *((folder, False) for folder in _folders(self._own)),
        ]:
            known = self._read.get(folder)
            if known is not None and seal_of(tuple(path for path, _ in known.seal)) == known.seal:
                found[folder] = known
                continue
            found[folder] = card = read_card(folder, self._weights_dir, builtin=builtin)
            log.info("pack read", extra=fields(pack=card.name, version=card.version, state=card.state))
        for folder in self._read.keys() - found.keys():
            log.info("pack gone", extra=fields(pack=self._read[folder].name))
        self._read = found
        self._arrange()
        self._looked_at = time.monotonic()

    def _arrange(self) -> None:
        with self._guard:
            keys = {(card.folder, card.seal) for card in self._read.values()}
            self._places = {key: place for key, place in self._places.items() if key in keys}
            self._spoilt = {key: reason for key, reason in self._spoilt.items() if key in keys}
            spoilt = dict(self._spoilt)
            cards = [
                replace(card, state="broken", reason=spoilt[card.folder, card.seal])
                if (card.folder, card.seal) in spoilt
                else card
                for card in self._read.values()
            ]
            self._cards = tuple(_with_defaults(_ordered(_without_doubles(cards)), self._wanted))

    def _load(self, card: Card, key: _Key) -> Model:
        if self._opener is None:
            raise bad(card.name, "pack", "expected a process that runs models, got one that only lists them")
        try:
            model = self._opener(card)
            trial(card, model)
        except BadPack as error:
            log.warning("pack spoilt", extra=fields(pack=card.name, version=card.version, reason=error.reason))
            with self._guard:
                self._spoilt[key] = error.reason
            self._arrange()
            raise
        return model


def trial(card: Card, model: Model) -> None:
    """Have a model that was just loaded read one grey picture.

    Raises:
        BadPack: its outputs do not fit the manifest, or its files changed since the card was read.
    """
    try:
        model.read([np.full((*_TRIAL_PX, 3), 127, np.uint8)])
    except ValueError as error:
        raise bad(card.name, "decode", str(error)) from error
    if seal_of(tuple(path for path, _ in card.seal)) != card.seal:
        raise bad(card.name, "files", "expected the same files to the end, got others while they were loaded")


def _folders(place: Path | None) -> list[Path]:
    if place is None:
        return []
    try:
        names = sorted(path for path in place.iterdir() if not path.name.startswith(".") and path.is_dir())
    except OSError:
        return []
    return names[:MAX_PACKS]


def _without_doubles(cards: Sequence[Card]) -> Iterable[Card]:
    """The project's come first, then the operator's by folder; who comes later with a name and version is broken."""
    seen: dict[tuple[str, tuple[int, ...]], Card] = {}
    for card in cards:
        if card.manifest is None or card.state == "broken":
            yield card
            continue
        first = seen.setdefault((card.name, card.manifest.number), card)
        if first is card:
            yield card
        else:
            where = "the project" if first.builtin else f"folder {first.folder.name}"
            reason = f"version: expected another than {card.version}, which {where} has already; raise it"
            yield replace(card, state="broken", reason=reason)


def _ordered(cards: Iterable[Card]) -> list[Card]:
    def rank(card: Card) -> tuple[bool, str, tuple[int, ...], Path]:
        number = card.manifest.number if card.manifest else ()
        return card.state == "broken", card.name, tuple(-part for part in number), card.folder

    return sorted(cards, key=rank)


def _with_defaults(cards: Sequence[Card], wanted: Mapping[Task, str]) -> list[Card]:
    newest: dict[str, Card] = {}
    for card in cards:
        if card.manifest is not None and card.state == "ready":
            newest.setdefault(card.name, card)
    chosen: dict[Task, Card] = {}
    for task in {card.task for card in newest.values() if card.task is not None}:
        fitting = [card for card in newest.values() if card.task == task]
        candidates = (
            [card for card in fitting if card.name == wanted.get(task)]
            or [card for card in fitting if _claims(card) and not card.builtin]
            or [card for card in fitting if _claims(card)]
            or (fitting if len(fitting) == 1 else [])
        )
        if candidates:
            chosen[task] = candidates[0]
    marked = []
    for card in cards:
        taken = chosen.get(card.task) if card.task is not None else None
        if taken is card:
            marked.append(replace(card, default=True))
        elif taken is not None and newest.get(card.name) is card and _claims(card) and not card.builtin:
            reason = (
                f"default: expected one default for {card.task}, got {taken.name} and {card.name}; {taken.name} is it"
            )
            marked.append(replace(card, reason=reason))
        else:
            marked.append(card)
    return marked


def _claims(card: Card) -> bool:
    return card.manifest is not None and card.manifest.default
