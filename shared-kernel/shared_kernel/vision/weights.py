"""Where our own networks lie: the repository keeps them, an installed package holds them."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]

#: In an installed package our weights lie inside it, in the source tree beside it.
KEPT: Final = (_PACKAGE if (_PACKAGE / "weights").is_dir() else _PACKAGE.parent) / "weights"

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
