"""Methods run over a suite's cases: one after another, each result kept in a file of its own, so that a killed run goes on where it was.

OUT/results/METHOD/CASE.json   scores, cost, what it was made with; kept while case, method and scorer stay as they were
OUT/crops/METHOD/CASE-n.png    places worth showing
OUT/sheets/CASE_METHOD.png     of real film without a reference: scan, output, what was altered
OUT/frames/METHOD/CASE/        the restored frames, where they are asked for
"""

import json
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from frdm.bench.case import Case, Suite, write_json
from frdm.bench.crops import save_crops
from frdm.bench.machine import SCORING, digest, machine
from frdm.bench.methods import Method
from frdm.bench.real import real_sheet
from frdm.bench.scoring import again, score_case
from frdm.bench.stage import Restored, stage
from frdm.bench.watched import loaded_psutil
from frdm.errors import BenchError, FrdmError
from frdm.pictures import save_png

State = Literal["kept", "done", "failed", "left out"]


@dataclass(frozen=True, slots=True)
class Step:
    """One method on one case: what came of it."""

    method: str
    case: str
    state: State
    said: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """How a suite is run."""

    out: Path
    keep: bool = False  # the restored frames too
    fresh: bool = False  # throw old results away


def run_suite(suite: Suite, methods: Sequence[Method], asked: Asked) -> Iterator[Step]:
    """Run every method on every case that it can take; a step each. A method that fails on a case is told, and the others go on."""
    asked.out.mkdir(parents=True, exist_ok=True)
    clear_killed(asked.out)
    write_json(asked.out / "suite.json", {"name": suite.name, "cases": {case.name: asdict(case.facts) for case in suite.cases}})
    here = machine()
    scorer = digest(SCORING)
    for case in suite.cases:
        identity = case.identity()
        for method in methods:
            if method.truth and case.facts.kind != "reference":
                yield Step(method.name, case.name, "left out", "needs the truth")
                continue
            made_of = told_of(method) | {"case": identity, "scorer": scorer}
            yield one(case, method, asked, made_of, here)


def clear_killed(out: Path) -> None:
    """Remove what killed runs left; another run into the same folder may go on beside this one."""
    pid_exists = loaded_psutil().pid_exists
    for place in out.glob("work-*"):
        number = place.name.split("-")[1]
        if number.isdigit() and not pid_exists(int(number)):
            shutil.rmtree(place, ignore_errors=True)


def told_of(method: Method) -> dict[str, Any]:
    """What a method is, without the user's places."""
    settings = {key: Path(value).name for key, value in method.settings.items()}
    return {"method": method.edition, "command": method.told(), "settings": settings}


def one(case: Case, method: Method, asked: Asked, made_of: dict[str, Any], here: dict[str, Any]) -> Step:
    """One method on one case, unless its result is there already."""
    path = asked.out / "results" / method.name / f"{case.name}.json"
    if not asked.fresh and kept(path, made_of):
        return Step(method.name, case.name, "kept")
    entry: dict[str, Any] = {"method": method.name, "title": method.title, "truth": method.truth, "case": case.name}
    entry |= {"facts": asdict(case.facts), "made_of": made_of, "about": dict(method.about), "machine": here}
    work = asked.out / f"work-{os.getpid()}"
    try:
        entry |= measured(case, method, asked, work)
    except FrdmError as error:
        write_json(path, entry | {"failed": str(error)})
        return Step(method.name, case.name, "failed", str(error))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    write_json(path, entry)
    return Step(method.name, case.name, "done", f"{entry['seconds'] / entry['frames']:.2f} s/frame")


def kept(path: Path, made_of: dict[str, Any]) -> bool:
    """Whether a result is there, whole, and was made of the same."""
    try:
        entry = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return entry.get("made_of") == made_of and "failed" not in entry


def measured(case: Case, method: Method, asked: Asked, work: Path) -> dict[str, Any]:
    """Run the method, score its frames, keep what is shown."""
    restored = stage(method, case, work)
    scored = score_case(case, restored.frames, restored.mattes)
    scores = scored.scores
    if case.facts.kind == "real":
        scores = scores | restored_again(case, method, restored, work)
        save_png(asked.out / "sheets" / f"{case.name}_{method.name}.png", real_sheet(case, restored.frames))
    stem = asked.out / "crops" / method.name / case.name
    height, width = case.size()
    entry = {
        "scores": scores,
        "frames": restored.count,
        "seconds": restored.cost.seconds,
        "peak": restored.cost.peak,
        "height": height,
        "width": width,
        "crops": save_crops(case, restored.frames, scored.places, stem),
    }
    if asked.keep:
        target = asked.out / "frames" / method.name / case.name
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(restored.frames, target)
    return entry


def restored_again(case: Case, method: Method, restored: Restored, work: Path) -> dict[str, float | None]:
    """The method on its own result: a stable one leaves it as it is."""
    second = stage(method, case, work / "again", scan=restored.frames)
    return again(case, restored.frames, second.frames)


def results(out: Path) -> list[dict[str, Any]]:
    """Every result of a run, by method and case. Raises `BenchError` where there is none."""
    found = []
    for path in sorted((out / "results").glob("*/*.json")):
        try:
            found.append(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            continue  # killed while it was written: `frdm bench run` makes it again
    if not found:
        raise BenchError(f"{out}: no results found; make them with `frdm bench run`, or give its output folder")
    return found
