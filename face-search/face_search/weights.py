"""Where the networks of face search are listed; `xunshi models fetch` brings them into the weights folder."""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parent

#: In an installed package the list lies inside it, in the source tree beside it.
WEIGHTS_LIST: Final = (_PACKAGE if (_PACKAGE / "weights.toml").is_file() else _PACKAGE.parent) / "weights.toml"

#: File names in the weights folder, as the list has them.
SFACE: Final = "face_recognition_sface_2021dec.onnx"
FACE_LANDMARKS: Final = "face_detection_yunet_2023mar.onnx"
