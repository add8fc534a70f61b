"""Pictures and clips for the development mock (`npm run mock`), cut from clips of your own. Not shipped, not committed.

    python dev/make_media.py --clip a.mp4 --clip b.mp4 [--truth clip.mp4 truth.jsonl]

Each clip becomes `media/cam-N.mp4` (fragmented, one fragment a frame, no B-frames). A truth file (one JSON object a
line: first_frame, last_frame, boxes of {xyxy, label} in pixels) gives `media/pass-N-face.jpg`, `-scene.jpg` and
`media/passes.json`. Needs av and opencv.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import av
import cv2

MEDIA = Path(__file__).parent / "media"
SECONDS = 20


def write_clip(source: str, target: Path) -> None:
    """Transcode the beginning of a clip to what stream-service sends."""
    options = {"movflags": "empty_moov+default_base_moof+frag_every_frame+omit_tfhd_offset+skip_trailer"}
    with av.open(source) as reader, av.open(str(target), "w", format="mp4", options=options) as writer:
        video = reader.streams.video[0]
        rate = video.average_rate
        out = writer.add_stream("libx264", rate=rate, options={"tune": "zerolatency", "g": str(int(rate)), "bf": "0"})
        width = min(960, video.width) // 2 * 2
        out.width, out.height = width, round(video.height * width / video.width) // 2 * 2
        out.pix_fmt = "yuv420p"
        for number, frame in enumerate(reader.decode(video)):
            if number >= rate * SECONDS:
                break
            frame.pts, frame.time_base = number, 1 / rate
            for packet in out.encode(frame):
                writer.mux(packet)
        for packet in out.encode():
            writer.mux(packet)


def write_passes(source: str, truth: str) -> None:
    """Cut faces and scenes where the truth file says."""
    entries = [json.loads(line) for line in Path(truth).read_text().splitlines()]
    middle = {(entry["first_frame"] + entry["last_frame"]) // 2: entry for entry in entries}
    passes = []
    with av.open(source) as reader:
        for number, frame in enumerate(reader.decode(video=0)):
            entry = middle.get(number)
            if entry is None:
                continue
            image = frame.to_ndarray(format="bgr24")
            height, width = image.shape[:2]
            large = [box for box in entry["boxes"] if box["xyxy"][2] - box["xyxy"][0] >= 34]
            for box in large[:3]:
                x0, y0, x1, y1 = box["xyxy"]
                side, cx, cy = max(x1 - x0, y1 - y0) * 1.5, (x0 + x1) / 2, (y0 + y1) / 2
                left, top = max(0, int(cx - side / 2)), max(0, int(cy - side / 2))
                crop = image[top : int(cy + side / 2), left : int(cx + side / 2)]
                name = f"pass-{len(passes)}"
                cv2.imwrite(str(MEDIA / f"{name}-face.jpg"), crop)
                cv2.imwrite(str(MEDIA / f"{name}-scene.jpg"), image)
                corners = {"x0": x0 / width, "y0": y0 / height, "x1": x1 / width, "y1": y1 / height}
                passes.append({"name": name, "state": box["label"], "box": corners})
    (MEDIA / "passes.json").write_text(json.dumps(passes))


def write_still(clip: Path) -> None:
    with av.open(str(clip)) as reader:
        frame = next(reader.decode(video=0))
        cv2.imwrite(str(clip.with_suffix(".jpg")), frame.to_ndarray(format="bgr24"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clip", action="append", default=[])
    parser.add_argument("--truth", nargs=2, metavar=("CLIP", "JSONL"))
    arguments = parser.parse_args()
    MEDIA.mkdir(exist_ok=True)
    for number, clip in enumerate(arguments.clip):
        target = MEDIA / f"cam-{number}.mp4"
        write_clip(clip, target)
        write_still(target)
    if arguments.truth:
        write_passes(*arguments.truth)


if __name__ == "__main__":
    main()
