"""The command that makes the mask state network: `python -m training all`, or one step of it."""

import argparse
import logging
from pathlib import Path

from training.crops import Crops
from training.prepare import prepare
from training.train import Plan, train

ROOT = Path(__file__).resolve().parents[2]


def main() -> None:
    """Read the command line and do the steps asked for."""
    parser = argparse.ArgumentParser(prog="python -m training", description=__doc__)
    parser.add_argument("step", choices=["prepare", "train", "evaluate", "export", "all"])
    parser.add_argument(
        "--data", type=Path, default=ROOT / "data" / "training", help="folder with mask_det, mask_cls, lfw_dev"
    )
    parser.add_argument("--detector", type=Path, default=ROOT / ".cache/weights/face_detection_yunet_2023mar.onnx")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/training", help="where crops and checkpoints lie")
    parser.add_argument("--out", type=Path, default=ROOT / "inference-service/weights/mask_state")
    parser.add_argument("--epochs", type=int, default=Plan.epochs)
    parser.add_argument("--threads", type=int, default=Plan.threads, help="one is faster on a busy machine")
    parser.add_argument("--without-source", help="leave this source out of training and measure on it")
    options = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    steps = ["prepare", "train", "evaluate", "export"] if options.step == "all" else [options.step]
    crops_path = options.cache / "crops.npz"
    name = f"without_{options.without_source}" if options.without_source else "all_sources"
    checkpoint = options.cache / f"{name}.pt"
    plan = Plan(epochs=options.epochs, threads=options.threads, without_source=options.without_source)
    for step in steps:
        if step == "prepare":
            prepare(options.data, options.detector, crops_path)
        elif step == "train":
            train(Crops.load(crops_path), plan, checkpoint)
        elif step == "evaluate":
            from training.evaluate import evaluate

            evaluate(Crops.load(crops_path), checkpoint, plan, options.out / "figures.json")
        else:
            from training.export import export

            export(checkpoint, options.out)


if __name__ == "__main__":
    main()
