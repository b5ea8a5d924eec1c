"""Smoothing over many pixels at the cost of a few."""

import cv2
import numpy as np

from frdm.film import Real

FINE = 3.0  # px of blur that is worked out pixel by pixel; wider ones on a reduced picture


def wide_blur(picture: Real, sigma: float) -> Real:
    """A Gaussian of `sigma` px over a picture (H, W), borders mirrored; from 2 × `FINE` px on it is made on a reduced picture."""
    factor = int(sigma / FINE)
    if factor < 2 or min(picture.shape) < 4 * factor:
        return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma))
    height, width = picture.shape
    small = cv2.resize(picture, (-(-width // factor), -(-height // factor)), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(cv2.GaussianBlur(small, (0, 0), sigma / factor), (width, height), interpolation=cv2.INTER_LINEAR))
