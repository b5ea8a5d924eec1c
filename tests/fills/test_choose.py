"""Which fill is taken: real film where nothing speaks against it, the hand where it has shown that it is surer, else none."""

from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

import tiny
from fills.test_hand import GREY, Film, hand, levels_of
from fills.test_neighbours import ground_of, hole_at, window_of
from frdm.fills import choose
from frdm.fills.choose import CERTAIN, MARGIN, PROVEN, SEEN, Evidence, Scene, better, doubted, evidence_of, fill_all
from frdm.fills.hand import HandSettings
from frdm.fills.hand_job import HandJob
from frdm.fills.lines import fill_line
from frdm.fills.neighbours import Fill, fill, site_of
from frdm.fills.rehearsal import rehearsed
from frdm.film import Box, Defect, Frame, Patch, Provenance
from frdm.recipe import Filling

BOX = Box(0, 0, 0, 1, 1)
PATCH = Patch(BOX, (np.ones((1, 1), np.uint16),), (np.ones((1, 1), np.uint16),))


def made(engine: str, trust: float, *, held: str = "") -> Fill:
    return Fill(None if held else PATCH, Provenance(engine, trust=trust), held)


@pytest.mark.parametrize(
    ("film", "by_hand", "shown", "belief", "taken"),
    [
        (made("neighbours", 0.4), made("diffusion", 1.0), PROVEN, None, "diffusion"),
        (made("neighbours", 0.4), made("diffusion", 1.0), PROVEN - 0.01, None, "neighbours"),  # not so well rehearsed
        (made("neighbours", 0.4), made("diffusion", PROVEN - 0.01), 1.0, None, "neighbours"),
        (made("neighbours", 0.2, held="lost"), made("diffusion", 0.9), 0.9, 0.2, "diffusion"),
        (made("neighbours", 0.2, held="lost"), made("diffusion", 0.9), 0.35 + MARGIN, 0.2, "diffusion"),
        (made("neighbours", 0.2, held="lost"), made("diffusion", CERTAIN), CERTAIN, 0.94, "diffusion"),  # no more can be asked
        (made("neighbours", 0.2, held="lost"), made("diffusion", 0.9), 0.6, 0.5, "lost; nor is the hand sure enough (trust 0.60)"),
        (made("neighbours", 0.2, held="lost"), made("diffusion", 0.2, held="unknown"), 0.9, 0.2, "lost; unknown"),
        (made("neighbours", 0.2, held="lost"), made("diffusion", 0.9), 0.4, 0.2, "lost; nor is the hand sure enough (trust 0.40)"),
    ],
)
def test_the_surer_fill_is_taken(film: Fill, by_hand: Fill, shown: float, belief: float | None, taken: str) -> None:
    found = better(film, by_hand, shown, least=0.35, belief=belief)
    if found.patch is None:
        assert found.reason == taken
    else:
        assert found.provenance is not None
        assert found.provenance.engine == taken


def test_the_trust_of_a_chosen_hand_is_what_it_showed() -> None:
    found = better(made("neighbours", 0.1, held="lost"), made("diffusion", 0.9), 0.8, least=0.35, belief=0.1)
    assert found.provenance is not None
    assert found.provenance.trust == 0.8


def test_belief_is_the_weaker_of_what_speaks_for_the_film() -> None:
    assert Evidence(0.9, 0.6, 0.1).belief == 0.6
    assert Evidence(0.9, 0.6, 0.1, lasting=3).belief == 0.3


@pytest.mark.parametrize("lost", [0.0, 1 - SEEN - 0.05, 1 - SEEN + 0.05, 1.0])
def test_real_film_is_doubted_where_most_motion_around_is_lost(lost: float) -> None:
    scene, defect, _ = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5))
    site = site_of(scene.window, defect, scene.ground)
    astray = np.zeros(scene.window.luma.shape, np.float32)
    rows, columns = np.nonzero(site.small_ring)
    few = slice(0, round(lost * len(rows)))
    astray[rows[few] + site.small.top, columns[few] + site.small.left] = 2.0
    near = tuple(replace(one, aligned=replace(one.aligned, inconsistency=astray)) for one in scene.window.neighbours)
    moved = replace(site, window=replace(scene.window, neighbours=near))
    assert doubted(made("neighbours", 0.9), moved) == (lost > 1 - SEEN)
    assert not doubted(made("neighbours", 0.9), moved, stills=True)
    assert doubted(made("neighbours", 0.9, held="lost"), moved)


