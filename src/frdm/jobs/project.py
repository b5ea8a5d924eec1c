"""A project's folder: where it lies, what it was made of, whether it may be gone on with."""

import json
import platform
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import xxhash

from frdm.defects.judge import sum_of
from frdm.errors import LedgerError, OutputError, SettingsChanged
from frdm.fills.hand_job import hand_job
from frdm.jobs.stills import album_values
from frdm.ledger import store
from frdm.ledger.lock import only_job
from frdm.ledger.patches import FOLDER
from frdm.ledger.records import ProjectRow
from frdm.ledger.store import Ledger
from frdm.media.scan import Scan
from frdm.recipe import Recipe
from frdm.runtime.session import load_net
from frdm.runtime.weights import find_weights

SUFFIX = ".frdm"
REPORT = "report.json"
WEIGHTS = ("weights", "verdict", "hand weights")  # of the eye, of the trees that hear it, and of the hand, among the versions
_HEAD = 1 << 16  # bytes of a given file that tell it from another, with name and size


@dataclass(frozen=True, slots=True)
class Project:
    """An open project."""

    folder: Path
    ledger: Ledger
    row: ProjectRow

    @property
    def patches(self) -> Path:
        return self.folder / FOLDER


def project_folder(out: Path, given: Path | None) -> Path:
    """`given`, else `OUT.frdm` beside the output."""
    return given if given is not None else out.with_name(out.name + SUFFIX)


def project_row(scan: Scan, recipe: Recipe, *, start: int, stop: int) -> ProjectRow:
    """What a restoration of this film with this recipe is recorded as."""
    identity, text, used = scan.identity(), recipe.as_json(), versions() | weights_of(recipe)
    given = {name: digest_given(path) for name, path in _given_files(recipe).items()}
    weights = [used.get("weights"), *([used["hand weights"]] if "hand weights" in used else ())]
    deciding = json.dumps([identity, text, start, stop, given, used["frdm"], *weights], sort_keys=True)
    return ProjectRow(
        film=str(scan.info.path.resolve()),
        identity=identity,
        start=start,
        stop=stop,
        recipe=text,
        settings=xxhash.xxh3_128_hexdigest(deciding.encode()),
        info=info_json(scan),
        versions=json.dumps(used, sort_keys=True),
    )


@contextmanager
def making(folder: Path, row: ProjectRow, *, fresh: bool) -> Iterator[Project]:
    """The project in `folder`, made if it isn't there; held against other jobs. One that an error leaves empty is taken away.

    Raises `SettingsChanged` when it was made of another film or with other settings, `OutputError` when the folder can't be written.
    """
    there = folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{folder}: the project's folder can't be made ({error.strerror}); give another place with --project") from None
    _refuse_foreign(folder)
    useful = True
    try:
        with only_job(folder):
            if fresh or _is_void(folder, row):
                start_over(folder)
            with Ledger(folder, create=True) as ledger:
                known = ledger.project()
                if known is None:
                    ledger.begin(row)
                else:
                    check_same(known, row, folder)
                    if known.film != row.film:
                        ledger.moved(row.film)
                try:
                    yield Project(folder, ledger, ledger.project() or row)
                finally:
                    useful = _has_results(ledger)
    finally:
        if not useful and not there:
            shutil.rmtree(folder, ignore_errors=True)


def _has_results(ledger: Ledger) -> bool:
    """Whether there is anything in it that would be lost with it."""
    return bool(ledger.spans() or ledger.last_decision()) or any(output.state != "started" for output in ledger.outputs())


def _is_void(folder: Path, row: ProjectRow) -> bool:
    """Whether a run with other settings left a project without a result: nothing is lost, so nobody need be asked."""
    if not (folder / store.NAME).is_file():
        return False
    with Ledger(folder) as ledger:
        known = ledger.project()
        return known is not None and known.settings != row.settings and not _has_results(ledger)


@contextmanager
def existing(folder: Path, *, alone: bool) -> Iterator[Project]:
    """A project that was made before; `alone`: held against other jobs. Raises `LedgerError`."""
    if not (folder / store.NAME).is_file():
        raise LedgerError(f"{folder}: not a project (no {store.NAME} in it); give the folder OUT.frdm that `frdm restore` made")
    with Ledger(folder) as ledger:
        row = ledger.project()
        if row is None:
            raise LedgerError(f"{folder}: a project without a film; run `frdm restore` again")
        if not alone:
            yield Project(folder, ledger, row)
            return
        with only_job(folder):
            yield Project(folder, ledger, row)


def film_of(project: Project) -> Path:
    """Where the film lay at the last run. Raises `LedgerError` when it is there no more."""
    film = Path(project.row.film)
    if not film.exists() and "%" not in film.name and "#" not in film.name:
        raise LedgerError(
            f"{film}: the film of {project.folder} lies there no more; bring it back, or say where it is now with frdm render --film"
        )
    return film


