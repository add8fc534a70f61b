"""Makes `inference_service/fonts/label-sans.ttf`, the font of annotated pictures, from WenQuanYi Micro Hei.

Labels are whatever an operator calls things, so every character of GB 2312 stays (6,763 hanzi and the symbols), with
ASCII and Latin-1. The same source and the same fontTools give the same bytes:

    apt-get download fonts-wqy-microhei && dpkg-deb -x fonts-wqy-microhei_*.deb tree
    pip install fonttools==4.68.0
    python inference-service/fonts/make.py tree/usr/share/fonts/truetype/wqy/wqy-microhei.ttc
"""

import hashlib
import sys
from pathlib import Path
from typing import Final

from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTCollection

#: The collection of Debian's fonts-wqy-microhei 0.2.0-beta-3.1.
SOURCE_SHA256: Final = "2420e8078af796b19a3f6ef13de527a1a91c1e7171eea115926c614ced1009b3"

#: The proportional face; the second of the collection has Latin letters of one width.
FACE: Final = 0

TARGET: Final = Path(__file__).resolve().parents[1] / "inference_service" / "fonts" / "label-sans.ttf"


def characters() -> set[int]:
    """Give the code points that labels may use."""
    wanted = {*range(0x20, 0x7F), *range(0xA0, 0x100), 0x2026}
    for row in range(0xA1, 0xF8):
        for cell in range(0xA1, 0xFF):
            try:
                wanted.add(ord(bytes([row, cell]).decode("gb2312")))
            except UnicodeDecodeError:  # a cell without a character
                continue
    return wanted


def main(source: Path) -> None:
    """Write the font.

    Raises:
        ValueError: the source is another file, or lacks a character.
    """
    found = hashlib.sha256(source.read_bytes()).hexdigest()
    if found != SOURCE_SHA256:
        raise ValueError(f"{source}: expected sha256 {SOURCE_SHA256}, got {found}")
    font = TTCollection(str(source)).fonts[FACE]
    # hints, glyph names and layout tables serve print; a label is one line of upright text
    options = Options(hinting=False, layout_features=[], glyph_names=False, notdef_outline=True, recalc_timestamp=False)
    options.drop_tables += ["FFTM", "GlyphOrder", "GPOS", "GSUB", "GDEF", "vhea", "vmtx"]
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=characters())
    subsetter.subset(font)
    missing = characters() - set(font.getBestCmap())
    if missing:
        raise ValueError(f"{source}: lacks {len(missing)} characters")
    font.recalcTimestamp = False
    font.save(str(TARGET))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
