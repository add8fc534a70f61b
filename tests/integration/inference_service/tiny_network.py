"""Networks of a few bytes, made on the spot, whose answers are known."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

#: Places of a YOLOv8 export for 640 x 640.
YOLO_PLACES = 8400


def yolo(box: tuple[float, float, float, float], *, side: int = 640, places: int = YOLO_PLACES) -> bytes:
    """Make a network of YOLOv8's shape with two labels: 1 x 3 x side x side in, 1 x 6 x places out.

    Its only box is `box` (centre x, centre y, width, height, pixels of the input). The first label's score is the mean
    of the input's first channel, the second label's that of the third.
    """
    constants: dict[str, NDArray[Any]] = {
        "box": np.array(box, np.float32).reshape(1, 4, 1),
        "nothing": np.zeros((1, 6, places - 1), np.float32),
        "flat": np.array([1, 3, 1], np.int64),
        "channels": np.array([0, 2], np.int64),
    }
    nodes = [
        helper.make_node("ReduceMean", ["images"], ["means"], axes=[2, 3], keepdims=1),
        helper.make_node("Reshape", ["means", "flat"], ["column"]),
        helper.make_node("Gather", ["column", "channels"], ["scores"], axis=1),
        helper.make_node("Concat", ["box", "scores"], ["place"], axis=1),
        helper.make_node("Concat", ["place", "nothing"], ["output0"], axis=2),
    ]
    return _whole(nodes, constants, [1, 3, side, side], "output0", [1, 6, places])


def classifier(labels: int, *, side: int = 32, batch: int | str = 1) -> bytes:
    """Make a classifier whose every label scores the mean of the input times its number.

    `batch` is a number, `any`, or `says any`: then it says so, and yet folds all pictures of a batch into one.
    """
    constants: dict[str, NDArray[Any]] = {
        "flat": np.array([-1 if batch == "any" else 1, 1], np.int64),
        "numbers": np.arange(labels, dtype=np.float32).reshape(1, labels),
    }
    nodes = [
        helper.make_node(
            "ReduceMean", ["images"], ["means"], axes=[0, 1, 2, 3] if batch == "says any" else [1, 2, 3], keepdims=1
        ),
        helper.make_node("Reshape", ["means", "flat"], ["mean"]),
        helper.make_node("Mul", ["mean", "numbers"], ["scores"]),
    ]
    return _whole(nodes, constants, [batch, 3, side, side], "scores", [batch, labels])


def _whole(
    nodes: list[onnx.NodeProto],
    constants: dict[str, NDArray[Any]],
    inputs: list[int | str],
    output: str,
    outputs: list[int | str],
) -> bytes:
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("images", TensorProto.FLOAT, inputs)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, outputs)],
        [numpy_helper.from_array(values, name) for name, values in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def write_pack(folder: Path, network: bytes, manifest: str, file: str = "best.onnx") -> Path:
    """Write a pack; `SUM` in the manifest becomes the network's sum."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / file).write_bytes(network)
    described = manifest.replace("SUM", hashlib.sha256(network).hexdigest())
    (folder / "model.yaml").write_text(described, encoding="utf-8")
    return folder
