"""Colours of kinds, sources and statuses are told apart, with normal sight and with each of the colour blindnesses."""

import itertools
import re
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from frdm.studio import colours
from frdm.studio.colours import KIND, LINE, SOURCE, STATUS, Colour
from frdm.studio.marking import RIM

APART = 0.11  # least distance in OKLab: some ten times what is just noticed
FAR = 0.25  # … of the three statuses
LEGIBLE = 4.5  # contrast of a status's line with the rim that it lies on. Source: WCAG 2.2 1.4.11 (3 : 1 is asked for)
# Source: Machado 2009 table 1, severity 1.0 (linear R G B)
SIGHTS = {
    "normal": np.eye(3),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]),
    "tritanopia": np.array([[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]),
}
# Source: Ottosson 2020, a perceptual colour space for image processing
TO_CONES = np.array(
    [[0.4122214708, 0.5363325363, 0.0514459929], [0.2119034982, 0.6806995451, 0.1073969566], [0.0883024619, 0.2817188376, 0.6299787005]]
)
TO_LAB = np.array(
    [[0.2104542553, 0.7936177850, -0.0040720468], [1.9779984951, -2.4285922050, 0.4505937099], [0.0259040371, 0.7827717662, -0.8086757660]]
)


def seen(colour: Colour, sight: NDArray[np.float64]) -> NDArray[np.float64]:
    """A colour as one sees it, in OKLab."""
    level = np.asarray(colour) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return np.asarray(TO_LAB @ np.cbrt(TO_CONES @ np.clip(sight @ light, 0, 1)))


@pytest.mark.parametrize("sight", SIGHTS)
@pytest.mark.parametrize(("table", "apart"), [(KIND, APART), (SOURCE, APART), (STATUS, FAR)], ids=["kinds", "sources", "statuses"])
def test_any_two_are_told_apart(table: dict[str, Colour], apart: float, sight: str) -> None:
    near = {
        (one, other): float(np.linalg.norm(seen(table[one], SIGHTS[sight]) - seen(table[other], SIGHTS[sight])))
        for one, other in itertools.combinations(table, 2)
    }
    assert min(near.values()) >= apart, min(near, key=lambda pair: near[pair])


def luminance(colour: Colour) -> float:
    """Relative luminance. Source: WCAG 2.2 relative luminance."""
    level = np.asarray(colour) / 255
    light = np.where(level <= 0.04045, level / 12.92, ((level + 0.055) / 1.055) ** 2.4)
    return float(light @ [0.2126, 0.7152, 0.0722])


@pytest.mark.parametrize("status", STATUS)
def test_a_statuss_line_stands_out_from_its_rim(status: str) -> None:
    assert (luminance(STATUS[status]) + 0.05) / (luminance(RIM) + 0.05) >= LEGIBLE


def test_no_two_statuses_have_the_same_line() -> None:
    assert len({LINE[status] for status in STATUS}) == len(STATUS)


@pytest.mark.parametrize("sight", SIGHTS)
def test_what_is_rejected_is_told_from_the_greys_beside_it(sight: str) -> None:
    """On picture, lists and timeline the other statuses are grey."""
    beside = [grey for name in ("legend.js", "timeline.js") for grey in re.findall(r"(?:accepted|held): \"(#[0-9a-f]{6})\"", page(name))]
    assert len(beside) == 4
    vermilion = seen(STATUS["rejected"], SIGHTS[sight])
    for grey in beside:
        level = int(grey[1:3], 16)
        assert np.linalg.norm(seen((level, level, level), SIGHTS[sight]) - vermilion) >= APART, grey


def page(name: str) -> str:
    """A file of the page."""
    return (Path(colours.__file__).parent / "page" / name).read_text(encoding="utf-8")
