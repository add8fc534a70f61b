"""Where the networks that are fetched are listed, and the project's packs. Ours: `shared_kernel.vision.weights`."""

from pathlib import Path
from typing import Final

from shared_kernel.artifacts import Artifact, load
from shared_kernel.errors import ArtifactError

_PACKAGE: Final = Path(__file__).resolve().parent

#: In an installed package the list and the packs lie inside it, in the source tree beside it.
_ROOT: Final = _PACKAGE if (_PACKAGE / "weights.toml").is_file() else _PACKAGE.parent

#: The list of the networks that are fetched.
WEIGHTS_LIST: Final = _ROOT / "weights.toml"

#: The packs that come with the project.
PACKS: Final = _ROOT / ("packs" if _ROOT != _PACKAGE else "builtin_packs")


def entry(name: str) -> Artifact:
    """Give an entry of weights.toml.

    Raises:
        ArtifactError: there is none of this name.
    """
    for artifact in load(WEIGHTS_LIST):
        if artifact.name == name:
            return artifact
    raise ArtifactError(f"{WEIGHTS_LIST}: expected an entry named {name}, got none")
