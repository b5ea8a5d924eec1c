"""Prints the table in frdm/signal/grain.py: correlation at distance 1 of high-passed white noise that was blurred by so many px. Seed 0."""

import cv2
import numpy as np

from frdm.signal.grain import high_pass

rng = np.random.default_rng(0)
for blur in (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.2):
    noise = rng.standard_normal((2048, 2048)).astype(np.float32)
    fine = high_pass(cv2.GaussianBlur(noise, (0, 0), blur) if blur > 0.2 else noise)
    print(blur, round(float((fine[:, 1:] * fine[:, :-1]).mean() / (fine**2).mean()), 3))
