"""How much colour film shows."""

import cv2
import numpy as np

from frdm.film import Codes


def colourfulness(codes: Codes) -> float:
    """The mean distance between channels where it is greatest: over blocks of the frames, 0 … 1."""
    if codes.shape[-1] == 1:
        return 0.0
    top = float(np.iinfo(codes.dtype).max)
    worst = 0.0
    for picture in codes.reshape(-1, *codes.shape[-3:])[:: max(1, len(codes) // 6)]:
        small = cv2.resize(picture.astype(np.float32) / top, (32, 24), interpolation=cv2.INTER_AREA)
        worst = max(worst, float(np.ptp(small, axis=2).max()))
    return worst
