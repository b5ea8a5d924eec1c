"""All that people did in one copy comes back in another: painted pixels, looks, protections; and where both did something, what stands."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tiny
from frdm import jobs
from frdm.errors import LedgerError
from frdm.film import Encoding
from frdm.jobs.clipping import Extent
from frdm.jobs.drawing import Rectangle
from frdm.jobs.exporting import export_ledger
from frdm.jobs.importing import import_decisions
from frdm.jobs.layers import LayerStore, in_force, laid_over
from frdm.jobs.painting import Brush, Wish
from frdm.jobs.project import existing
from frdm.jobs.protecting import Film, protect
from frdm.jobs.reading import Frames
from frdm.ledger import browsing, undoing
from frdm.ledger.decisions import judge, repairs
from frdm.ledger.made import live_places, protections
from frdm.ledger.records import By, Selection
from frdm.media.scan import open_scan
from frdm.recipe import Recipe
from mended import run

ADA, BOB = By("Ada", "one"), By("Bob", "two")
SQUARE = Rectangle(20, 30, 27, 38)


@pytest.fixture
def copies(made: Path, tmp_path: Path) -> tuple[Path, Path]:
    """Two copies of one project."""
    for name in ("a", "b"):
        shutil.copytree(made, tmp_path / name)
    return tmp_path / "a", tmp_path / "b"


def with_brush(project: Path, work: Callable[[Any, Brush, LayerStore, Frames], Any]) -> Any:
    with existing(project, alone=False) as opened, Frames(open_scan(opened.row.film)) as frames:
        layers = LayerStore()
        return work(opened, Brush(frames, Recipe(span=3), layers), layers, frames)


def paint(project: Path, frame: int, by: By = ADA, *, shape: Rectangle = SQUARE, seed: int = 0) -> str:
    wish = Wish("reveal", seed=seed)
    done = with_brush(project, lambda p, brush, *_: brush.paint(p, range(frame, frame + 1), [shape], kind="dirt", wish=wish, by=by))
    assert done.ids, done.refused
    return str(done.ids[0])


def again(project: Path, name: str, by: By = ADA, *, seed: int = 1) -> str:
    return str(with_brush(project, lambda p, brush, *_: brush.again(p, name, Wish("reveal", seed=seed), by)).ids[0])


def guard(project: Path, frames: range, shape: Rectangle, by: By = ADA) -> int:
    return int(with_brush(project, lambda p, _, layers, read: protect(Film(p, read.scan, layers), frames, [shape], by=by)).action)


def state(project: Path) -> dict[str, Any]:
    """All that a person could see of the ledger, but for numbers."""
    with existing(project, alone=False) as opened:
        rows = browsing.listed(opened.ledger, browsing.Filter(aside=None), limit=1000)[1]
        listed = {row.id: (row.status, row.reviewed, row.aside, row.painted, row.replaces, row.box, row.provenance) for row in rows}
        order = [row.id for row in repairs(opened.ledger)]
        places = [(row.start, row.stop, row.box, row.note, row.who, row.live) for row in protections(opened.ledger, 0, 99)]
    return {"defects": listed, "order": order, "places": places}


def film(project: Path) -> list[np.ndarray]:
    """The frames as the ledger has them."""
    store, frames = LayerStore(), []
    with existing(project, alone=False) as opened, open_scan(opened.row.film) as scan:
        for frame in scan.frames():
            frames.append(laid_over(frame, in_force(store.of(opened, frame.index)), scan.info).planes[0])
            kept_out(opened, store, frame.index, scan.info.encoding)
    return frames


def kept_out(project: Any, store: LayerStore, frame: int, encoding: Encoding) -> None:
    """No accepted repair reaches into a protected place, and one version of each stands at most."""
    standing = in_force(store.of(project, frame))
    assert len({layer.row.first for layer in standing}) == len(standing)
    for layer in standing:
        extent = Extent(layer.stored.patch, layer.stored.defect_box, layer.stored.mask)
        assert not any(extent.reaches(place, encoding) for place in live_places(project.ledger, frame, frame + 1))


def carried(source: Path, to: Path, who: str = "Eve", **more: Any) -> Any:
    out = source.with_name(f"{source.name}.json")
    export_ledger(source, out, "json", overwrite=True)
    os.utime(out, (0, 0))
    return import_decisions(to, out, who=who, **more).merged


def decide(project: Path, verb: Any, by: By, *ids: str) -> None:
    with existing(project, alone=False) as opened:
        judge(opened.ledger, verb, Selection(ids=ids), by)


def undo(project: Path, by: By) -> None:
    with existing(project, alone=False) as opened:
        assert undoing.undo_last(opened.ledger, by).action is not None


def test_everything_that_people_did_comes_back(copies: tuple[Path, Path]) -> None:
    a, b = copies
    first = paint(a, 4)
    second = again(a, first)
    again(a, "000001-000", BOB)
    again(a, "000000-002", BOB)  # a held defect
    paint(a, 5, BOB)
    undo(a, BOB)
    decide(a, "confirm", BOB, "000003-002", "000002-000")
    undo(a, BOB)
    decide(a, "confirm", BOB, "000003-002", "000002-001")
    guard(a, range(8, 10), Rectangle(0, 0, 48, 30))
    guard(a, range(2, 3), Rectangle(0, 0, 10, 10), BOB)
    undo(a, BOB)
    decide(a, "reject", ADA, second)
    rehearsed = carried(a, b, rehearse=True)
    assert state(b) != state(a) and not list((b / "patches").glob("hand-*"))
    done = carried(a, b)
    assert done == rehearsed
    assert (done.made, done.renamed, done.conflicts, done.protections) == (len(list_by_hand(a)), 0, 0, 2)
    assert state(b) == state(a)
    assert all(np.array_equal(one, other) for one, other in zip(film(a), film(b), strict=True))
    nothing = carried(a, b)
    assert (nothing.taken, nothing.made, nothing.reviews, nothing.protections) == (0, 0, 0, 0)
    back = carried(b, a)
    assert (back.taken, back.made, back.reviews, back.protections) == (0, 0, 0, 0)
    for project in (a, b):
        run(jobs.render(project, project.with_name(f"film_{project.name}")))
    assert [*tiny.bytes_of(a.with_name("film_a")).values()] == [*tiny.bytes_of(b.with_name("film_b")).values()]


def list_by_hand(project: Path) -> list[str]:
    with existing(project, alone=False) as opened:
        return [row.id for row in repairs(opened.ledger) if row.span is None]


def test_two_that_painted_the_same_frame_keep_both_under_their_own_names(copies: tuple[Path, Path]) -> None:
    a, b = copies
    assert paint(a, 4) == paint(b, 4, BOB, shape=Rectangle(2, 50, 8, 60)) == "000004-p01"
    done = carried(a, b)
    assert (done.made, done.renamed, done.conflicts) == (1, 1, 0)
    assert list_by_hand(b) == ["000004-p01", "000004-p02"]
    assert carried(a, b).made == 0
    carried(b, a)
    assert all(np.array_equal(one, other) for one, other in zip(film(a), film(b), strict=True))


def test_of_two_versions_of_one_repair_the_later_stands_everywhere(copies: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = copies
    for second, (project, by) in enumerate(((a, ADA), (b, BOB))):
        for place in ("frdm.ledger.undoing.now", "frdm.ledger.merging.now"):
            monkeypatch.setattr(place, lambda second=second: f"2026-01-01T12:00:{second:02}+00:00")
        again(project, "000001-000", by, seed=second + 1)
    into_a, into_b = carried(b, a), carried(a, b)
    assert (into_a.conflicts, into_b.conflicts) == (1, 0)  # what was settled there comes along
    standing = {row.id: row.status for row in versions_of(b, "000001-000")}
    assert standing == {"000001-000": "rejected", "000001-p01": "accepted", "000001-p02": "rejected"}
    assert all(np.array_equal(one, other) for one, other in zip(film(a), film(b), strict=True))


def versions_of(project: Path, name: str) -> list[Any]:
    with existing(project, alone=False) as opened:
        rows = repairs(opened.ledger)
        first = next(row.first for row in rows if row.id == name)
        return [row for row in rows if row.first == first]


def test_a_place_that_was_protected_there_is_kept_free_here(copies: tuple[Path, Path]) -> None:
    a, b = copies
    guard(a, range(3, 6), Rectangle(18, 28, 30, 40))
    mine = paint(b, 4, BOB)
    done = carried(a, b)
    assert (done.protections, done.conflicts) == (1, 1)
    with existing(b, alone=False) as opened:
        assert browsing.by_ids(opened.ledger, [mine])[0].status == "rejected"
    film(b)
    theirs = carried(b, a)  # what was painted there lies in what is protected here
    assert theirs.made == 1
    film(a)
    undo(a, ADA)
    carried(a, b)
    assert state(b)["places"] == state(a)["places"] and not state(b)["places"][0][-1]


BROKEN: list[tuple[Callable[[Any], None], str]] = [
    (lambda d: d["pixels"].update({"000004-p01": "%%"}), "base64"),
    (lambda d: d["pixels"].update({"000004-p01": "AAAA"}), "can't be read"),
    (lambda d: d["protections"][0].update(mask="AAAA"), "mask"),
    (lambda d: d["protections"][0].update(box=[0, 0, 900, 9]), "outside of the film"),
    (lambda d: d["protections"][0].update(stop=900), "outside of the film"),
    (lambda d: d["protections"][0].update(box=[9, 9, 2, 2]), "outside of the film"),
    (lambda d: painted(d).update(box=[0, 0, 7, 8]), "isn't the defect's"),
    (lambda d: painted(d).update(frame=99), "frames that the film doesn't have"),
    (lambda d: painted(d).update(engine="../x"), "engine can't be used"),
    (lambda d: painted(d).update(trust="NaN"), "trust can't be used"),
    (lambda d: d.update(pixels=[]), "missing in it"),
    (lambda d: d["defects"][0]["reviews"].append({"number": 1}), r"reviews\.0"),
]


def painted(data: Any) -> Any:
    return next(one for one in data["defects"] if one["id"] == "000004-p01")


def test_what_can_not_be_pixels_of_this_film_is_refused_and_nothing_is_left(copies: tuple[Path, Path]) -> None:
    a, b = copies
    paint(a, 4)
    guard(a, range(8, 9), Rectangle(0, 0, 9, 9))
    before = state(b)
    path = a.with_name("a.json")
    for change, says in BROKEN:
        export_ledger(a, path, "json", overwrite=True)
        data = json.loads(path.read_text(encoding="utf-8"))
        change(data)
        path.write_text(json.dumps(data), encoding="utf-8")
        with pytest.raises(LedgerError, match=says) as caught:
            import_decisions(b, path)
        assert "\n" not in str(caught.value)
    assert state(b) == before
    assert not list((b / "patches").glob("hand-*"))


def test_a_csv_carries_looks_but_no_pixels(copies: tuple[Path, Path]) -> None:
    a, b = copies
    decide(a, "confirm", ADA, "000000-002")
    out = a.with_name("a.csv")
    export_ledger(a, out, "csv")
    assert import_decisions(b, out).merged.reviews == 1
    assert state(b)["defects"] == state(a)["defects"]
    paint(a, 4)
    export_ledger(a, out, "csv", overwrite=True)
    with pytest.raises(LedgerError, match="one decided repair isn't in"):
        import_decisions(b, out)
    assert import_decisions(b, out, partly=True).unknown == 1
