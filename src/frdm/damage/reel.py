"""A recipe on film: `damage_reel` for frames in memory, `Reel` for a film piece by piece.

Everything is a function of the recipe, the seed, the picture's size and the frame's absolute number, so it doesn't matter how a film is
cut into spans. One seed is one reel: the same look, lines and hairs go on through all its frames.
"""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.copying import CopySettings, copy_film, draw_look, plan_copy, print_film
from frdm.damage.copying_codecs import CodecLook, stored_frame, stored_movie
from frdm.damage.copying_grain import is_grey
from frdm.damage.copying_motion import CopyPlan
from frdm.damage.edge import jump, jumped, splice_marks
from frdm.damage.look import ReelLook, draw_reel
from frdm.damage.marks import Brush, falling
from frdm.damage.painting import PERSISTENT, Canvas, Painted, quantised
from frdm.damage.recipe import DamageRecipe
from frdm.damage.shapes import random_of
from frdm.damage.standing import Standing
from frdm.damage.templates import open_pack
from frdm.errors import DamageError
from frdm.film import Codes, Mask, Real

GROUP = 12  # frames that a movie codec stores together
_PLAN = 48  # frames over which the film's place and exposure wander before they are drawn anew
_SPREAD = 8  # px that a label reaches into the soft edge that copying gave a mark
_PLAIN = CodecLook(None, None, None)  # not stored in any way that shows
_COPY, _PRINT, _STORE, _PLACE = 21, 22, 23, 24  # streams of the seed's random numbers


@dataclass(frozen=True, slots=True, eq=False)
class Damaged:
    """Frames with their damage, and the truth about it. Codes fill the range of `bits`.

    `degraded` and `pristine` are (T, H, W, C) like the clean frames, uint8 or uint16; the other maps are (T, H, W).
    """

    degraded: Codes
    pristine: Codes  # the target: grain, blur, flicker, weave, jumps and compression, but no defects
    mask: Mask  # where opacity ≥ tau is painted and a code changed: the changed pixels, when nothing follows the painting
    matte: Real  # painted opacity, 0 … 1: the share of light that the density added or taken away stands for
    kinds: NDArray[np.uint8]  # 0 none, else 1 + place in `frdm.film.KINDS`
    polarity: NDArray[np.int8]  # −1 darker, +1 brighter, 0 none or neither
    ids: NDArray[np.uint16]  # 1 … of what is on one frame alone, 1000 … of what stands: the same in all its frames


def damage_reel(
    clean: Codes, recipe: DamageRecipe, *, seed: int, bits: int | None = None, first: int = 0, cuts: Sequence[int] = ()
) -> Damaged:
    """Damage frames of one shot or film.

    `clean` (T, H, W, C), C = 1 or 3 (R, G, B), uint8 or uint16 video codes of full range; `bits` 8 … 16 where uint16 codes are of fewer.
    `first` is the number of clean[0] in the whole film: each frame's damage is the same, whatever else is in the call (with MPEG in the
    recipe: when calls begin at multiples of 12). `cuts` are the numbers of frames at which shots begin, the first one's too: hairs in the
    gate then stand for their shot, else for a drawn time. Raises `DamageError`.
    """
    top = _top(clean, bits)
    reel = Reel(recipe, seed, size=(int(clean.shape[1]), int(clean.shape[2])), top=top, cuts=cuts)
    pieces = [reel.group(clean[a - first : b - first], a) for a, b in reel.groups(first, first + len(clean))]
    return Damaged(*(np.concatenate([getattr(piece, field.name) for piece in pieces]) for field in dataclasses.fields(Damaged)))


def _top(clean: Codes, bits: int | None) -> int:
    """The white code. Raises `DamageError` for frames that can't be damaged."""
    if clean.ndim != 4 or clean.shape[3] not in (1, 3) or 0 in clean.shape:
        raise DamageError(f"clean frames: found an array of shape {clean.shape}; wanted frames, height, width, 1 or 3 channels")
    if clean.dtype not in (np.uint8, np.uint16):
        raise DamageError(f"clean frames: found {clean.dtype} codes; wanted uint8 or uint16")
    most = 8 * clean.dtype.itemsize
    depth = most if bits is None else bits
    if not min(most, 9) <= depth <= most:
        raise DamageError(f"clean frames: {depth} bits were given for {clean.dtype} codes; give {min(most, 9)} to {most}")
    return (1 << depth) - 1


