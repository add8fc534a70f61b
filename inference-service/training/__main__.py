"""The command that makes our networks: `python -m training all`, or one step of it.

scenes      gather pictures and their faces
faces       fit the face detector, from YuNet's weights              then  export-faces
prepare     cut crops with the exported detector    states  fit the mask state network on them
evaluate    measure it on the crops kept back                        then  export-states
unlabelled  list the faces that nobody labelled, for the bench (no part of `all`)
"""

import argparse
import logging
import subprocess
import sys
from pathlib import Path

from shared_kernel import artifacts
from shared_kernel.vision import weights
from shared_kernel.vision.models.align import CROP_PX
from training.export import export

ROOT = Path(__file__).resolve().parents[2]
STEPS = ("scenes", "faces", "export-faces", "prepare", "states", "evaluate", "export-states")

log = logging.getLogger(__name__)


def main() -> None:
    """Read the command line and do the steps asked for."""
    options = _options()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    if options.step == "all":
        for step in STEPS:
            # A process each: training forks readers, and that must not happen where OpenVINO has started threads.
            words = [step if word == "all" else word for word in sys.argv[1:]]
            subprocess.run([sys.executable, "-m", "training", *words], check=True)
    elif options.step == "prepare":
        from training.states.prepare import prepare

        prepare(options.data, _folder(options) / weights.FACE_DETECTOR_OPENVINO.name, _crops_path(options))
    elif options.step == "unlabelled":
        from training.faces.unlabelled import write

        write(options.data, _centerface(options), options.out or ROOT / "bench/mask/unlabelled.jsonl")
    elif options.step in {"scenes", "faces", "export-faces"}:
        _faces(options.step, options)
    else:
        _states(options.step, options)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m training", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("step", choices=[*STEPS, "all", "unlabelled"])
    parser.add_argument(
        "--data", type=Path, default=ROOT / "data" / "training", help="folder with mask_det, mask_cls, lfw_dev"
    )
    parser.add_argument("--yunet", type=Path, default=ROOT / ".cache/weights/face_detection_yunet_2023mar.onnx")
    parser.add_argument("--others", type=Path, help="folder of JPEG pictures with few people or none, for `scenes`")
    parser.add_argument("--cache", type=Path, default=ROOT / ".cache/training", help="where crops and checkpoints lie")
    parser.add_argument("--out", type=Path, help="folder for the weights; those of the project when not given")
    parser.add_argument("--epochs", type=int, help="of the step; as in its plan when not given")
    parser.add_argument("--threads", type=int, default=1, help="one is faster on a busy machine")
    parser.add_argument("--without-source", help="leave this source out of training")
    return parser.parse_args()


def _faces(step: str, options: argparse.Namespace) -> None:
    from shared_kernel.vision.sessions.face_network import FaceNetwork
    from training.faces import learn
    from training.faces.network import blended
    from training.faces.scenes import gather, read
    from training.faces.teachers import Teachers

    plan = learn.Plan(
        epochs=options.epochs or learn.Plan.epochs, threads=options.threads, without_source=options.without_source
    )
    checkpoint = options.cache / f"faces_{_name(options)}.pt"
    scenes = options.cache / "scenes.json"
    if step == "scenes":
        gather(options.data, options.others, Teachers(options.yunet, _centerface(options)), scenes)
    elif step == "faces":
        learn.learn(read(scenes, options.data), options.yunet, plan, checkpoint)
    else:
        kept = blended(learn.load_checkpoint(checkpoint), options.yunet)
        export(kept, FaceNetwork(), (3, -1, -1), _folder(options))


def _states(step: str, options: argparse.Namespace) -> None:
    from shared_kernel.vision.sessions.mask_state_network import MaskStateNetwork
    from training.states import train
    from training.states.crops import Crops
    from training.states.evaluate import evaluate
    from training.states.network import folded

    plan = train.Plan(
        epochs=options.epochs or train.Plan.epochs,
        threads=options.threads,
        without_source=options.without_source,
    )
    checkpoint = options.cache / f"states_{_name(options)}.pt"
    folder = _out(options) / weights.MASK_STATE_OPENVINO.parent.name
    if step == "states":
        train.train(Crops.load(_crops_path(options)), plan, checkpoint)
    elif step == "evaluate":
        evaluate(Crops.load(_crops_path(options)), train.load_checkpoint(checkpoint), plan, folder)
    else:
        export(folded(train.load_checkpoint(checkpoint)), MaskStateNetwork(), (3, CROP_PX, CROP_PX), folder)


def _centerface(options: argparse.Namespace) -> Path:
    [artifact] = artifacts.load(Path(__file__).with_name("teachers.toml"))
    return artifacts.fetch(artifact, options.yunet.parent)


def _name(options: argparse.Namespace) -> str:
    return f"without_{options.without_source}" if options.without_source else "all"


def _out(options: argparse.Namespace) -> Path:
    usual = options.cache / _name(options) if options.without_source else ROOT / "shared-kernel" / "weights"
    return Path(options.out or usual)


def _folder(options: argparse.Namespace) -> Path:
    return _out(options) / weights.FACE_DETECTOR_OPENVINO.parent.name


def _crops_path(options: argparse.Namespace) -> Path:
    """One set of crops serves every training: a source that is left out is left out of these."""
    return Path(options.cache / "crops.npz")


if __name__ == "__main__":
    main()
