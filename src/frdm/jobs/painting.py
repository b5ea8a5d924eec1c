"""Repairs by hand: a place is drawn and mended at once, or any repair is made again otherwise.

Each is recorded as an action of that person, to be undone and redone like a decision. Frames that are not analysed yet are refused.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import cv2
import numpy as np

from frdm.defects.alone import noise_of
from frdm.errors import LedgerError, RecipeError
from frdm.fills.hand import fill_by_hand
from frdm.fills.hand_job import MEASURED_ON, HandJob, hand_job, measured_of
from frdm.fills.lines import fill_line
from frdm.fills.lone import ground_of
from frdm.fills.neighbours import Fill, Ground, fill
from frdm.fills.surround import fill_from_surround
from frdm.film import Box, Defect, Kind, Mask, Polarity, Repair, Shot
from frdm.jobs.by_hand import write_clear
from frdm.jobs.drawing import Shape, drawn
from frdm.jobs.layers import LayerStore, damaged
from frdm.jobs.project import Project
from frdm.jobs.reading import Frames
from frdm.jobs.revealing import Reveal, neighbour_of, reveal
from frdm.jobs.windows import Windows
from frdm.ledger.browsing import by_ids
from frdm.ledger.made import ByHand, Made
from frdm.ledger.reading import held_mask
from frdm.ledger.records import By, DefectRow
from frdm.motion.window import Window
from frdm.recipe import Recipe, WholeFrameSettings
from frdm.rendering import altered_pixels

Engine = Literal["auto", "neighbours", "reveal", "across", "surround", "diffusion"]
MOST_FRAMES: dict[Engine, int] = {"auto": 24, "neighbours": 24, "reveal": 24, "across": 480, "surround": 48, "diffusion": 4}  # in one go
FEATHER = 1.5  # px of a 480-line picture


@dataclass(frozen=True, slots=True)
class Wish:
    """How a place is to be mended; `auto` takes neighbours, and the surround where they can't be trusted."""

    engine: Engine = "auto"
    source: int | None = None  # the neighbour to take pixels from
    follow: bool = True  # reveal: along the motion
    offset: tuple[float, float] = (0.0, 0.0)  # reveal: moved by (dy, dx) px
    seed: int = 0  # another one draws other grain, and by neighbours others of them
    feather: float | None = None  # px; None: as large as a picture of this size wants


@dataclass(frozen=True, slots=True)
class Painted:
    """What came of it: the action (None: nothing could be mended), ids of the repairs, and why frames were left as they are."""

    action: int | None
    ids: tuple[str, ...]
    refused: tuple[tuple[int, str], ...]


