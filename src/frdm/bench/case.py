"""A suite of cases on disk: folders of PNG frames, one folder a case, and a manifest.

SUITE/suite.json                                         what each case is (a suite without it is understood from its folders)
SUITE/CASE/damaged/%05d.png                              the scan that a method restores
SUITE/CASE/clean|ideal/%05d.png                          the truth, and an ideal repair: true content, other grain   (kind "reference")
SUITE/CASE/mask/%05d.png, SUITE/CASE/ids/%05d.png (16 bit)   painted damage; defects 1 … in each frame, standing ones 1000 …
SUITE/CASE/label/%05d.png                                what a person marked as damaged                              (kind "labelled")

A case with neither truth nor labels is of kind "real". All pictures are 8-bit, grey or R G B; names sort in the order of the frames.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, Literal, get_args

import cv2
import numpy as np
import xxhash
from numpy.typing import NDArray

from frdm.display import Picture
from frdm.errors import BenchError
from frdm.film import Mask
from frdm.metrics.restoration import Restoration

MANIFEST = "suite.json"
FORMAT = 1  # of the manifest
PACKED = [cv2.IMWRITE_PNG_COMPRESSION, 2]

CaseKind = Literal["reference", "real", "labelled"]
Role = Literal["clean", "damaged", "mask", "ids", "ideal", "label"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a case: its strata (gauge, stock, tags), where it comes from, how it was made."""

    kind: CaseKind = "reference"
    gauge: str = "unknown"  # 8 mm, 16 mm, 35 mm, home video …
    stock: str = "unknown"  # black and white, colour …
    tags: tuple[str, ...] = ()
    source: str = ""
    licence: str = ""
    recipe: str = ""  # of the damage
    seed: int | None = None
    single: bool = False  # the frames are not consecutive: each is a film of its own


@dataclass(frozen=True, slots=True)
class Case:
    """One case: its folder, what is known of it, and the names of its frames."""

    name: str
    folder: Path
    facts: Facts
    names: tuple[str, ...]

    @property
    def damaged(self) -> bool:
        """Whether there is, or may be, damage; an undamaged case measures harm alone."""
        return "undamaged" not in self.facts.tags

    def path(self, role: Role, name: str) -> Path:
        return self.folder / role / name

    def picture(self, role: Role, name: str) -> Picture:
        """One frame (H, W, 3) uint8, R G B. Raises `BenchError`."""
        return read_picture(self.path(role, name))

    def plane(self, role: Role, name: str) -> NDArray[Any]:
        """One frame of masks, ids or labels as stored: (H, W), uint8 or uint16. Raises `BenchError`."""
        stored = read_png(self.path(role, name))
        return stored if stored.ndim == 2 else np.asarray(stored.max(axis=-1))

    def truth(self, name: str, out: Picture, mattes: Mask | None = None) -> Restoration:
        """One frame's truth beside the output of a method (H, W, 3), for scoring; a missing ideal is the clean frame."""
        clean = self.picture("clean", name)
        ideal = self.picture("ideal", name) if (self.folder / "ideal").is_dir() else clean
        ids = self.plane("ids", name).astype(np.uint16)
        return Restoration(clean, self.picture("damaged", name), self.plane("mask", name) > 0, ids, ideal, out, mattes)

    def identity(self) -> str:
        """A digest of every picture of the case."""
        digest = xxhash.xxh3_64()
        for path in sorted(self.folder.glob("*/*.png")):
            digest.update(f"{path.parent.name}/{path.name}".encode())
            digest.update(path.read_bytes())
        return digest.hexdigest()

    def size(self) -> tuple[int, int]:
        """(height, width) of the frames."""
        height, width = self.picture("damaged", self.names[0]).shape[:2]
        return int(height), int(width)


@dataclass(frozen=True, slots=True)
class Suite:
    """The cases of a folder, by name, and the manifest's other entries."""

    folder: Path
    cases: tuple[Case, ...]
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return str(self.about.get("name", self.folder.resolve().name))


def open_suite(folder: Path) -> Suite:
    """The suite of a folder, with or without a manifest. Raises `BenchError` where there are no cases."""
    about = read_manifest(folder)
    told = about.pop("cases", {})
    cases = []
    for place in sorted(folder.iterdir()) if folder.is_dir() else []:
        names = tuple(path.name for path in sorted((place / "damaged").glob("*.png")))
        if names:
            facts = facts_of(told[place.name]) if place.name in told else understood(place)
            cases.append(Case(place.name, place, facts, names))
    if not cases:
        raise BenchError(f"{folder}: no case found (CASE/damaged/00000.png …); make a suite with `frdm bench build`, or give its folder")
    for case in cases:
        check(case)
    return Suite(folder, tuple(cases), about)


