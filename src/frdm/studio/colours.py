"""The studio's colours for kinds, statuses and sources, told to the page so that legend and pictures agree."""

from typing import Literal

from frdm.film import KINDS, Provenance

Colour = tuple[int, int, int]  # R G B
Line = Literal["whole", "dashed", "crossed"]

# Searched for the greatest least distance in OKLab over normal sight and the three colour blindnesses (Machado 2009): a test holds it.
KIND: dict[str, Colour] = {
    "dirt": (88, 203, 255),
    "hair": (211, 206, 0),
    "scratch": (212, 89, 150),
    "line": (253, 255, 151),
    "stain": (163, 2, 160),
    "burn": (193, 4, 30),
    "gate hair": (165, 150, 14),
    "spot": (106, 6, 254),
    "splice": (250, 147, 161),
    "tear": (51, 152, 243),
    "cue mark": (169, 249, 254),
}
STATUS: dict[str, Colour] = {"accepted": (80, 170, 255), "held": (255, 255, 255), "rejected": (225, 80, 30)}
LINE: dict[str, Line] = {"accepted": "whole", "held": "dashed", "rejected": "crossed"}  # … and how its box is drawn
SOURCE: dict[str, Colour] = {
    "one frame earlier": (118, 140, 255),
    "earlier": (134, 44, 189),
    "one frame later": (223, 92, 8),
    "later": (171, 46, 87),
    "the frame itself": (176, 176, 176),
    "generated": (73, 251, 8),
    "other": (243, 255, 241),
}
assert set(KIND) == set(KINDS), "every kind has a colour"


def source_of(provenance: Provenance, frame: int) -> str:
    """Where a repair's pixels came from, as a name of `SOURCE`: its main source decides."""
    if provenance.engine == "diffusion":
        return "generated"
    if provenance.engine in ("across", "surround"):
        return "the frame itself"
    if not provenance.sources or provenance.sources[0] == frame:
        return "other"
    away = provenance.sources[0] - frame
    if abs(away) == 1:
        return "one frame later" if away > 0 else "one frame earlier"
    return "later" if away > 0 else "earlier"


def hex_of(colour: Colour) -> str:
    """As a page writes it."""
    return f"#{colour[0]:02x}{colour[1]:02x}{colour[2]:02x}"
