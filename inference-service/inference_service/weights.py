"""Where the networks lie: the fetched ones in the weights folder, our own beside this package."""

from pathlib import Path
from typing import Final

from shared_kernel.artifacts import Artifact, load, verify
from shared_kernel.errors import ArtifactError

_PACKAGE: Final = Path(__file__).resolve().parent

#: In an installed package our weights lie inside it, in the source tree beside it.
_ROOT: Final = _PACKAGE if (_PACKAGE / "weights").is_dir() else _PACKAGE.parent

#: The list of the networks that are fetched.
WEIGHTS_LIST: Final = _ROOT / "weights.toml"

#: The packs that come with the project, and the folder with what the repository itself keeps of them.
PACKS: Final = _ROOT / ("packs" if _ROOT != _PACKAGE else "builtin_packs")
KEPT: Final = _ROOT / "weights"

#: Our own network, for OpenVINO (with a .bin beside it) and for torch.
MASK_STATE_OPENVINO: Final = _ROOT / "weights" / "mask_state" / "mask_state.xml"
MASK_STATE_TORCH: Final = _ROOT / "weights" / "mask_state" / "mask_state.safetensors"


def face_detector(weights_dir: Path) -> Path:
    """Give the detector's file in the weights folder.

    Raises:
        ArtifactError: it is missing or its sum is wrong; the text says how to get it.
    """
    artifact = entry("face_detector")
    problems = verify([artifact], weights_dir)
    if problems:
        raise ArtifactError(f"{problems[0].path}: {problems[0].detail}; `xunshi models fetch` obtains it")
    return weights_dir / artifact.file


def missing(weights_dir: Path) -> str | None:
    """Say in words which network is missing, None when all are there."""
    try:
        face_detector(weights_dir)
    except ArtifactError as error:
        return str(error)
    gone = [path.name for path in (MASK_STATE_OPENVINO, MASK_STATE_TORCH) if not path.is_file()]
    return f"{', '.join(gone)}: not in {MASK_STATE_OPENVINO.parent}" if gone else None


def entry(name: str) -> Artifact:
    """Give an entry of weights.toml.

    Raises:
        ArtifactError: there is none of this name.
    """
    for artifact in load(WEIGHTS_LIST):
        if artifact.name == name:
            return artifact
    raise ArtifactError(f"{WEIGHTS_LIST}: expected an entry named {name}, got none")