def scene_of(clean: Film, *, wrong: float = 0.0, engine: str = "auto", noise: float = 0.02) -> tuple[Scene, Defect, Any]:
    """A dark square on the third of five frames (T, H, W), with a hand that knows the film, but for so many levels."""
    frames = [Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(clean)]
    defect, damaged = hole_at(2, 70, 90, 14), frames[2].planes[0].copy()
    damaged[defect.box.rows, defect.box.columns] = 0
    frames[2] = Frame(2, (damaged,))
    window = window_of(frames, GREY, 2)
    stand_in = hand(levels_of(clean), wrong)
    settings = Filling(engine=engine)  # type: ignore[arg-type]
    ground = replace(ground_of(window, defect, GREY), noise=np.full(window.luma.shape, noise, np.float32))
    scene = Scene(window, ground, settings, hand=HandJob(stand_in, HandSettings(steps=2)))
    return scene, defect, stand_in.see


def boiling() -> Film:
    """Film no frame of which shows what the others do: no motion can be trusted."""
    film = np.stack([cv2.GaussianBlur(f, (0, 0), 4) for f in np.random.default_rng(2).random((5, 161, 203)).astype(np.float32)])
    return np.asarray((film - film.min()) / np.ptp(film), np.float32)


def once(defect: Defect) -> int:
    return 1


def test_where_real_film_can_be_trusted_the_hand_is_not_asked() -> None:
    scene, defect, see = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5))
    (found,) = fill_all(scene, [defect], once)
    assert found.provenance is not None
    assert found.provenance.engine == "neighbours"
    assert not see.calls
    (asked,) = fill_all(replace(scene, settings=Filling(engine="diffusion")), [defect], once)
    assert asked.provenance is not None
    assert asked.provenance.engine == "diffusion"
    assert see.calls


def test_what_speaks_for_the_film_is_weighed_only_where_it_decides(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Defect] = []

    def counted(film: Fill, defect: Defect, scene: Scene, lasting: int = 1) -> Evidence:
        asked.append(defect)
        return evidence_of(film, defect, scene, lasting)

    monkeypatch.setattr(choose, "evidence_of", counted)
    scene, defect, see = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5))
    (plain,) = fill_all(scene, [defect], once)
    assert plain.provenance is not None and plain.provenance.engine == "neighbours"
    assert not asked and not see.calls
    monkeypatch.setattr(choose, "SEEN", 1.1)
    (proven,) = fill_all(scene, [defect], once)
    assert proven.provenance is not None and proven.provenance.engine == "diffusion"  # the stand-in knows the film
    assert not asked and len(see.calls) == 2
    scene, defect, _ = scene_of(boiling(), noise=0.005)
    fill_all(scene, [defect], once)
    assert asked == [defect]  # held by the neighbours: the hand must be surer than that


@pytest.mark.parametrize("wrong", [0.0, 0.15])
def test_where_no_film_can_be_trusted_the_hand_must_show_what_it_can(wrong: float) -> None:
    scene, defect, see = scene_of(boiling(), wrong=wrong, noise=0.005)
    (found,) = fill_all(scene, [defect], once)
    assert len(see.calls) == 2  # at the place, and beside it
    if wrong:
        assert found.patch is None
        assert found.reason.startswith("motion can't be trusted here (trust 0.")
        assert "; the hand can't tell what it hides" in found.reason
    else:
        assert found.provenance is not None
        assert found.provenance.engine == "diffusion"


