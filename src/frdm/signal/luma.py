"""Luma: how red, green and blue add up to brightness."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from frdm.film import Real, frozen

RED, GREEN, BLUE = 0.2126, 0.7152, 0.0722  # Source: BT.709
LUMA: Real = frozen(np.array([RED, GREEN, BLUE], np.float32))
"""The weights of R, G, B: `picture @ LUMA`."""

MATRICES: Mapping[str, tuple[float, float]] = MappingProxyType({"bt601": (0.299, 0.114), "bt709": (RED, BLUE), "bt2020": (0.2627, 0.0593)})
"""The weights of red and blue in the luma of Y Cb Cr film, by `Encoding.matrix`; green has the rest."""

LIMITED_CHROMA = 224 / 219
"""The range of colour differences' codes by luma's, where black is not 0. Source: BT.709"""