def start_over(folder: Path) -> None:
    """Throw away all that a project holds, except the knowledge of which films it made (only those may be replaced)."""
    old = folder / store.NAME
    if not old.exists():
        return
    try:
        with Ledger(folder) as ledger:
            outputs = ledger.outputs()
            ledger.connection.execute("PRAGMA journal_mode = DELETE")
    except LedgerError:
        outputs = []
    beside = folder / "fresh"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir()
    with Ledger(beside, create=True) as ledger:
        ledger.adopt(outputs)
        ledger.connection.execute("PRAGMA journal_mode = DELETE")
    for leftover in ("-wal", "-shm"):
        (folder / (store.NAME + leftover)).unlink(missing_ok=True)
    (beside / store.NAME).replace(old)
    shutil.rmtree(beside, ignore_errors=True)
    shutil.rmtree(folder / FOLDER, ignore_errors=True)
    (folder / REPORT).unlink(missing_ok=True)


def check_same(known: ProjectRow, row: ProjectRow, folder: Path) -> None:
    """Raise `SettingsChanged` with the first thing that differs."""
    if known.settings == row.settings:
        return
    raise SettingsChanged(f"{folder}: {_what_changed(known, row)}; use --fresh to start over or give the output a new name")


def _what_changed(known: ProjectRow, row: ProjectRow) -> str:
    if known.identity != row.identity:
        return f"this project was made of another film ({known.film}) or the film's bytes have changed since"
    if (known.start, known.stop) != (row.start, row.stop):
        return f"this project is of frames {known.start} to {known.stop - 1}, asked for were {row.start} to {row.stop - 1}"
    before, after = flatten(json.loads(known.recipe)), flatten(json.loads(row.recipe))
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            return f"the setting {name} was {before.get(name)!r} and is {after.get(name)!r} now"
    then, now = json.loads(known.versions), json.loads(row.versions)
    if then["frdm"] != now["frdm"]:
        return f"this project was begun by frdm {then['frdm']}, this is frdm {now['frdm']}, which may find other things"
    for name in WEIGHTS:
        if then.get(name) != now.get(name):
            return f"this project was begun with the {name} {then.get(name)}, these are {now.get(name)}, which may find or fill otherwise"
    return "a file that the recipe names (shots, protect or dirt map) has changed since"


def flatten(values: Mapping[str, Any], before: str = "") -> dict[str, Any]:
    """Nested settings as `stage.name`."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= flatten(value, f"{before}{name}.") if isinstance(value, Mapping) else {before + name: value}
    return flat


def _refuse_foreign(folder: Path) -> None:
    """A folder that holds other things isn't taken for a project."""
    if not folder.is_dir():
        raise OutputError(f"{folder}: a file where the project's folder was wanted; give another place with --project")
    if any(folder.iterdir()) and not (folder / store.NAME).exists() and not (folder / "lock.sqlite").exists():
        raise OutputError(f"{folder}: a folder with other things in it, not a project of frdm; give another place with --project")


def _given_files(recipe: Recipe) -> dict[str, Path]:
    given = {"shots": recipe.shots.list, "protect": recipe.protect, "dirtmap": recipe.dirtmap}
    return {name: Path(path) for name, path in given.items() if path is not None}


def digest_given(path: Path) -> str:
    """A digest of a file or of all files of a folder: names, sizes, heads; "" where nothing is."""
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path] if path.is_file() else []
    digest = xxhash.xxh3_128()
    for file in files:
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as opened:
            digest.update(opened.read(_HEAD))
    return digest.hexdigest() if files else ""


def weights_of(recipe: Recipe) -> dict[str, str]:
    """The weights that the recipe's detector and fill use, and what runs them: they decide what is found and put there.

    Raises `WeightsError`.
    """
    used = {}
    looks = recipe.detection.detector != "classical" and not recipe.whole_frame.on
    if looks:
        name = "eye_alone" if recipe.stills else "eye"
        used["weights"] = f"{find_weights(name).version} ({load_net(name).provider})"
    if recipe.detection.detector == "eye" and not recipe.stills and not recipe.whole_frame.on:
        used["verdict"] = sum_of("verdict.npz")[:12]
    if (job := hand_job(recipe)) is not None:
        used["hand weights"] = f"{job.hand.sha256} ({job.hand.step.provider})"
    return used


def versions() -> dict[str, str]:
    """frdm's, Python's and the deciding libraries' versions."""
    found = {"python": platform.python_version()}
    for name in ("frdm", "numpy", "opencv-python-headless", "av", "OpenImageIO", "scenedetect-headless", "onnxruntime"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def info_json(scan: Scan) -> str:
    """What is known of the film, as JSON; of file names the first and last, of unrelated pictures all, with what each is."""
    info = scan.info
    values = asdict(info) | album_values(scan)
    values |= {"path": str(info.path), "rate": str(info.rate), "pixel_aspect": str(info.pixel_aspect), "metadata": dict(info.metadata)}
    values["names"] = [info.names[0], info.names[-1]] if info.names else []
    return json.dumps(values, sort_keys=True, ensure_ascii=False, default=str)
