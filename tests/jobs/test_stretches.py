"""What is said of a frame does not hang on the range that was asked for, on spans or on jobs, though stretches of film are heard."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from frdm.film import MendedFrame
from frdm.jobs.analysis import Plan, analyse, given_mattes
from frdm.jobs.project import weights_of
from frdm.media.scan import Scan, open_scan
from frdm.recipe import Detection, Recipe

LENGTH, SURE = 80, 28  # frames, and the only one that shows something surely dirty


def net(full: NDArray[Any], half: NDArray[Any], offsets: NDArray[Any]) -> NDArray[np.float32]:
    """Half believes in one place of every frame, and wholly in a bright blot."""
    logits = np.full((1, 2, *full.shape[2:]), -9.0, np.float32)
    logits[0, 0, 20:28, 30:38] = 0.6
    if full[0, 0, 44, 64] > 110:
        logits[0, 0, 40:48, 60:68] = 9.0
    return logits


@pytest.fixture
def scan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Scan:
    monkeypatch.setattr("frdm.defects.eye.load_net", lambda _: net)
    film = tiny.film(LENGTH, height=64, width=96, grain=0.01)
    film[:, 22:26, 32:36] += 0.3 * np.sin(np.arange(LENGTH))[:, None, None]
    film[SURE, 40:48, 60:68] = 0.98
    return open_scan(tiny.write_png(tmp_path / "scan", [tiny.codes(frame, 8) for frame in film], first=0))


def said(scan: Scan, start: int, stop: int, *, jobs: int = 1, span: int = 240) -> dict[int, list[str]]:
    """What is said of each frame."""
    recipe, out = Recipe(span=span, detection=Detection(detector="net")), dict[int, list[str]]()

    def put(step: Any) -> None:
        if isinstance(step, MendedFrame):
            repairs = [f"{one.defect.box} {one.defect.confidence}" for one in step.repairs]
            out[step.frame.index] = repairs + [f"{one.defect.box} {one.reason}" for one in step.held]

    analyse(scan, Plan(start, stop, recipe, given_mattes(scan, recipe), jobs), put)
    return out


def test_the_same_whatever_was_asked_for(scan: Scan) -> None:
    whole = said(scan, 0, LENGTH)
    assert len({str(whole[i]) for i in (5, 30, 60)}) > 1, "the sure piece is heard in its stretch, and not everywhere"
    assert said(scan, 0, LENGTH, jobs=2, span=17) == whole
    for start, stop in ((30, 60), (48, 72), (50, 51), (71, 80), (25, 47)):
        assert said(scan, start, stop) == {index: whole[index] for index in range(start, stop)}, (start, stop)


def test_what_decides_is_on_record() -> None:
    assert set(weights_of(Recipe())) == {"weights", "verdict"}
    assert set(weights_of(Recipe(detection=Detection(detector="net")))) == {"weights"}
    assert "eye_alone" in weights_of(Recipe(stills=True))["weights"]
    assert weights_of(Recipe(stills=True, detection=Detection(detector="classical"))) == {}