class Brush:
    """Mends by hand on one film, one piece of work at a time."""

    def __init__(self, frames: Frames, recipe: Recipe, layers: LayerStore) -> None:
        self._frames, self._recipe, self._layers = frames, recipe, layers
        self.windows = Windows(frames)

    def paint(self, project: Project, frames: range, shapes: Sequence[Shape], *, kind: Kind, wish: Wish, by: By) -> Painted:
        """Mend what is drawn, in each of the frames. Raises `LedgerError`, `RecipeError`, `MediaError`."""
        if len(frames) > MOST_FRAMES[wish.engine]:
            most = MOST_FRAMES[wish.engine]
            raise RecipeError(
                f"frames {frames.start} to {frames.stop - 1}: with {wish.engine} at most {most} are painted at once; give fewer"
            )
        hand = hand_of(self._recipe, wish)
        drawings = {index: self._drawn(shapes, index) for index in (frames if self._recipe.stills else frames[:1])}
        found: list[Made] = []
        refused: list[tuple[int, str]] = []
        for window in self._windows(project, frames, wish, line=kind == "line"):
            index = window.frame.index
            box, mask = drawings.get(index) or drawings[frames.start]
            place = replace(box, frame=index)
            defect = Defect(kind, polarity_of(window, place, mask), place, mask, 1.0)
            result = self._mended(project, window, defect, wish, hand)
            self._take(result, defect, wish, (found, refused))
        said = {"start": frames.start, "stop": frames.stop, "kind": kind, "engine": wish.engine, "source": wish.source, "seed": wish.seed}
        return self._recorded(project, "paint", found, refused, said=said, by=by)

    def again(self, project: Project, name: str, wish: Wish, by: By) -> Painted:
        """Make one repair again, or mend a defect that was held. Raises `LedgerError`, `RecipeError`, `MediaError`."""
        row = next(iter(by_ids(project.ledger, [name])), None)
        if row is None:
            raise LedgerError(f"{name}: no defect has this id; ids look like 000123-004")
        frame, hand = row.box.frame, hand_of(self._recipe, wish)
        (window,) = self._windows(project, range(frame, frame + 1), wish, line=row.kind == "line")
        defect = self._defect(project, window, row)
        result = self._mended(project, window, defect, wish, hand)
        found: list[Made] = []
        refused: list[tuple[int, str]] = []
        self._take(result, defect, wish, (found, refused))
        if found:
            detector = row.provenance.detector if row.provenance is not None else self._recipe.detection.detector
            repair = replace(found[0].repair, provenance=replace(found[0].repair.provenance, detector=detector))
            found[0] = replace(found[0], repair=repair, replaces=row.repair, held=row.held)
        said = {"ids": [name], "engine": wish.engine, "source": wish.source, "seed": wish.seed}
        return self._recorded(project, "reroll", found, refused, said=said, by=by)

    # -- a place

    def _drawn(self, shapes: Sequence[Shape], index: int) -> tuple[Box, Mask]:
        info = self._frames.info_at(index)
        box, mask = drawn(shapes, height=info.height, width=info.width, frame=index)
        share = float(mask.sum()) / (info.height * info.width)
        if share > self._recipe.most_altered:
            most = f"{self._recipe.most_altered:.0%}"
            raise RecipeError(f"frame {index}: {share:.0%} of it was drawn on, at most {most} may be altered (most_altered); draw less")
        return box, mask

    def _windows(self, project: Project, frames: range, wish: Wish, *, line: bool = False) -> Iterator[Window]:
        """Each frame's window; without neighbours where the engine needs none. Raises `LedgerError`."""
        alone = self._recipe.stills or wish.engine in ("across", "surround") or (line and wish.engine == "auto")
        start = frames.start
        while start < frames.stop:
            shot = shot_of(project, start)
            stop = min(frames.stop, shot.stop)
            if alone:
                yield from (self.windows.lone(index) for index in range(start, stop))
            else:
                yield from self.windows.windows(start, stop, shot)
            start = stop

    def _defect(self, project: Project, window: Window, row: DefectRow) -> Defect:
        """A recorded defect with its mask; of a held one that an older frdm recorded it is what differs from its surround in its box."""
        if row.repair is None:
            assert row.held is not None, "a defect is a repair or held"
            kept = held_mask(project.ledger, row.held)
            mask = differing(window, row.box) if kept is None else kept
        else:
            layer = next(one for one in self._layers.of(project, row.box.frame) if one.row.number == row.repair)
            mask = layer.stored.mask
        return Defect(row.kind, row.polarity, row.box, mask, row.confidence, row.track)

    def _mended(self, project: Project, window: Window, defect: Defect, wish: Wish, hand: HandJob | None) -> Fill:
        index = window.frame.index
        hand = None if hand is None else self._told(hand, shot_of(project, index))
        info = self._frames.info_at(index)
        ground = ground_of(window, info.encoding, damaged(self._layers.of(project, index), info) | _alone(defect, info.height, info.width))
        return mended(window, defect, ground, wish, self._recipe, hand=hand)

    def _told(self, hand: HandJob, shot: Shot) -> HandJob:
        """The hand, told of a shot what it was told while the film was restored."""

        def measure() -> Mapping[str, Any]:
            first = [self._frames.frame(index) for index in range(shot.start, min(shot.start + MEASURED_ON, shot.stop))]
            return measured_of(first, self._frames.encoding(shot.start), self._recipe.detection.film)

        return hand.of_shot(shot, measure)

    def _take(self, result: Fill, defect: Defect, wish: Wish, lists: tuple[list[Made], list[tuple[int, str]]]) -> None:
        frame = defect.box.frame
        if result.patch is None or result.provenance is None:
            lists[1].append((frame, result.reason))
            return
        provenance = replace(result.provenance, seed=wish.seed, detector="person")
        repair = Repair("", defect, result.patch, provenance)
        encoding = self._frames.encoding(frame)
        lists[0].append(Made(repair, altered_pixels(result.patch, encoding), encoding))

    def _recorded(
        self, project: Project, verb: str, found: Sequence[Made], refused: Sequence[tuple[int, str]], *, said: Mapping[str, object], by: By
    ) -> Painted:
        """Write the patches, then the record; of nothing nothing, and nothing into protected places."""
        action, ids, protected = write_clear(project, ByHand(verb, json.dumps(said), found), by)
        return Painted(action, tuple(ids), tuple(sorted([*refused, *protected])))


def hand_of(recipe: Recipe, wish: Wish) -> HandJob | None:
    """The hand as the recipe asks for it, whatever its engine: its weights, steps, sampler, prompts; None where the wish is another's.

    Raises `WeightsError` without weights, `RecipeError` where they don't understand a prompt.
    """
    if wish.engine != "diffusion":
        return None
    return hand_job(replace(recipe, filling=replace(recipe.filling, engine="diffusion"), whole_frame=WholeFrameSettings()))


