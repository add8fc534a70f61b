"""A pack as it stands on the shelf: what its manifest says, where it lies, whether it can be used and why not."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from inference_service.packs import content, document
from inference_service.packs.content import Kind, Stamp, StoredFile
from inference_service.packs.manifest import Label, Manifest, Task
from inference_service.packs.problem import BadPack, bad

#: `missing`: a file that can be fetched is not there, or not right. `broken`: somebody has to repair the pack.
State = Literal["ready", "missing", "broken"]


@dataclass(frozen=True, slots=True)
class Card:
    """One pack.

    Attributes:
        name: of the model; of a pack without a readable manifest the name of its folder.
        folder: where model.yaml lies.
        builtin: whether it comes with the project.
        state: see `State`.
        reason: why it is not ready, or what is odd; empty when all is well.
        manifest: what model.yaml says; None when that could not be read.
        default: whether it answers for its task when nobody names a model.
        network: the file with the network and its kind; None for models made of several.
        seal: what its files looked like when it was read.
    """

    name: str
    folder: Path
    builtin: bool
    state: State
    reason: str = ""
    manifest: Manifest | None = None
    default: bool = False
    network: tuple[Path, Kind] | None = None
    seal: tuple[tuple[Path, Stamp], ...] = ()

    @property
    def version(self) -> str:
        """Its version; empty when the manifest could not be read."""
        return self.manifest.version if self.manifest else ""

    @property
    def task(self) -> Task | None:
        """What it does with a picture; None when the manifest could not be read."""
        return self.manifest.task if self.manifest else None

    @property
    def labels(self) -> tuple[Label, ...]:
        """What it can say, with words and colours."""
        return self.manifest.labels if self.manifest else ()

    @property
    def min_score(self) -> float:
        """Least score of what it reports, 0..1."""
        return self.manifest.min_score if self.manifest else 0.0

    @property
    def zh(self) -> str:
        """Its title in Chinese."""
        return self.manifest.title.zh if self.manifest else self.name

    @property
    def en(self) -> str:
        """Its title in English."""
        return self.manifest.title.en if self.manifest else self.name


def seal_of(paths: tuple[Path, ...]) -> tuple[tuple[Path, Stamp], ...]:
    """Look at files from outside; two looks that differ mean that something was changed between them."""
    return tuple((path, content.stamp(path)) for path in paths)


def read_card(folder: Path, weights_dir: Path, *, builtin: bool = False) -> Card:
    """Read the pack in a folder: its manifest, its files, their sums. Never raises for what is in the folder.

    Args:
        folder: with model.yaml in it.
        weights_dir: where fetched networks lie.
        builtin: whether the pack comes with the project.
    """
    described = folder / document.FILE_NAME
    name = folder.name
    # Looked at before it is read: what changes meanwhile shows at the next look.
    paths: tuple[Path, ...] = (described,)
    seal = seal_of(paths)
    manifest = None
    files: list[StoredFile] = []
    try:
        manifest = document.read(name, _bytes_of(name, described))
        name = manifest.name
        files = content.located(name, folder, manifest, weights_dir, builtin=builtin)
        seal = (*seal, *seal_of(tuple(file.path for file in files)))
        for file in files:
            content.check_place(name, folder, file, builtin=builtin)
            content.check_sum(name, file)
        network = None
        if manifest.decode.kind != "mask":
            main, kind = content.network(name, files)
            network = main.path, kind
        elif not builtin:
            raise bad(name, "decode.kind", "expected a kind for one network, got mask, which is the project's own")
    except BadPack as error:
        fetchable = {file.field for file in files if file.remedy}
        state: State = "missing" if all(problem.field in fetchable for problem in error.problems) else "broken"
        return Card(name, folder, builtin, state, error.reason, manifest, seal=seal)
    return Card(name, folder, builtin, "ready", "", manifest, network=network, seal=seal)


def _bytes_of(pack: str, path: Path) -> bytes:
    try:
        if not path.is_file():
            raise bad(pack, document.FILE_NAME, "expected a file of this name, got none")
        with path.open("rb") as opened:
            return opened.read(document.MAX_BYTES + 1)
    except OSError as error:
        raise bad(pack, document.FILE_NAME, f"expected a readable file, got: {error}") from error
