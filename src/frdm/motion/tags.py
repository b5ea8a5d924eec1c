"""What can be measured of a shot without any model: colour, motion, brightness, grain; and a plain caption made of it."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from frdm.film import Codes, Real
from frdm.motion.flow import displacement
from frdm.signal.colour import colourfulness
from frdm.signal.grain import high_pass, measure_grain
from frdm.signal.luma import LUMA

LOOKS = 6  # frames, or pairs of frames, that are measured
WIDE = 240  # px of the pictures on which motion is measured
WORDS: Mapping[str, tuple[tuple[float, str], ...]] = {  # up to which value each word holds
    "motion": ((0.0008, "still"), (0.006, "slow"), (0.02, "moderate"), (np.inf, "fast")),  # of the picture's width, a frame
    "brightness": ((0.22, "dark"), (0.6, "middling"), (np.inf, "bright")),  # mean level
    "grain": ((0.004, "none seen"), (0.012, "fine"), (0.025, "visible"), (np.inf, "heavy")),  # deviation, of the range
}


def measured_tags(codes: Codes, *, gauge: str = "unknown") -> dict[str, Any]:
    """Words and figures for frames (T, H, W, C) of one shot: `colour` (mono, toned, colour), `motion`, `camera` (steady, moving),
    `brightness`, `grain`, `gauge` (as given: it can't be seen) and `figures` of the range 0 … 1.
    """
    colour, tint = _colour(codes)
    whole, own = _motion([_luma(codes[i]) for i in _looked_at(len(codes))], codes)
    pictures = [_luma(codes[i]) for i in _looked_at(len(codes))]
    bright = float(np.mean([picture.mean() for picture in pictures]))
    contrast = float(np.mean([picture.std() for picture in pictures]))
    grain = float(np.median([_grain(picture) for picture in pictures]))
    figures = {"camera": whole, "motion": max(whole, own), "brightness": bright, "contrast": contrast, "grain": grain, "tint": tint}
    words = {name: _word(name, figures[name]) for name in WORDS}
    camera = "moving" if whole > WORDS["motion"][0][0] * 2 else "steady"
    return {
        "colour": colour,
        "camera": camera,
        **words,
        "gauge": gauge,
        "figures": {name: round(value, 5) for name, value in figures.items()},
    }


def plain_caption(tags: Mapping[str, Any]) -> str:
    """A caption of measured words alone, for shots that no one described."""
    colour = {"mono": "black and white", "toned": "toned", "colour": "colour"}[tags["colour"]]
    gauge = "" if tags["gauge"] == "unknown" else f" on {tags['gauge']}"
    return f"{colour} film{gauge}, {tags['brightness']} light, {tags['motion']} motion, {tags['camera']} camera, grain: {tags['grain']}"


def _word(name: str, value: float) -> str:
    return next(word for limit, word in WORDS[name] if value <= limit)


def _looked_at(count: int) -> list[int]:
    wanted = min(LOOKS, count)
    return [round((place + 0.5) * count / wanted - 0.5) for place in range(wanted)]


def _luma(picture: Codes) -> Real:
    """The picture's luma, 0 … 1."""
    top = np.float32(np.iinfo(picture.dtype).max)
    if picture.shape[-1] == 1:
        return np.asarray(picture[..., 0] / top, np.float32)
    return np.asarray(picture @ LUMA / top, np.float32)


def _colour(codes: Codes) -> tuple[str, float]:
    """mono, toned (one hue over all tones) or colour; and how far the channels lie apart, 0 … 1."""
    spread = colourfulness(codes)
    if spread <= 0.02:
        return "mono", spread
    top = float(np.iinfo(codes.dtype).max)
    looked = [codes[i].astype(np.float32) / top for i in _looked_at(len(codes))]
    small = np.concatenate([cv2.resize(picture, (32, 24), interpolation=cv2.INTER_AREA) for picture in looked])
    chroma = (small - small.mean(2, keepdims=True)).reshape(-1, 3)
    level = small.mean(2).ravel()
    by_tone = np.polyfit(level, chroma, 2)  # a toned print's colour is a function of its tone
    left = chroma - np.stack([np.polyval(by_tone[:, c], level) for c in range(3)], 1)
    return ("toned" if float(np.quantile(np.abs(left).max(1), 0.995)) < 0.03 else "colour"), spread


def _motion(pictures: list[Real], codes: Codes) -> tuple[float, float]:
    """(the whole picture's, its liveliest tenth's own) motion a frame, as shares of the width."""
    if len(codes) < 2:
        return 0.0, 0.0
    height, width = pictures[0].shape
    size = (min(WIDE, width), max(24, round(min(WIDE, width) * height / width)))
    whole, own = [], []
    for i in _looked_at(len(codes) - 1):
        pair = [cv2.resize(_luma(codes[j]), size, interpolation=cv2.INTER_AREA) for j in (i, i + 1)]
        one, other = (np.asarray(cv2.GaussianBlur(np.rint(np.clip(p, 0, 1) * 255), (0, 0), 1), np.uint8) for p in pair)
        moved = displacement(one, other)
        middle = np.median(moved.reshape(2, -1), axis=1)
        whole.append(float(np.hypot(*middle)) / size[0])
        rest = np.hypot(moved[0] - middle[0], moved[1] - middle[1])
        own.append(float(np.quantile(rest, 0.9)) / size[0])
    return float(np.median(whole)), float(np.median(own))


def _grain(luma: Real) -> float:
    """Deviation of the grain, of the range; flat places of compressed film hold none."""
    return float(np.mean(measure_grain(luma).strength)) if high_pass(luma).any() else 0.0