def mended(window: Window, defect: Defect, ground: Ground, wish: Wish, recipe: Recipe, *, hand: HandJob | None = None) -> Fill:
    """One place mended as a person wishes, who is sure of it; `hand`: told of the frame's shot, where it is asked for."""
    unit = window.scale.whole[0] / 480
    feather = FEATHER if wish.feather is None else wish.feather / unit
    settings = replace(recipe.filling, least_trust=0.0, feather=feather)
    sure, ground = replace(defect, confidence=1.0), replace(ground, seed=wish.seed)
    engine = _engine(wish, defect, window)
    if engine == "across":
        result = fill_line(window, sure, ground, settings)
    elif engine == "reveal":
        result = reveal(window, sure, ground, Reveal(wish.source, wish.follow, wish.offset, feather * unit))
    elif engine == "surround":
        result = fill_from_surround(window, sure, ground, settings)
    elif engine == "diffusion":
        assert hand is not None, "a wish to generate was given no hand"
        result = fill_by_hand(window, sure, ground, settings, hand=hand.hand, how=replace(hand.how, seed=wish.seed))
    else:
        result = fill(_with_sources(window, wish, defect.box), sure, ground, settings)
        if result.patch is None and wish.engine == "auto" and wish.source is None:
            other = fill_from_surround(window, sure, ground, settings)
            result = other if other.patch is not None else Fill(None, None, f"{result.reason}; {other.reason}: choose a source frame")
    return result


def _engine(wish: Wish, defect: Defect, window: Window) -> str:
    if wish.engine != "auto":
        return wish.engine
    if defect.kind == "line":
        return "across"
    return "neighbours" if window.neighbours else "surround"


def _with_sources(window: Window, wish: Wish, box: Box) -> Window:
    """The window with the neighbours that are asked: a chosen one alone, or with a seed half of them, drawn by it and the place.

    Raises `RecipeError` where the frame has no neighbour, or not this one.
    """
    if wish.source is not None or not window.neighbours:
        return replace(window, neighbours=(neighbour_of(window, wish.source),))
    if wish.seed == 0:
        return window
    random = np.random.default_rng((box.frame, box.top, box.left, wish.seed))
    count = len(window.neighbours)
    drawn = sorted(random.permutation(count)[: max(1, (count + 1) // 2)].tolist())
    return replace(window, neighbours=tuple(window.neighbours[place] for place in drawn))


def polarity_of(window: Window, box: Box, mask: Mask) -> Polarity:
    """Whether the place is darker or brighter than the film around it."""
    near = window.scale.box(box)
    inside = window.scale.within(box, mask, near)
    reach = max(3, round(6 * window.luma.shape[0] / 480))
    rows = slice(max(near.top - reach, 0), near.bottom + reach)
    columns = slice(max(near.left - reach, 0), near.right + reach)
    around = window.luma[rows, columns]
    level = float(window.luma[near.rows, near.columns][inside].mean())
    return "bright" if level > float(np.median(around)) else "dark"


def differing(window: Window, box: Box) -> Mask:
    """What stands out in a box (its shape) from what the neighbours show there, or without any from its rim; all of it if little does."""
    near = window.scale.box(box)
    here = window.luma[near.rows, near.columns]
    if window.neighbours:
        expected = np.median([neighbour.aligned.luma[near.rows, near.columns] for neighbour in window.neighbours], axis=0)
    else:
        expected = np.full(
            here.shape, np.median(window.luma[max(near.top - 4, 0) : near.bottom + 4, max(near.left - 4, 0) : near.right + 4])
        )
    far = (np.abs(here - expected) > 2.5 * noise_of(window.luma)).astype(np.uint8)
    grown = cv2.dilate(cv2.morphologyEx(far, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)), np.ones((3, 3), np.uint8))
    mask = cv2.resize(grown, (box.right - box.left, box.bottom - box.top), interpolation=cv2.INTER_NEAREST) > 0
    return mask if float(mask.mean()) > 0.1 else np.ones_like(mask)


def _alone(defect: Defect, height: int, width: int) -> Mask:
    out = np.zeros((height, width), np.bool_)
    out[defect.box.rows, defect.box.columns] = defect.mask
    return out


# The record ---------------------------------------------------------------------------------------------------------------------------


def shot_of(project: Project, frame: int) -> Shot:
    """The recorded shot that a frame lies in. Raises `LedgerError`."""
    for row in project.ledger.shots():
        if row.shot.start <= frame < row.shot.stop:
            return row.shot
    raise LedgerError(f"frame {frame}: not analysed yet; let the restoration come past it first")
