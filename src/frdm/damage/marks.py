"""What falls on one frame alone: how many pieces of each kind, how large, how dense; each as a mark, ready to be painted.

The numbers of pieces go up and down from frame to frame, and their places gather, as in the outlines of real defects.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from frdm.damage import dirt, hair, scratch, stain
from frdm.damage.look import ReelLook
from frdm.damage.painting import Mark, cut_layers, refracted, stopped
from frdm.damage.shapes import random_of, softened
from frdm.damage.statistics import enlargement, places, speck, strand
from frdm.damage.templates import TemplatePack
from frdm.film import Kind, Real

STREAM = 12  # of the seed's random numbers
LEAST = 8.0  # px: large pieces are never smaller, however small the picture is
PRINTED = 1.4  # density that dirt on the negative takes from the print, per density of its own: the print's contrast


@dataclass(frozen=True, slots=True)
class Brush:
    """What draws one frame's pieces: the reel's look, whether the film has colour, and a template pack with its share of pieces."""

    look: ReelLook
    colour: bool
    pack: TemplatePack | None = None
    share: float = 0.0


Drawer = Callable[[np.random.Generator, Brush], tuple[Kind, Real]]  # density around (0, 0)


def falling(brush: Brush, seed: int, frame: int, *, size: tuple[int, int]) -> list[Mark]:
    """All that lies on frame `frame` alone, of `size` (height, width)."""
    random = random_of(seed, STREAM, frame)
    look = brush.look
    burst = float(np.exp(random.normal(0, 1) * look.burst - look.burst**2 / 2))
    counts = {name: int(random.poisson(look.rates[name] * burst)) for name in DRAWERS}
    margin = 12 * look.unit
    room = (round(size[0] + 2 * margin), round(size[1] + 2 * margin))
    where = places(sum(counts.values()), room, random, variance=look.clustering, reach=33.5 * look.unit) if any(counts.values()) else ()
    wanted = [name for name, count in counts.items() for _ in range(count)]
    found = []
    for name, (row, column) in zip(wanted, random.permutation(where) if len(wanted) else (), strict=True):
        kind, density = DRAWERS[name](random, brush)
        top, left = (round(float(at) - margin - side / 2) for at, side in zip((row, column), density.shape[:2], strict=True))
        found.append(Mark(kind, density, top, left))
    return found


def _dense(random: np.random.Generator, look: ReelLook, faint: float = 1.0) -> float:
    """Density of one piece of dirt."""
    dense = look.contrast * faint * float(np.exp(random.normal(0, look.contrast_spread)))
    return 2.5 if random.random() < look.opaque else dense


def _thin(dense: float) -> float:
    """How much of a piece's unevenness shows, 0 … 1: light changes little with thickness where hardly any passes."""
    return float(2.3 * dense * 10**-dense / max(1 - 10**-dense, 1e-6))


def _weighed(random: np.random.Generator, look: ReelLook, cover: Real, dense: float) -> Real:
    """Density of a piece of dirt with this cover: dark on the film's own, bright where it lay on the negative."""
    if dense < 0.6 and random.random() < 0.5:  # what is faint is often thin at its rim, or out of focus
        cover = cover**2 if random.random() < 0.5 else softened(cover, (1 - dense) * 2 * look.softness)
    return stopped(cover, dense) * np.float32(1 if random.random() < look.dark else -PRINTED)


def _tinted(brush: Brush, density: Real, tint: tuple[float, float, float]) -> Real:
    return density[..., None] * np.array(tint, np.float32) if brush.colour else density


def _from_pack(random: np.random.Generator, brush: Brush, name: str, size: float) -> Real | None:
    """A template's cover for a piece, or None where it is to be drawn."""
    if brush.pack is None or random.random() >= brush.share:
        return None
    return brush.pack.cover(name, random, size=size, softness=brush.look.softness)


