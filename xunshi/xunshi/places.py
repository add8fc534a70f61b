"""Where things lie in a checkout. The one-machine stack runs from the repository, so paths start at its root."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / ".cache"
WEIGHTS = CACHE / "weights"
WEIGHTS_LIST = ROOT / "inference-service" / "weights.toml"
FACE_WEIGHTS_LIST = ROOT / "face-search" / "weights.toml"
SAMPLES = CACHE / "samples"
SAMPLES_LIST = Path(__file__).with_name("samples.toml")
#: Composed clips; cameras may read files here.
DEMO_CLIPS = CACHE / "demo"
DASHBOARD = ROOT / "dashboard" / "dist"
GATEWAY_TEMPLATE = ROOT / "deploy" / "nginx" / "xunshi.conf.template"
DEFAULT_DATA = Path("data")
DEFAULT_PORT = 8080