class Reel:
    """One reel's damage, for pictures of one size: its look, what stands in it, and how it was copied."""

    def __init__(self, recipe: DamageRecipe, seed: int, *, size: tuple[int, int], top: int, cuts: Sequence[int] = ()) -> None:
        """`size` (height, width) px; integer codes go to `top`; `cuts` are frames at which shots begin. Raises `DamageError`."""
        if seed < 0:
            raise DamageError(f"seed: found {seed}; give a whole number of 0 or more")
        self.recipe, self.seed, self.size, self.top = recipe, seed, size, top
        self.look: ReelLook = draw_reel(recipe, seed, height=size[0], width=size[1])
        random = random_of(seed, _COPY)
        drawn = draw_look(recipe.copying, random, scale=self.look.unit)
        first = bool(random.random() < recipe.stored_first)
        self.copy_look = dataclasses.replace(drawn, codec=_PLAIN) if first else drawn
        self._stored, self._stored_first = drawn.codec, drawn.codec if first else _PLAIN
        self._copied = recipe.copying != CopySettings.none()
        self._pack = open_pack(Path(recipe.templates)) if recipe.templates else None
        self._standing = Standing(self.look, seed, size, density=recipe.lines.density, starts=tuple(sorted(cuts)))
        self._plans: dict[int, CopyPlan] = {}

    def groups(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Frames start … stop-1 in pieces that are worked on together: one by one, or as a movie codec stores them."""
        step = GROUP if self._stored.mpeg is not None else 1
        cuts = [start, *range((start // step + 1) * step, stop, step), stop]
        return list(pairwise(cuts))

    def group(self, clean: Codes, first: int) -> Damaged:
        """Damage frames first, first + 1 … (T, H, W, C): one of `groups`."""
        shown = [stored_frame(self._shown(frame, first + place), self._stored_first) for place, frame in enumerate(clean)]
        films = stored_movie(np.stack(shown), self._stored_first)
        pairs = [self._frame(film, first + place) for place, film in enumerate(films)]
        pristine, painted = np.stack([p for p, _ in pairs]), [p for _, p in pairs]
        degraded, mattes = np.stack([p.film for p in painted]), np.stack([p.matte for p in painted])
        mask, kinds, polarity, ids = (np.stack([getattr(p, n) for p in painted]) for n in ("mask", "kinds", "polarity", "ids"))
        if self._copied:
            plan = self._plan(first, len(clean))
            random = random_of(self.seed, _STORE, first)
            degraded, pristine, mattes = copy_film(degraded, pristine, mattes, self.copy_look, random, plan=plan)
            mask = mattes >= self.recipe.tau
            mattes = mattes * mask
            kinds, polarity, ids = (_moved(each, plan, mask) for each in (kinds, polarity, ids))
        return Damaged(quantised(degraded, self.top), quantised(pristine, self.top), mask, mattes, kinds, polarity, ids)

    def _shown(self, clean: Codes, frame: int) -> Real:
        """A clean frame as codes 0 … 1, displaced where a splice makes it jump."""
        shift = jump(self.seed, self.look.rates["edge.splices"], frame, reach=self.recipe.edge.jump * self.look.unit)
        return np.asarray(jumped(clean, shift), np.float32) * np.float32(1 / self.top)

    def _frame(self, film: Real, frame: int) -> tuple[Real, Painted]:
        """(the pristine film, the damaged film) of one frame, before copying."""
        colour = not is_grey(film[None])
        if self._copied:
            film = print_film(film[None], self.copy_look, random_of(self.seed, _PRINT, frame))[0]
        canvas = Canvas(*self.size, film.shape[2])
        brush = Brush(self.look, colour, self._pack, self.recipe.template_share)
        fallen = falling(brush, self.seed, frame, size=self.size)
        fallen += splice_marks(self.look, self.seed, frame, size=self.size, glue=self.recipe.edge.glue)
        fallen += self._standing.tears(frame)
        for number, mark in enumerate(fallen):
            canvas.add(mark, 1 + number % (PERSISTENT - 1))
        for number, mark in self._standing.marks(frame, colour=colour):
            canvas.add(mark, number)
        return film, canvas.develop(film, self.look.stock, tau=self.recipe.tau, top=self.top)

    def _plan(self, first: int, length: int) -> CopyPlan:
        """How frames first … were exposed and where they stood: parts of walks that are drawn for 48 frames at a time."""
        parts = [(index, index % _PLAN) for index in range(first, first + length)]
        chosen = [(self._walk(index // _PLAN), place) for index, place in parts]
        return CopyPlan(*(np.stack([getattr(w, f.name)[place] for w, place in chosen]) for f in dataclasses.fields(CopyPlan)))

    def _walk(self, number: int) -> CopyPlan:
        if number not in self._plans:
            if len(self._plans) > 2:
                self._plans.clear()
            self._plans[number] = plan_copy(self.copy_look, _PLAN, random_of(self.seed, _PLACE, number))
        return self._plans[number]


def _moved(labels: NDArray[Any], plan: CopyPlan, mask: Mask) -> NDArray[Any]:
    """Labels moved with the picture and spread a little, so that the soft edge that copying gave has them too; 0 outside the mask."""
    moved = plan.move(labels)
    signed = moved.dtype == np.int8
    lifted = moved.astype(np.uint16) if not signed else (moved + 2).astype(np.uint16) * (moved != 0)
    for frame, where in zip(lifted, mask, strict=True):
        for _ in range(_SPREAD):
            bare = where & (frame == 0)
            if not bare.any():
                break
            frame[bare] = cv2.dilate(frame, np.ones((3, 3), np.uint8))[bare]
    kept = lifted * mask
    return (kept.astype(np.int8) - 2 * (kept != 0)).astype(np.int8) if signed else kept.astype(labels.dtype)
