"""The studio's colours for kinds, statuses and sources, told to the page so that legend and pictures agree."""

from frdm.film import KINDS, Provenance

Colour = tuple[int, int, int]  # R G B

KIND: dict[str, Colour] = {
    "dirt": (86, 180, 233),
    "hair": (0, 200, 150),
    "scratch": (230, 159, 0),
    "line": (240, 228, 66),
    "stain": (204, 121, 167),
    "burn": (213, 94, 0),
    "gate hair": (120, 200, 60),
    "spot": (150, 130, 255),
    "splice": (255, 120, 120),
    "tear": (255, 80, 160),
    "cue mark": (200, 200, 200),
}
STATUS: dict[str, Colour] = {"accepted": (80, 220, 100), "rejected": (230, 80, 80), "held": (255, 190, 40)}
SOURCE: dict[str, Colour] = {
    "one frame earlier": (74, 163, 255),
    "earlier": (36, 86, 200),
    "one frame later": (255, 176, 46),
    "later": (217, 98, 43),
    "the frame itself": (176, 176, 176),
    "generated": (255, 62, 165),
    "other": (192, 123, 255),
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
