"""What generates in a project that was restored with weights of its own: those, told by name and digest; without them a refusal."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from opened import served

import mended
import tiny
from frdm import jobs
from frdm.fills.hand import HandSettings
from frdm.fills.hand_net import NAMES, LoadedHand
from frdm.fills.hand_opening import open_hand
from frdm.fills.neighbours import Fill, Ground
from frdm.fills.surround import fill_from_surround
from frdm.film import Defect, Provenance
from frdm.motion.window import Window
from frdm.recipe import Filling, Recipe
from frdm.studio.ways import ways
from mended import FRAMES, run

opened = cache(open_hand)  # each opening takes a second
PAINTED = {"start": 4, "stop": 5, "shapes": [{"type": "rectangle", "box": [20, 30, 27, 38]}], "engine": "diffusion"}


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of weights that is not frdm's own."""
    folder = tmp_path_factory.mktemp("weights") / "mine"
    folder.mkdir()
    for name in NAMES:
        (folder / f"{name}.onnx").write_bytes(files("frdm.runtime").joinpath(f"{name}.onnx").read_bytes())
    return folder


@pytest.fixture(scope="module")
def client(weights: Path) -> Iterator[TestClient]:
    """The studio on a film that was restored with them."""
    place = weights.parent
    tiny.write_png(place / "scan", tiny.codes(tiny.two_shots(FRAMES // 2, height=48, width=64), 16))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)
        run(jobs.restore(place / "scan", place / "out", recipe=Recipe(filling=Filling(engine="auto", weights=str(weights)))))
    with served(place) as studio:
        yield studio


def generating(client: TestClient) -> dict[str, object]:
    """What the page is told of the way that generates."""
    found = {one["name"]: one for one in client.get("/api/engines").json()["engines"]}
    assert all(one["available"] and one["weights"] is None for name, one in found.items() if name != "diffusion")
    return found["diffusion"]


def test_a_projects_own_weights_are_told_and_used(client: TestClient, weights: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = opened(weights).sha256
    told = generating(client)
    assert (told["available"], told["sentence"]) == (True, "")
    assert told["weights"] == {"folder": "mine", "sha256": sha256, "other": False}
    asked: list[LoadedHand] = []

    def by_hand(window: Window, defect: Defect, ground: Ground, settings: Filling, *, hand: LoadedHand, how: HandSettings) -> Fill:
        asked.append(hand)
        made = fill_from_surround(window, defect, ground, settings)
        return Fill(made.patch, Provenance("diffusion", (3, 5), weights=hand.sha256, seed=how.seed, trust=0.5))

    monkeypatch.setattr("frdm.fills.hand_job.open_hand", opened)
    monkeypatch.setattr("frdm.jobs.painting.fill_by_hand", by_hand)
    monkeypatch.setattr("frdm.fills.hand_job.load_hand", lambda: pytest.fail("the weights that ship were asked for"))
    (made,) = client.post("/api/paint", json=PAINTED).json()["made"]
    (again,) = client.post(f"/api/defects/{made['id']}/again", json={"engine": "diffusion", "seed": 3}).json()["made"]
    assert [one["weights"] for one in (made, again)] == [sha256] * 2
    assert [hand.sha256 for hand in asked] == [sha256] * 2


def test_without_them_it_is_refused_and_nothing_else_is_taken(client: TestClient, weights: Path) -> None:
    assert generating(client)["available"]
    before = client.get("/api/actions").json()["actions"]
    there = weights.rename(weights.with_name("elsewhere"))
    told = generating(client)
    assert (told["available"], told["weights"]) == (False, None)
    assert "restored with its own weights" in str(told["sentence"]) and str(weights) in str(told["sentence"])
    refused = client.post("/api/paint", json=PAINTED)
    assert refused.status_code == 409 and "can't be read" in refused.json()["error"]["sentence"]
    assert client.get("/api/actions").json()["actions"] == before
    there.rename(weights)
    assert generating(client)["available"]


def test_weights_that_are_no_nets_are_refused(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / f"{name}.onnx").write_bytes(b"no net")
    way = next(way for way in ways(Recipe(filling=Filling(engine="auto", weights=str(tmp_path)))) if way.name == "diffusion")
    assert "no nets that can be run" in way.sentence and way.weights is None


def test_weights_that_are_not_those_of_the_restoration_are_told(weights: Path) -> None:
    recipe = Recipe(filling=Filling(engine="auto", weights=str(weights)))
    sha256 = opened(weights).sha256
    found = [next(way for way in ways(recipe, used) if way.name == "diffusion").weights for used in (None, f"{sha256} (CPU)", "abc (CPU)")]
    assert [one and one.other for one in found] == [False, False, True]
    shipped = next(way for way in ways(Recipe()) if way.name == "diffusion").weights
    assert shipped is not None and (shipped.folder, shipped.sha256) == (None, sha256), "the same files, and they are not opened"


def test_a_folder_that_is_named_from_elsewhere_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    way = next(way for way in ways(Recipe(filling=Filling(engine="auto", weights="models/hand"))) if way.name == "diffusion")
    assert "start frdm studio there" in way.sentence