def facts_of(entry: Mapping[str, Any]) -> Facts:
    """A manifest's entry; what it has beyond the facts that we know is left alone."""
    known = {one.name for one in fields(Facts)}
    values: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in entry.items() if key in known}
    return Facts(**values)


def read_manifest(folder: Path) -> dict[str, Any]:
    """The manifest of a suite; empty where there is none. Raises `BenchError`."""
    path = folder / MANIFEST
    if not path.is_file():
        return {}
    try:
        about = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BenchError(f"{path}: can't be read as JSON ({error}); build the suite again") from None
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise BenchError(f"{path}: a manifest of format {FORMAT} wanted, another found; build the suite again with this version")
    return about


def understood(folder: Path) -> Facts:
    """What a case without an entry in a manifest must be."""
    if (folder / "label").is_dir():
        return Facts("labelled")
    if not (folder / "clean").is_dir():
        return Facts("real")
    untouched = not any(read_png(path).any() for path in sorted((folder / "mask").glob("*.png")))
    return Facts(tags=("undamaged",) if untouched else ())


def check(case: Case) -> None:
    """Every folder that the kind asks for has the scan's frames. Raises `BenchError`."""
    wanted = {"reference": ("clean", "mask", "ids"), "labelled": ("label",), "real": ()}[case.facts.kind]
    for role in wanted:
        found = tuple(path.name for path in sorted((case.folder / role).glob("*.png")))
        if found != case.names:
            raise BenchError(f"{case.folder / role}: {len(found)} frames found, the scan's {len(case.names)} names wanted; build it again")


def write_manifest(folder: Path, cases: Mapping[str, Facts], about: Mapping[str, Any]) -> None:
    """Write a suite's manifest; cases that it had before and that still lie there are kept."""
    before = {name: entry for name, entry in read_manifest(folder).get("cases", {}).items() if (folder / name).is_dir()}
    whole = {"format": FORMAT} | dict(about) | {"cases": before | {name: asdict(facts) for name, facts in cases.items()}}
    write_json(folder / MANIFEST, whole)


def cleared(folder: Path) -> Path:
    """A case's folder, without the pictures that an earlier build left there: they would count as frames of this one."""
    for role in get_args(Role):
        for path in (folder / role).glob("*.png"):
            path.unlink()
    return folder


def write_json(path: Path, data: Any) -> None:
    """Write JSON, whole or not at all. Raises `BenchError`."""
    part = path.with_name(path.name + ".part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise BenchError(f"{path}: can't be written ({error.strerror}); make room or give rights") from None


def frame_names(count: int) -> Iterator[str]:
    """The names of a case's frames."""
    return (f"{index:05d}.png" for index in range(count))


def read_png(path: Path) -> NDArray[Any]:
    """A picture exactly as stored: (H, W) or (H, W, 3) R G B. Raises `BenchError`."""
    try:
        picture = cv2.imdecode(np.fromfile(path, np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):
        picture = None
    if picture is None:
        raise BenchError(f"{path}: no picture can be read there; build the suite, or run the method, again")
    if picture.ndim == 3:
        picture = picture[..., 2::-1] if picture.shape[2] >= 3 else picture[..., 0]
    return np.ascontiguousarray(picture)


def read_picture(path: Path) -> Picture:
    """A picture (H, W, 3) uint8, R G B; grey is repeated. Raises `BenchError`."""
    picture = read_png(path)
    if picture.dtype != np.uint8:
        raise BenchError(f"{path}: {picture.dtype} codes found, the benchmark's frames are 8-bit; convert it")
    return np.repeat(picture[..., None], 3, axis=-1) if picture.ndim == 2 else picture


def write_png(path: Path, picture: NDArray[Any]) -> None:
    """Write (H, W) or (H, W, 3) R G B codes, 8 or 16 bits. Raises `BenchError`."""
    stored = np.ascontiguousarray(picture[..., ::-1]) if picture.ndim == 3 else picture
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(cv2.imencode(".png", stored, PACKED)[1].tobytes())
    except OSError as error:
        raise BenchError(f"{path}: can't be written ({error.strerror}); make room or give rights") from None
