"""What looks like damage and belongs to the film: cue marks, splices, flash frames. Known by shape and place, kept as the recipe says."""

import dataclasses
from collections.abc import Sequence

import cv2
import numpy as np

from frdm.defects.area import PictureArea
from frdm.film import Box, Defect, Real, ScanInfo
from frdm.recipe import Detection

CUE_CORNER = (0.22, 0.82)  # its centre lies above this share of the picture's height and right of this share of its width
CUE_SIZE = (0.025, 0.16)  # its height as a share of the picture's
CUE_SHAPE = (0.35, 1.6)  # its width ÷ height as projected: scope prints squeeze it
CUE_ROUND = (0.82, 1.12)  # its filled area as a share of the ellipse in its box: a square has 1.27, a diamond 0.64
CUE_LASTS = (3, 12)  # frames: four on film, more in video of a higher rate

SPLICE_WIDTH = 0.7  # least share of the picture's width
SPLICE_HEIGHT = 0.12  # greatest share of its height
SPLICE_PLACE = 0.06  # greatest distance from the frame line, as a share of its height
SPLICE_FULL = 0.5  # least share of its box that is marked

FLASH_LIFT = 0.06  # brightness above the neighbours'
FLASH_SHARE = 0.85  # of the places that could become brighter
FLASH_BLOCKS = 24  # columns and rows of places
FLASH_FULL = 0.95  # brightness that can't rise further


def is_cue_mark(defect: Defect, info: ScanInfo, *, area: PictureArea | None = None, lasting: int | None = None) -> bool:
    """Whether a defect is a projectionist's cue: round or oval, in the picture's upper right corner.

    `lasting` is how many frames it stands, where that is known. When it comes is not asked: eight seconds and one second before a reel's
    end may be anywhere in a scan that holds many reels or a part of one.
    """
    if lasting is not None and not CUE_LASTS[0] <= lasting <= CUE_LASTS[1]:
        return False
    box, picture = defect.box, _picture(info, area)
    height, width = box.bottom - box.top, box.right - box.left
    down = ((box.top + box.bottom) / 2 - picture.top) / (picture.bottom - picture.top)
    across = ((box.left + box.right) / 2 - picture.left) / (picture.right - picture.left)
    if not (0 <= down <= CUE_CORNER[0] and CUE_CORNER[1] <= across <= 1):
        return False
    if not CUE_SIZE[0] <= height / (picture.bottom - picture.top) <= CUE_SIZE[1]:
        return False
    shape = width * float(info.pixel_aspect) / height
    roundness = _filled_area(defect) / (np.pi / 4 * height * width)
    return CUE_SHAPE[0] <= shape <= CUE_SHAPE[1] and CUE_ROUND[0] <= float(roundness) <= CUE_ROUND[1]


def is_splice(defect: Defect, info: ScanInfo, *, area: PictureArea | None = None) -> bool:
    """Whether a defect is the trace of a splice: a low band across most of the picture, at its upper or lower frame line."""
    box, picture = defect.box, _picture(info, area)
    high, wide = picture.bottom - picture.top, picture.right - picture.left
    at_line = min(abs(box.top - picture.top), abs(picture.bottom - box.bottom)) <= SPLICE_PLACE * high
    band = box.bottom - box.top <= SPLICE_HEIGHT * high and box.right - box.left >= SPLICE_WIDTH * wide
    return at_line and band and float(defect.mask.mean()) >= SPLICE_FULL


def is_flash(centre: Real, neighbours: Sequence[Real]) -> bool:
    """Whether a frame is a flash frame: nearly everywhere brighter than the middle of its neighbours (lumas of one shape).

    Dirt, a burn or a lamp in the scene brighten a part of the frame; places that are white already tell nothing.
    """
    if not neighbours:
        return False
    before = np.median(np.stack([_places(n) for n in neighbours]), axis=0)
    telling = before < FLASH_FULL - FLASH_LIFT
    if telling.mean() < 0.1:
        return False
    return float((_places(centre) - before >= FLASH_LIFT)[telling].mean()) >= FLASH_SHARE


def recognised(defect: Defect, info: ScanInfo, *, area: PictureArea | None = None, lasting: int | None = None) -> Defect:
    """The defect, its kind changed to cue mark or splice if that is what it is."""
    if is_cue_mark(defect, info, area=area, lasting=lasting):
        return dataclasses.replace(defect, kind="cue mark")
    return dataclasses.replace(defect, kind="splice") if is_splice(defect, info, area=area) else defect


def kept(defect: Defect, detection: Detection) -> str | None:
    """Why a defect is left alone by the recipe, as a person reads it; None: it is not."""
    return f"a {defect.kind}, which the recipe keeps" if defect.kind in detection.keep else None


def keeps_flash(detection: Detection, centre: Real, neighbours: Sequence[Real]) -> str | None:
    """Why a whole frame is left alone: it is a flash frame and the recipe keeps those; None: it is not."""
    keeps = detection.flash_frames == "keep" and is_flash(centre, neighbours)
    return "a flash frame, which the recipe keeps" if keeps else None


def _picture(info: ScanInfo, area: PictureArea | None) -> Box:
    return area.box if area is not None else Box(0, 0, 0, info.height, info.width)


def _filled_area(defect: Defect) -> float:
    """Pixels of the defect with its holes: a scratched-in cue is a ring."""
    contours, _ = cv2.findContours(defect.mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    filled = cv2.drawContours(np.zeros(defect.mask.shape, np.uint8), contours, -1, 1, cv2.FILLED)
    return float(filled.sum())


def _places(luma: Real) -> Real:
    return np.asarray(cv2.resize(luma, (FLASH_BLOCKS, FLASH_BLOCKS), interpolation=cv2.INTER_AREA))
