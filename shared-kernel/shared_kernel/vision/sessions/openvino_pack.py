"""The OpenVINO runtime for networks of strangers: any ONNX, OpenVINO or Paddle file, as it is.

Our own networks run in `openvino`, which knows their shapes and compiles some of them anew. Here nothing is known: the
input's type and order are the file's, further inputs are fed with what the pack's kind says.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, Literal

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino.frontend import (
    FrontEndManager,
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
)

from shared_kernel.vision.sessions.openvino import NOT_PINNED

Format = Literal["onnx", "openvino", "paddle"]

#: What OpenVINO is seen to raise on files that it cannot read; most of these are no RuntimeError.
_FAILURES: Final = (
    RuntimeError,
    MemoryError,
    GeneralFailure,
    InitializationFailure,
    NotImplementedFailure,
    OpConversionFailure,
    OpValidationFailure,
)


class OpenVinoPackSession:
    """One foreign network on the CPU, computing in float32. Safe for one thread at a time."""

    def __init__(
        self,
        path: Path,
        kind: Format,
        threads: int = 1,
        further: Mapping[str, NDArray[np.float32]] | None = None,
        shape: Sequence[int] | None = None,
    ) -> None:
        """Load and compile.

        Args:
            path: an ONNX file, the .xml of an OpenVINO network or the .pdmodel of a Paddle network.
            kind: which of these.
            threads: CPU threads for one run.
            further: what other inputs than the picture are fed with, by name.
            shape: of the input for the picture, -1 for sides that change; None leaves it as the file has it.

        Raises:
            ValueError: the file is no network that OpenVINO can run, or has inputs of which nothing is known.
        """
        options = {
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            **NOT_PINNED,
        }
        further = further or {}
        self._name = path.name
        try:
            core = openvino.Core()
            network = _read(core, path, kind)
            names = [one.get_names() for one in network.inputs]
            self._picture = self._only(index for index, found in enumerate(names) if not found & further.keys())
            if shape is not None:
                network.reshape({self._picture: list(shape)})
            compiled = core.compile_model(network, "CPU", options)
            self._request = compiled.create_infer_request()
        except _FAILURES as error:
            raise ValueError(f"{path.name}: expected a network that OpenVINO runs, got: {_short(error)}") from error
        self._feeds = {index: further[name] for index, found in enumerate(names) for name in found if name in further}
        picture = compiled.inputs[self._picture]
        self._type = picture.get_element_type().to_dtype()
        self._shape = str(picture.get_partial_shape())

    def _only(self, indices: Iterable[int]) -> int:
        found = list(indices)
        if len(found) != 1:
            raise ValueError(f"{self._name}: expected one input for the picture, got {len(found)}")
        return found[0]

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run once; see `vision.ports.Session`. Whole-number inputs are rounded, outputs become float32."""
        values = inputs.astype(self._type) if self._type.kind == "f" else self._rounded(inputs)
        try:
            self._request.infer({**self._feeds, self._picture: values})
        except _FAILURES as error:
            shape = list(inputs.shape)
            raise ValueError(
                f"input: expected {self._shape}, as {self._name} says, got {shape}: {_short(error)}"
            ) from error
        return tuple(tensor.data.astype(np.float32) for tensor in self._request.output_tensors)

    def _rounded(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.generic]:
        kind = np.iinfo(self._type)
        return np.clip(np.rint(inputs), kind.min, kind.max).astype(self._type)


def _read(core: openvino.Core, path: Path, kind: Format) -> openvino.Model:
    """Read with the one reader that is meant; left alone, OpenVINO tries each it has on a file that it cannot read."""
    if kind == "openvino":
        return core.read_model(path)
    front = FrontEndManager().load_by_framework(kind)
    return front.convert(front.load(str(path)))


def _short(error: Exception) -> str:
    """OpenVINO's errors name its source files first; the last line says what is wrong."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]