@pytest.mark.parametrize("engine", ["auto", "diffusion"])
def test_where_motion_is_lost_nothing_large_is_invented_for_what_may_be_content(engine: str) -> None:
    scene, defect, see = scene_of(boiling(), noise=0.005, engine=engine)
    (held,) = fill_all(scene, [replace(defect, confidence=0.79)], once)
    assert held.patch is None and not see.calls
    assert held.reason.startswith("motion can't be trusted here" if engine == "auto" else "real film can't be trusted here")
    (certain,) = fill_all(scene, [replace(defect, confidence=0.81)], once)
    assert certain.provenance is not None and certain.provenance.engine == "diffusion"
    scene, defect, see = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5), engine="diffusion")
    (confirmed,) = fill_all(scene, [replace(defect, confidence=0.6)], once)
    assert confirmed.provenance is not None and confirmed.provenance.engine == "diffusion", "real film speaks for what was found"


def test_a_large_piece_that_may_be_content_is_real_films_where_that_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    scene, defect, _ = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5))
    monkeypatch.setattr(choose, "SEEN", 1.1)  # as if motion were lost: the hand, which knows this film, is asked and proves itself
    engines = []
    for confidence in (0.3, 0.9):
        (made,) = fill_all(scene, [replace(defect, confidence=confidence)], once)
        assert made.provenance is not None
        engines.append(made.provenance.engine)
    assert engines == ["neighbours", "diffusion"]


def test_a_line_is_mended_across_whatever_the_engine() -> None:
    scene, _, see = scene_of(tiny.film(5, height=161, width=203))
    line = Defect("line", "dark", Box(2, 0, 100, 161, 103), np.ones((161, 3), bool), 1.0)
    for engine in ("neighbours", "diffusion", "auto"):
        (found,) = fill_all(replace(scene, settings=Filling(engine=engine)), [line], once)  # type: ignore[arg-type]
        wanted = fill_line(scene.window, line, scene.ground, Filling())
        assert (found.patch is None) == (wanted.patch is None)
        assert found.provenance == wanted.provenance
    assert not see.calls


def test_neighbours_alone_are_what_they_were() -> None:
    scene, defect, _ = scene_of(tiny.film(5, height=161, width=203, grain=0.01, pan=1.5), engine="neighbours")
    (found,) = fill_all(replace(scene, hand=None), [defect], once)
    wanted = fill(scene.window, defect, scene.ground, Filling())
    assert found.patch is not None
    assert wanted.patch is not None
    assert np.array_equal(found.patch.codes[0], wanted.patch.codes[0])


def test_a_rehearsal_tells_who_knows_the_film_from_who_copies_it() -> None:
    scene, defect, see = scene_of(boiling(), noise=0.005)
    assert scene.hand is not None
    (knows,) = rehearsed(scene.window, [defect], scene.ground, scene.hand)
    assert knows > 0.95
    shown = see.calls[-1]["degraded"][0, 0, 2]
    true = see.clean[2, ..., 0]
    top, left = (int(side) for side in see.calls[-1]["box"][0][:2])
    differs = np.abs(shown - true[top : top + 96, left : left + 96]) > 0.01
    assert differs.sum() > 14 * 14  # the damage itself, or a part of it, and its copy beside it
    copies = replace(scene.hand, hand=replace(scene.hand.hand, step=Copies()))
    (blind,) = rehearsed(scene.window, [defect], scene.ground, copies)
    assert blind < 0.1


class Copies:
    """A second file's stand-in that gives back what it is shown: it makes sound film perfectly, and damage too."""

    shapes: dict[str, tuple[int, ...]] = {}  # noqa: RUF012

    def every(self, **inputs: Any) -> dict[str, Any]:
        return {"prediction": inputs["z"] * 0}


def test_without_room_for_a_rehearsal_nothing_is_earned() -> None:
    scene, defect, _ = scene_of(boiling(), noise=0.005)
    assert scene.hand is not None
    everywhere = replace(scene.ground, suspects=np.ones_like(scene.ground.suspects))
    assert rehearsed(scene.window, [defect], everywhere, scene.hand) == [0.0]
