"""Windows for training the eye, made once and read many times: film damaged by `frdm.damage`, aligned and measured by the very code
that restores, cut into crops with their truth.

A file of windows is one flat array of `RECORD`; file i of a seed depends on the seed and i alone, so files can be made by several
processes, lost and made again.
"""

import dataclasses
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.copying import CopySettings
from frdm.damage.recipe import (
    PRESETS,
    DamageRecipe,
    DirtSettings,
    HairSettings,
    LineSettings,
    LookSettings,
    ScratchSettings,
    StainSettings,
)
from frdm.damage.reel import Damaged, damage_reel
from frdm.dataset.films import read_codes
from frdm.dataset.sources import Clip
from frdm.defects.classical import Tests
from frdm.defects.eye import answer
from frdm.defects.eye_inputs import EyeInputs, eye_inputs
from frdm.defects.spikes import candidates
from frdm.film import Codes, Encoding, Frame, Mask, Shot
from frdm.media.scan import open_scan
from frdm.motion.reel import Reel
from frdm.motion.window import Window
from frdm.runtime.eye_layout import FULL, HALF, SLOTS
from frdm.runtime.session import Net
from frdm.train import eye_bursts as bursts
from frdm.train import eye_scenes as scenes
from frdm.train.eye_blots import blotted

