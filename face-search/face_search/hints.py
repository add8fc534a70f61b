"""What to do about a face that cannot be enrolled, in the words of people who take pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Literal

from face_search.ports import QualityReason

Language = Literal["zh-CN", "en"]

HINTS: Final[Mapping[QualityReason, Mapping[Language, str]]] = {
    QualityReason.TOO_SMALL: {
        "zh-CN": "人脸太小：请靠近拍摄，或使用更清晰的原图（脸宽至少 40 像素）。",
        "en": "The face is too small: go nearer, or use the original picture (the face at least 40 pixels wide).",
    },
    QualityReason.BLURRED: {
        "zh-CN": "照片模糊：请对准人脸对焦，拍摄时保持稳定。",
        "en": "The face is blurred: focus on it and hold still.",
    },
    QualityReason.TURNED: {
        "zh-CN": "没有正对镜头：请正视镜头，不要低头或侧脸。",
        "en": "The face is turned away: look straight into the camera.",
    },
    QualityReason.DARK: {
        "zh-CN": "光线太暗：请面向光源拍摄。",
        "en": "The face is too dark: turn it towards the light.",
    },
    QualityReason.BRIGHT: {
        "zh-CN": "光线过亮：请避开强光直射后重拍。",
        "en": "The face is too bright: keep out of glaring light.",
    },
    QualityReason.COVERED: {
        "zh-CN": "口鼻被遮挡：请摘下口罩，露出整张脸。",
        "en": "Mouth or nose is covered: take the mask off and show the whole face.",
    },
    QualityReason.SEVERAL_FACES: {
        "zh-CN": "照片中有多张人脸：请只拍一个人，或裁剪后再上传。",
        "en": "There are several faces: use a picture of one person only, or cut it out.",
    },
    QualityReason.NO_FACE: {
        "zh-CN": "没有找到人脸：请上传正面、清晰、光线充足的照片。",
        "en": "No face was found: use a sharp, bright picture that shows it from the front.",
    },
}
_UNSPECIFIC: Final[Mapping[Language, str]] = {
    "zh-CN": "照片质量不足：请换一张正面、清晰、光线充足的照片。",
    "en": "The picture is not good enough: use a sharp, bright one that shows the face from the front.",
}


def hint(reasons: Sequence[QualityReason], language: Language) -> str:
    """Say what to do, the worst first."""
    return " ".join(HINTS[one][language] for one in reasons) or _UNSPECIFIC[language]
