"""What the hand is told of a shot while a film is restored, it is told again when a repair in that shot is made again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from opened import served

import mended
import tiny
from frdm import jobs
from frdm.fills.hand import HandSettings
from frdm.fills.neighbours import Fill, Ground
from frdm.fills.surround import fill_from_surround
from frdm.film import Defect, MendedFrame, Provenance, ScanInfo, Span
from frdm.jobs.project import existing
from frdm.ledger.decisions import repairs_between
from frdm.ledger.patches import PatchFile
from frdm.mending import Means, Shared, told
from frdm.motion.window import Window
from frdm.recipe import Detection, Filling, Recipe, ShotPrompt
from mended import FRAMES, run

CUT = FRAMES // 2
PROMPTS = (ShotPrompt(0, "motion: still, gauge: 16mm"), ShotPrompt(CUT, "motion: fast, shot size: close"))
Heard = dict[int, tuple[int, ...] | None]  # by frame, what the hand is told


def restored(place: Path, recipe: Recipe) -> Heard:
    """A film of two shots, restored with repairs that are made up; what a hand would have been told of each frame."""
    heard: Heard = {}

    def listening(source: Any, span: Span, *, info: ScanInfo, recipe: Recipe, given: Any, shared: Shared) -> Iterator[MendedFrame]:
        job = told(shared.hand, source, span, Means(info, recipe, given, shared.hand)).hand
        assert job is not None, "the recipe asks for the hand"
        heard.update(dict.fromkeys(range(span.start, span.stop), job.how.prompt))
        yield from mended.fake_mend(source, span, info=info, recipe=recipe, given=given)

    tiny.write_png(place / "scan", tiny.codes(tiny.two_shots(CUT, height=48, width=64), 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", listening)
        run(jobs.restore(place / "scan", place / "out", recipe=recipe))
    return heard


@pytest.fixture
def told_by_hand(monkeypatch: pytest.MonkeyPatch) -> Heard:
    """What the hand is told when a person asks for it, by frame, while this test runs; it makes fills of the surround."""
    heard: Heard = {}

    def by_hand(window: Window, defect: Defect, ground: Ground, settings: Filling, *, hand: object, how: HandSettings) -> Fill:
        heard[window.frame.index] = how.prompt
        made = fill_from_surround(window, defect, ground, settings)
        return Fill(made.patch, Provenance("diffusion", (), weights="abc", seed=how.seed, trust=0.5))

    monkeypatch.setattr("frdm.jobs.painting.fill_by_hand", by_hand)
    return heard


def again(client: TestClient, name: str, **more: object) -> dict[str, Any]:
    answer = client.post(f"/api/defects/{name}/again", json={"engine": "diffusion", **more})
    assert answer.status_code == 200, answer.text
    (made,) = answer.json()["made"]
    return dict(made)


@pytest.mark.parametrize("measured", [False, True])
def test_a_repair_made_again_hears_the_prompt_of_its_shot(tmp_path: Path, told_by_hand: Heard, *, measured: bool) -> None:
    filling = Filling(engine="auto", prompts=PROMPTS, measured=measured)
    heard = restored(tmp_path, Recipe(detection=Detection(film="35mm"), filling=filling))
    assert heard[0] != heard[CUT]
    with served(tmp_path) as client:
        for frame in (1, CUT + 1):
            again(client, f"{frame:06d}-000", seed=3)
        shapes = [{"type": "rectangle", "box": [20, 30, 27, 38]}]
        painted = {"start": CUT - 2, "stop": CUT + 2, "shapes": shapes, "engine": "diffusion"}
        assert len(client.post("/api/paint", json=painted).json()["made"]) == 4
    assert told_by_hand == {frame: heard[frame] for frame in (1, *range(CUT - 2, CUT + 2))}


def test_a_held_defect_that_is_mended_hears_it_too(tmp_path: Path, told_by_hand: Heard) -> None:
    heard = restored(tmp_path, Recipe(filling=Filling(engine="auto", prompts=PROMPTS)))
    with served(tmp_path) as client:
        (held, *_) = client.get("/api/defects", params={"status": "held", "start": CUT}).json()["items"]
        again(client, held["id"])
    assert told_by_hand == {held["frame"]: heard[held["frame"]]}


def test_a_prompt_that_the_weights_do_not_know_is_refused_and_nothing_is_made(tmp_path: Path) -> None:
    recipe = Recipe(filling=Filling(prompts=(ShotPrompt(0, "a man runs across a square"),)))  # real film alone: nobody has heard it yet
    tiny.write_png(tmp_path / "scan", tiny.codes(tiny.two_shots(CUT, height=48, width=64), 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(tmp_path / "scan", tmp_path / "out", recipe=recipe))
    with served(tmp_path) as client:
        refused = client.post("/api/defects/000001-000/again", json={"engine": "diffusion"})
        assert refused.status_code == 422 and "a caption found, these weights know tags alone" in refused.json()["error"]["sentence"]
        assert client.get("/api/actions").json()["actions"] == []
        assert client.post("/api/defects/000001-000/again", json={"engine": "surround"}).status_code == 200


def test_the_weights_that_ship_make_what_the_prompt_says(tmp_path: Path) -> None:
    """One defect, made again with one seed: a recipe's prompt decides the pixels, and those of two prompts differ."""
    clean = tiny.film(5, height=112, width=112)
    clean[2, 50:56, 52:58] = 0.02
    scan = tiny.write_png(tmp_path / "scan", tiny.codes(clean, 16))
    made: list[np.ndarray] = []
    for number, said in enumerate([(), (ShotPrompt(0, "motion: fast, gauge: 8mm"),), (ShotPrompt(0, "motion: fast, gauge: 8mm"),)]):
        place = tmp_path / str(number)
        recipe = Recipe(detection=Detection(detector="classical"), filling=Filling(prompts=said))
        run(jobs.restore(scan, place / "out", recipe=recipe))
        with served(place) as client:
            (found,) = client.get("/api/defects", params={"start": 2, "stop": 3}).json()["items"]
            named = again(client, found["id"], seed=5)["id"]
        with existing(place / "out.frdm", alone=False) as project:
            (row,) = [one for one in repairs_between(project.ledger, 2, stop=3) if one.id == named]
            with PatchFile(project.patches / row.file) as patches:
                made.append(patches.frame(2)[row.place].patch.codes[0].copy())
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[1], made[2])