SIDE = 192  # px of a crop
DIRT, LINE, UNSURE = 1, 2, 4  # bits of a label
ALARM = 0.2  # probability from which a wrong pixel is a false alarm to learn from
STANDING = 1000  # number of a piece from which it stands for many frames
FAINT = 9.0, 36.0  # codes of 8 bits that the strongest place of a faint piece differs by
VISIBLE = 8  # codes of 8 bits from which damage is worth mending
FRAMES = 7  # of a segment
RECORD = np.dtype(
    [
        ("full", "i1", (len(FULL), SIDE, SIDE)),
        ("half", "i1", (len(HALF), SIDE // 2, SIDE // 2)),
        ("offsets", "i1", (SLOTS,)),
        ("label", "u1", (SIDE, SIDE)),
        ("clip", "u1"),
        ("family", "u1"),
        ("damaged", "u1"),
    ]
)
Records = NDArray[Any]
PRESET_SHARES = {"light": 0.15, "medium": 0.4, "heavy": 0.2, "home-movie": 0.15, "lines": 0.1}


@dataclass(frozen=True, slots=True)
class WindowSettings:
    """What windows are made of; shares are of segments."""

    undamaged: float = 0.35  # film without any damage
    scenes: dict[str, float] = field(  # what is drawn into film that is damaged or not
        default_factory=lambda: {
            "things": 0.04,
            "particles": 0.04,
            "flash": 0.04,
            "flicker": 0.04,
            "cut": 0.02,
            "rain": 0.1,
            "glints": 0.03,
            "burst": 0.06,
            "limbs": 0.12,
            "balls": 0.12,
        }
    )
    blotchy: float = 0.0  # of damaged segments: reels of large dirt
    peppered: float = 0.0  # of damaged segments: reels full of small, faint dirt
    repainted: float = 0.0  # of damaged segments: every piece a veil of a tone of its own, whatever is behind it
    tinted: float = 0.0  # of damaged segments: every piece with a strength and a tint of its own
    blotted: float = 0.0  # of damaged segments: large pieces of every outline besides (`eye_blots`)
    faint: float = 0.0  # of damaged segments, the last two among them: every piece so thin that it is hardly seen
    grey: float = 0.35  # colour film turned black and white
    strides: tuple[float, ...] = (0.6, 0.25, 0.15)  # every frame, every second, every third: faster motion
    scale: tuple[float, float] = (0.6, 1.05)  # of the clip's own size
    crops: int = 5  # of each window
    segments: int = 24  # of one file


def make_file(clips: Sequence[Clip], settings: WindowSettings, *, seed: int, number: int, net: Net | None = None) -> Records:
    """File `number` of a seed: crops of `settings.segments` segments of film, in the order in which they were made.

    With a net, only crops in which it takes something for dirt that is none: its own false alarms, to learn from.
    """
    cv2.setNumThreads(1)
    found: list[Records] = []
    for segment in range(settings.segments):
        random = np.random.default_rng((seed, number, segment))
        place = int(random.integers(len(clips)))
        found.append(segment_windows(clips, place, settings, random, net))
    return np.concatenate(found)


def segment_windows(
    clips: Sequence[Clip], place: int, settings: WindowSettings, random: np.random.Generator, net: Net | None = None
) -> Records:
    """Crops of a few windows of one segment of clip `place`."""
    film = read_segment(clips[place], settings, random)
    film, family = with_scene(film, clips, settings, random)
    damaged = bool(random.random() >= settings.undamaged)
    made = damage_reel(film, drawn_recipe(random, settings, damaged=damaged), seed=int(random.integers(2**31)))
    if damaged and random.random() < settings.repainted:
        made = repainted(made, random)
    elif damaged and random.random() < settings.tinted:
        made = recoloured(made, random)
    if damaged and settings.faint and random.random() < settings.faint:
        made = thinned(made, random)
    if damaged and settings.blotted and random.random() < settings.blotted:
        made = blotted(made, random)
    out = []
    for index, window in windows_of(made.degraded, random):
        labels = label(made, index)
        seeds, inputs = looked_at(window)
        out += crops(inputs, labels, seeds, settings.crops, random) if net is None else false_alarms(inputs, labels, net, random)
    records = np.array(out, RECORD)
    records["clip"], records["family"], records["damaged"] = place, scenes.FAMILIES.index(family), damaged
    return records


def read_segment(clip: Clip, settings: WindowSettings, random: np.random.Generator) -> Codes:
    """Frames of the clip (T, H, W, C), 8 bits, with a drawn stride and size."""
    with open_scan(clip.path, transfer=clip.transfer) as scan:
        length = scan.info.length
        stride = 1 + int(random.choice(len(settings.strides), p=settings.strides))
        stride = max(1, min(stride, (length - 1) // (FRAMES - 1)))
        reach = min((FRAMES - 1) * stride + 1, length)
        start = int(random.integers(length - reach + 1))
        codes = read_codes(scan, start, start + reach)[::stride]
    if codes.dtype != np.uint8:
        codes = (codes >> 8).astype(np.uint8)
    factor = max(random.uniform(*settings.scale), (SIDE + 8) / min(codes.shape[1:3]))
    size = (round(codes.shape[2] * factor), round(codes.shape[1] * factor))
    kernel = cv2.INTER_AREA if factor < 1 else cv2.INTER_CUBIC
    codes = np.stack([cv2.resize(frame, size, interpolation=kernel).reshape(size[1], size[0], -1) for frame in codes])
    if codes.shape[3] == 3 and random.random() < settings.grey:
        codes = np.rint(codes.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32))[..., None].astype(np.uint8)
    return codes


def with_scene(film: Codes, clips: Sequence[Clip], settings: WindowSettings, random: np.random.Generator) -> tuple[Codes, scenes.Family]:
    """The film, maybe with something drawn into it that is no damage, and what that is."""
    chance = random.random()
    for name, share in settings.scenes.items():
        if chance < share:
            draw = getattr(scenes, name, None) or getattr(bursts, name)
            if name in ("cut", "limbs", "balls"):
                other = read_segment(clips[int(random.integers(len(clips)))], settings, random)
                return (draw(film, other, random) if len(other) >= len(film) else film), name  # type: ignore[return-value]
            return draw(film, random), name  # type: ignore[return-value]
        chance -= share
    return film, "film"


def drawn_recipe(random: np.random.Generator, settings: WindowSettings, *, damaged: bool) -> DamageRecipe:
    """A damage recipe around one of the presets, wider than any: reels of the held-back kind must lie inside."""
    copying = CopySettings(grain=(0.0, 0.035), jpeg=0.15, rescale=0.25, weave=(0.0, 0.6))
    if not damaged:
        return replace(PRESETS["none"], copying=copying)
    chance = random.random()
    if chance < settings.blotchy + settings.peppered:
        return replace(blotches(random) if chance < settings.blotchy else peppered(random), copying=copying)
    name = str(random.choice(list(PRESET_SHARES), p=list(PRESET_SHARES.values())))
    recipe = PRESETS[name]
    dirt = recipe.dirt
    size = float(np.exp(random.uniform(np.log(0.7), np.log(2.2))))
    clumps = dirt.clumps * float(np.exp(random.uniform(0, np.log(12))))
    look = replace(recipe.look, spread=0.8, contrast=(0.12, 2.0), softness=(0.35, 1.2))
    stain = replace(recipe.stain, water=recipe.stain.water * 4, burns=recipe.stain.burns * 3)
    hair = dataclasses.replace(recipe.hair, **{k.name: getattr(recipe.hair, k.name) * 2 for k in dataclasses.fields(recipe.hair)})
    return replace(recipe, dirt=replace(dirt, size=size, clumps=clumps), hair=hair, stain=stain, look=look, copying=copying)


def blotches(random: np.random.Generator) -> DamageRecipe:
    """A reel whose dirt is large: blotches, long threads and stains of 10 to 100 px, many of them thin, as little real film has it; what is
    small on one gauge is large on another, and large pieces do the harm.
    """

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    return DamageRecipe(
        dirt=DirtSettings(dust=between(2, 15), clumps=between(0.3, 5), sparkles=0.3, size=between(1.5, 7)),
        hair=HairSettings(hairs=between(0.3, 3), lint=between(0.5, 5), fibres=between(0.2, 2)),
        scratch=ScratchSettings(short=between(0.2, 2), digs=between(0.1, 1)),
        stain=StainSettings(water=between(0.1, 1), fingerprints=0.02, burns=between(0.01, 0.1)),
        lines=LineSettings(steady=0.1, wandering=0.1, broken=0.1, rain=0.05),
        look=LookSettings(gauge="35 mm", contrast=(0.06, 1.6), softness=(0.35, 1.2), spread=0.8),
    )


def peppered(random: np.random.Generator) -> DamageRecipe:
    """A reel full of small and faint pieces, ten times as many as film mostly has: the ones that are missed most, and hardly seen in
    training at their usual number.
    """
    base = blotches(random)

    def between(low: float, high: float) -> float:
        return float(np.exp(random.uniform(np.log(low), np.log(high))))

    return replace(
        base,
        dirt=DirtSettings(dust=between(30, 200), clumps=between(0.3, 6), sparkles=between(0.3, 6), size=between(1.0, 2.6)),
        hair=HairSettings(hairs=between(0.5, 6), lint=between(1, 15), fibres=between(0.5, 6)),
        look=replace(base.look, contrast=(0.05, 0.9)),
    )


def recoloured(made: Damaged, random: np.random.Generator) -> Damaged:
    """The same damage with every piece thinner by a share of its own, and with a tint of its own where the film has colour."""
    change = made.degraded.astype(np.float32) - made.pristine
    number = made.ids.astype(np.int64) % 4096
    channels = change.shape[3]
    out = np.empty_like(change)
    for t in range(len(change)):
        strength = random.uniform(0.25, 1.0, (4096, 1)) * np.clip(
            1 + random.normal(0, random.choice([0.0, 0.15, 0.5]), (4096, channels)), 0, 2
        )
        strength[0] = 1
        out[t] = made.pristine[t] + change[t] * strength.astype(np.float32)[number[t]]
    return replace(made, degraded=np.clip(np.rint(out), 0, 255).astype(np.uint8))


def thinned(made: Damaged, random: np.random.Generator) -> Damaged:
    """The same damage with every piece so thin that its strongest place differs by `FAINT` codes: a net that meets such pieces at their
    usual number takes all that differs so little for film.
    """
    change, number = made.degraded.astype(np.float32) - made.pristine, made.ids.astype(np.int64) % 4096
    out = np.empty_like(change)
    wanted = np.exp(random.uniform(np.log(FAINT[0]), np.log(FAINT[1]), 4096)).astype(np.float32)  # what stands is as faint in every frame
    for t, (one, here) in enumerate(zip(change, number, strict=True)):
        most = np.zeros(4096, np.float32)
        np.maximum.at(most, here.ravel(), cv2.GaussianBlur(np.abs(one).max(-1), (0, 0), 0.8).ravel())
        strength = np.minimum(wanted / np.maximum(most, 1e-3), 1)
        strength[0] = 1
        out[t] = made.pristine[t] + one * strength[here][..., None]
    return replace(made, degraded=np.clip(np.rint(out), 0, 255).astype(np.uint8))


def repainted(made: Damaged, random: np.random.Generator) -> Damaged:
    """The same shapes with every piece laid over the film as a veil of its own tone and opacity, mostly bright or mostly dark over a reel:
    so that dirt is learned on film of every tone, dark film above all, where the physics of `frdm.damage` leaves little of it to be seen.
    """
    change = made.degraded.astype(np.float32) - made.pristine
    number, channels = made.ids.astype(np.int64), change.shape[3]
    transient = (number > 0) & (number < STANDING)
    bright, tinted, thin = random.choice([0.1, 0.5, 0.9]), random.random() < 0.4, random.uniform(0.1, 0.6)
    out = np.empty_like(change)
    for t in range(len(change)):
        here = np.where(transient[t], number[t], 0)
        most = np.zeros(STANDING, np.float32)
        np.maximum.at(most, here.ravel(), made.matte[t].ravel())
        tones = np.where(
            random.random((STANDING, 1)) < bright, random.uniform(130, 255, (STANDING, 1)), random.uniform(0, 90, (STANDING, 1))
        )
        tones = np.clip(tones + (random.normal(0, 25, (STANDING, channels)) if tinted else 0), 0, 255).astype(np.float32)
        veil = np.exp(random.uniform(np.log(thin), 0, STANDING)).astype(np.float32)
        cover = (made.matte[t] / np.maximum(most, 1e-3)[here] * veil[here])[..., None]
        laid = cover * (tones[here] - made.pristine[t])
        out[t] = made.pristine[t] + np.where(transient[t][..., None], laid, change[t])
    return replace(made, degraded=np.clip(np.rint(out), 0, 255).astype(np.uint8))


def windows_of(film: Codes, random: np.random.Generator) -> Iterator[tuple[int, Window]]:
    """Windows of the middle frames and of one nearer to an end."""
    length = len(film)
    wanted = {*range(2, min(5, length)), int(random.choice([0, 1, length - 2, length - 1]))}
    planes = [tuple(np.ascontiguousarray(frame[..., c]) for c in range(frame.shape[2])) for frame in film]
    encoding = Encoding("rgb" if film.shape[3] == 3 else "y", 8)
    with ThreadPoolExecutor(1) as pool:
        reel = Reel((Frame(i, p) for i, p in enumerate(planes)), encoding, Shot(0, length), 0, pool)
        for index in range(length):
            if index in wanted:
                yield index, reel.window(index)
            reel.forget(index)


def looked_at(window: Window) -> tuple[Mask, EyeInputs]:
    """Where the pixel tests suspect something, and what the eye is shown."""
    tests = Tests.of(window)
    seeds = candidates(tests.spikes, tests.noise, 1, 0.5)[0] | candidates(tests.spikes, tests.noise, -1, 0.5)[0]
    return seeds, eye_inputs(window, tests.noise)


def label(made: Damaged, index: int) -> NDArray[np.uint8]:
    """(H, W) bits of what frame `index` shows: visible damage by its class; what can hardly be seen, or lies at its edge, is unsure."""
    changed = np.abs(made.degraded[index].astype(np.int16) - made.pristine[index]).max(-1)
    mask, standing = made.mask[index], made.ids[index] >= STANDING
    seen = mask & (changed >= VISIBLE)
    near = cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    unsure = (mask | (near & (changed >= VISIBLE // 2))) & ~seen
    out = (seen & ~standing) * DIRT + (seen & standing) * LINE + unsure * UNSURE
    return np.asarray(out, np.uint8)


def crops(
    inputs: EyeInputs, labels: NDArray[np.uint8], seeds: Mask, count: int, random: np.random.Generator, *, alarms: bool = False
) -> list[tuple[Any, ...]]:
    """`count` crops: around damage, around seeds that are none, and anywhere; with `alarms` around seeds alone."""
    height, width = labels.shape
    painted = _centres(labels & (DIRT | LINE) > 0)
    false = _centres(seeds & (labels == 0))
    out = []
    for turn in range(count):
        kind = 0.6 if alarms else random.random()
        pool = painted if kind < 0.5 and len(painted) else false if kind < 0.85 and len(false) else None
        y, x = (
            (random.uniform(0, height), random.uniform(0, width))
            if pool is None or (turn == count - 1 and not alarms)
            else pool[int(random.integers(len(pool)))] + random.uniform(-0.4, 0.4, 2) * SIDE
        )
        top = int(np.clip(y - SIDE / 2, 0, height - SIDE)) // 2 * 2
        left = int(np.clip(x - SIDE / 2, 0, width - SIDE)) // 2 * 2
        rows, columns = slice(top, top + SIDE), slice(left, left + SIDE)
        small = slice(top // 2, (top + SIDE) // 2), slice(left // 2, (left + SIDE) // 2)
        shown = inputs.full[:, rows, columns], inputs.half[:, *small], inputs.offsets
        out.append((*shown, labels[rows, columns], 0, 0, 0))
    return out


def false_alarms(inputs: EyeInputs, labels: NDArray[np.uint8], net: Net, random: np.random.Generator) -> list[tuple[Any, ...]]:
    """Crops around what the net takes for dirt and is none, at most three."""
    height, width = inputs.full.shape[1:]
    dirt = answer(inputs, net, (0, 0, height, width))[0, : labels.shape[0], : labels.shape[1]]
    wrong = (dirt > ALARM) & (labels == 0)
    return crops(inputs, labels, wrong, min(len(_centres(wrong)), 3), random, alarms=True)


def _centres(mask: Mask) -> NDArray[np.float64]:
    """(n, 2) middles (row, column) of the connected pieces; a large one stands for its area's root."""
    _, _, stats, centres = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    keep = stats[1:, cv2.CC_STAT_AREA] >= 3
    middles = centres[1:][keep][:, ::-1]
    times = np.clip(np.sqrt(stats[1:, cv2.CC_STAT_AREA][keep]) / 4, 1, 6).astype(int)
    return np.repeat(middles, times, axis=0)


def write_file(path: Path, records: Records) -> None:
    """Write records under `path`, whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as stream:
        np.save(stream, records)
    part.replace(path)