def _dust(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    one = speck(random, gauge=brush.look.gauge)
    size, dense = _root_area(one.size) * brush.look.size, _dense(random, brush.look)
    cover = _from_pack(random, brush, "dust", size)
    if cover is None:
        cover = dirt.dust(random, size, brush.look.softness, aspect=one.aspect, thin=_thin(dense))
    return "dirt", _tinted(brush, _weighed(random, brush.look, cover, dense), brush.look.tint)


def _clump(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    size = _root_area(speck(random, gauge=brush.look.gauge, label="dirt").size) * brush.look.size * float(random.uniform(1.2, 4))
    dense = _dense(random, brush.look, 1.3)
    cover = _from_pack(random, brush, "clumps", size)
    if cover is None:
        cover = dirt.clump(random, size, brush.look.softness, thin=_thin(dense))
    return "dirt", _tinted(brush, _weighed(random, brush.look, cover, dense), brush.look.tint)


def _sparkle(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    cover = dirt.sparkle(random, float(random.uniform(0.8, 1.9)) * brush.look.unit, 0.75 * brush.look.softness)
    return "dirt", stopped(cover, float(random.uniform(0.4, 2.0))) * np.float32(-PRINTED)


def _hair(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    return _thread(random, brush, "hairs", hair.hair, reach=(0.6, 1.7))


def _lint(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    return _thread(random, brush, "lint", hair.lint, reach=(0.4, 1.1))


def _fibre(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    return _thread(random, brush, "fibres", hair.fibre, reach=(1.5, 4.0))


def _thread(
    random: np.random.Generator, brush: Brush, name: str, draw: Callable[..., Real], *, reach: tuple[float, float]
) -> tuple[Kind, Real]:
    one, look = strand("hair", random, gauge=brush.look.gauge), brush.look
    length = min(max(one.length * look.size * float(random.uniform(*reach)), 3 * look.unit), 300 * look.unit)
    width = max(one.width * look.unit * float(np.exp(random.uniform(-0.7, 0.5))) * enlargement(look.gauge) ** -0.5, 0.4)
    cover = _from_pack(random, brush, name, float(np.sqrt(length * width)))
    if cover is None:
        cover = draw(random, length, width=width, softness=look.softness)
    return "hair", _tinted(brush, _weighed(random, look, cover, _dense(random, look)), look.tint)


def _short(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    one, look = strand("scratch", random, gauge="35 mm still"), brush.look
    length = min(max(one.length * look.unit, 6 * look.unit), 250 * look.unit)
    width = max(one.width * 0.8 * look.unit, 0.4)
    depth = _from_pack(random, brush, "short", float(np.sqrt(length * width)))
    if depth is None:
        depth = scratch.short_scratch(random, length, width=width, softness=0.8 * look.softness)
    return "scratch", _cut(random, brush, depth)


def _dig(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    size = float(np.exp(random.normal(1.3, 0.6))) * brush.look.unit
    depth = _from_pack(random, brush, "digs", size)
    if depth is None:
        depth = scratch.dig(random, size, softness=0.8 * brush.look.softness)
    reach = np.float32(random.uniform(0.35, 1.0))
    return "scratch", cut_layers(depth * reach, brush.look.stock) if brush.colour else depth * np.float32(
        2.5 * brush.look.stock.cut
    ) * reach


def _cut(random: np.random.Generator, brush: Brush, depth: Real) -> Real:
    """Density of a scratch: into the emulsion, which it takes away, or into the base, which bends light."""
    look = brush.look
    strength = look.scratch * float(np.exp(random.normal(0.2, 0.5)))
    if random.random() < look.emulsion:
        reach = np.float32(min(strength, 1.0))
        return cut_layers(depth * reach, look.stock) if brush.colour else depth * np.float32(1.5 * strength * look.stock.cut)
    upright = depth.shape[0] >= depth.shape[1]
    groove = refracted(
        depth if upright else depth.T, strength=strength, lean=float(random.uniform(0, 1)), core=float(random.uniform(0.3, 1))
    )
    signed = groove * np.float32(1 if random.random() < look.dark else -1)
    return signed if upright else np.ascontiguousarray(signed.T)


def _water(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    look = brush.look
    size = max(float(np.exp(random.normal(3.7, 0.6))) * look.unit, LEAST)
    cover = _from_pack(random, brush, "water", size)
    if cover is None:
        cover = stain.water(random, min(size, max(220 * look.unit, LEAST)), look.softness)
    density = cover * np.float32(random.uniform(0.06, 0.4) * (1 if random.random() < look.dark else -1))
    return "stain", _tinted(brush, density, look.stain)


def _fingerprint(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    look = brush.look
    cover = stain.fingerprint(random, max(float(random.uniform(110, 260)) * look.unit, LEAST), look.softness)
    return "stain", _tinted(brush, cover * np.float32(random.uniform(0.05, 0.22) * random.choice([1, -1])), look.stain)


def _burn(random: np.random.Generator, brush: Brush) -> tuple[Kind, Real]:
    draw = stain.burn if random.random() < 0.5 else stain.lost
    hole, char = draw(random, max(float(np.exp(random.normal(3.9, 0.5))) * brush.look.unit, LEAST), brush.look.softness)
    rows, columns = (max(a, b) for a, b in zip(hole.shape, char.shape, strict=True))
    brown = np.array((0.6, 1.0, 1.5) if draw is stain.burn else (1.0, 1.0, 1.0), np.float32)
    scorched = _fitted(char, rows, columns) * np.float32(random.uniform(0.5, 1.6) if draw is stain.burn else 2.5)
    lit = _fitted(hole, rows, columns) * np.float32(-3.5)
    return "burn", (lit[..., None] + scorched[..., None] * brown) if brush.colour else lit + scorched


def _fitted(cover: Real, rows: int, columns: int) -> Real:
    out = np.zeros((rows, columns), np.float32)
    top, left = (rows - cover.shape[0]) // 2, (columns - cover.shape[1]) // 2
    out[top : top + cover.shape[0], left : left + cover.shape[1]] = cover
    return out


def _root_area(diameter: float) -> float:
    """The root of a disc's area."""
    return diameter * float(np.sqrt(np.pi)) / 2


DRAWERS: Mapping[str, Drawer] = MappingProxyType(
    {
        "dirt.dust": _dust,
        "dirt.clumps": _clump,
        "dirt.sparkles": _sparkle,
        "hair.hairs": _hair,
        "hair.lint": _lint,
        "hair.fibres": _fibre,
        "scratch.short": _short,
        "scratch.digs": _dig,
        "stain.water": _water,
        "stain.fingerprints": _fingerprint,
        "stain.burns": _burn,
    }
)
