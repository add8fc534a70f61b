"""Where the networks lie: the fetched ones in the weights folder, our own beside this package."""

from pathlib import Path
from typing import Final

from shared_kernel.artifacts import Artifact, load
from shared_kernel.errors import ArtifactError

_PACKAGE: Final = Path(__file__).resolve().parent

#: In an installed package our weights lie inside it, in the source tree beside it.
_ROOT: Final = _PACKAGE if (_PACKAGE / "weights").is_dir() else _PACKAGE.parent

#: The list of the networks that are fetched.
WEIGHTS_LIST: Final = _ROOT / "weights.toml"

#: The packs that come with the project, and the folder with what the repository itself keeps of them.
PACKS: Final = _ROOT / ("packs" if _ROOT != _PACKAGE else "builtin_packs")
KEPT: Final = _ROOT / "weights"

#: Our own networks, for OpenVINO (with a .bin beside it) and for torch.
FACE_DETECTOR_OPENVINO: Final = KEPT / "face_detector" / "face_detector.xml"
FACE_DETECTOR_TORCH: Final = KEPT / "face_detector" / "face_detector.safetensors"
MASK_STATE_OPENVINO: Final = KEPT / "mask_state" / "mask_state.xml"
MASK_STATE_TORCH: Final = KEPT / "mask_state" / "mask_state.safetensors"
MASK_STATE_FINE_OPENVINO: Final = KEPT / "mask_state_fine" / "mask_state_fine.xml"
MASK_STATE_FINE_TORCH: Final = KEPT / "mask_state_fine" / "mask_state_fine.safetensors"


def missing() -> str | None:
    """Say in words which of our own networks is missing, None when all are there."""
    files = (
        FACE_DETECTOR_OPENVINO,
        FACE_DETECTOR_TORCH,
        MASK_STATE_OPENVINO,
        MASK_STATE_TORCH,
        MASK_STATE_FINE_OPENVINO,
        MASK_STATE_FINE_TORCH,
    )
    gone = [path.name for path in files if not path.is_file()]
    return f"{', '.join(gone)}: not in {KEPT}" if gone else None


def entry(name: str) -> Artifact:
    """Give an entry of weights.toml.

    Raises:
        ArtifactError: there is none of this name.
    """
    for artifact in load(WEIGHTS_LIST):
        if artifact.name == name:
            return artifact
    raise ArtifactError(f"{WEIGHTS_LIST}: expected an entry named {name}, got none")
