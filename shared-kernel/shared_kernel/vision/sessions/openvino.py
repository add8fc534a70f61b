"""The OpenVINO runtime: our networks on the CPU."""

from collections import Counter, OrderedDict
from pathlib import Path
from typing import Literal

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import Layout, Type
from openvino.preprocess import PrePostProcessor

#: Colours of a picture; all our networks read these.
CHANNELS = 3

#: A shape that was asked for this often gets a network compiled for it alone (about 0.12 s, then 15 % faster).
USES_BEFORE_FIXED = 16

#: OpenVINO would tie the caller to the first CPU for the time of a run, in every process alike: two networks, or two
#: workers, would share one CPU while the others rest (measured: half the answers of two threads on two CPUs).
NOT_PINNED = {"ENABLE_CPU_PINNING": False}


class OpenVinoSession:
    """One network on the CPU, computing in float32 unless told otherwise, so that it agrees with the other runtimes.

    Safe for one thread at a time. Any batch size and, where the network allows it, any picture size. Pixels are taken
    as bytes, in the order in which pictures lie in memory, so that nobody copies them into planes of floats first.
    """

    def __init__(
        self,
        path: Path,
        threads: int = 1,
        fixed_shapes: int = 0,
        precision: Literal["f32", "bf16"] = "f32",
        mode: Literal["latency", "throughput"] = "latency",
        *,
        kept_operations: int | None = None,
    ) -> None:
        """Load and compile.

        Args:
            path: an ONNX file, or the .xml of an OpenVINO network with its .bin beside it.
            threads: CPU threads for one run.
            fixed_shapes: how many shapes of input may get a network of their own; the one not used for longest goes
                first. Worth it for a network whose inputs come in few shapes.
            precision: of the computation; bf16 is faster on processors that have it and changes answers a little.
            mode: what OpenVINO is told to tune for, one answer soon or many answers.
            kept_operations: how many operations OpenVINO keeps prepared for shapes that it has met, those used last;
                None: its own 5,000, which is hundreds of MiB once hundreds of shapes were met.
        """
        core = openvino.Core()
        self._options = {
            "INFERENCE_PRECISION_HINT": precision,
            "PERFORMANCE_HINT": mode.upper(),
            "INFERENCE_NUM_THREADS": threads,
            **NOT_PINNED,
        }
        if kept_operations is not None:
            self._options["CPU_RUNTIME_CACHE_CAPACITY"] = str(kept_operations)
        self._core = core
        self._path = path
        self._fixed_shapes = fixed_shapes
        self._any_shape = self._compile(None)
        self._fixed: OrderedDict[tuple[int, ...], openvino.InferRequest] = OrderedDict()
        self._uses: Counter[tuple[int, ...]] = Counter()

    def run(self, inputs: NDArray[np.float32] | NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
        """Run once; see `shared_kernel.vision.ports.Session`.

        Args:
            inputs: N x 3 x H x W uint8; a view of N x H x W x 3 is taken without a copy.
        """
        if inputs.dtype != np.uint8 or inputs.ndim != 4 or inputs.shape[1] != CHANNELS:  # noqa: PLR2004 - N C H W
            raise ValueError(
                f"inputs of {self._path.name}: expected N x {CHANNELS} x H x W uint8, "
                f"got shape {inputs.shape} {inputs.dtype}"
            )
        pixels = np.ascontiguousarray(inputs.transpose(0, 2, 3, 1))
        request = self._request_for(pixels.shape)
        try:
            request.infer([pixels])
        except RuntimeError as error:
            raise ValueError(f"inputs of {self._path.name}: shape {inputs.shape} does not fit: {error}") from error
        return tuple(tensor.data.copy() for tensor in request.output_tensors)

    def _request_for(self, shape: tuple[int, ...]) -> openvino.InferRequest:
        if shape in self._fixed:
            self._fixed.move_to_end(shape)
            return self._fixed[shape]
        if self._fixed_shapes == 0:
            return self._any_shape
        self._uses[shape] += 1
        if self._uses[shape] < USES_BEFORE_FIXED:
            return self._any_shape
        self._fixed[shape] = self._compile(shape)
        if len(self._fixed) > self._fixed_shapes:
            dropped, _ = self._fixed.popitem(last=False)
            del self._uses[dropped]
        return self._fixed[shape]

    def _compile(self, shape: tuple[int, ...] | None) -> openvino.InferRequest:
        prepared = PrePostProcessor(self._core.read_model(self._path))
        prepared.input().tensor().set_element_type(Type.u8).set_layout(Layout("NHWC"))
        prepared.input().model().set_layout(Layout("NCHW"))
        network = prepared.build()
        network.reshape(shape or (-1, -1, -1, CHANNELS))
        return self._core.compile_model(network, "CPU", self._options).create_infer_request()


def constants(path: Path) -> list[NDArray[np.float32]]:
    """Give the weights of a network, every tensor of floats once, in the order in which the computation meets them.

    This is how a network that is published as an ONNX file comes into torch, which reads none: its layers are written
    down in code and take their weights from here.
    """
    operations = openvino.Core().read_model(path).get_ordered_ops()
    met = {
        node.get_name(): node
        for operation in operations
        for node in (one.get_source_output().get_node() for one in operation.inputs())
        if node.get_type_name() == "Constant" and node.get_element_type() == Type.f32
    }
    return [np.array(node.data, dtype=np.float32) for node in met.values()]
