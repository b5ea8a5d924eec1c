"""The ways to mend by hand that a project can take. Generating needs weights: its own if it was restored with some, or those that ship."""

from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from frdm.errors import FrdmError
from frdm.fills.hand_job import opened
from frdm.fills.hand_net import NAMES, SUMS
from frdm.jobs.painting import MOST_FRAMES, Engine
from frdm.recipe import Filling, Recipe
from frdm.runtime.weights import LIST, find_weights

RECORDED = "hand weights"  # among a project's versions: what generated fills while it was restored


@dataclass(frozen=True, slots=True)
class Weights:
    """What generates. `folder`: the name of the project's own, None for those that ship; `other`: not those that it was restored with."""

    folder: str | None
    sha256: str
    other: bool


@dataclass(frozen=True, slots=True)
class Way:
    """A way to mend, for at most so many frames in one go; `sentence` says why it can't be had here, "" where it can."""

    name: Engine
    frames: int
    sentence: str = ""
    weights: Weights | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"available": not self.sentence}


def ways(recipe: Recipe, used: str | None = None) -> list[Way]:
    """All of them; `used`: what generated while the project was restored, as its versions have it."""
    return [_generating(recipe, used) if name == "diffusion" else Way(name, most) for name, most in MOST_FRAMES.items()]


def _generating(recipe: Recipe, used: str | None) -> Way:
    folder, most = recipe.filling.weights, MOST_FRAMES["diffusion"]
    try:
        sha256 = " ".join(find_weights(one).sha256 for one in NAMES) if folder is None else _sha256(recipe.filling, _marks(Path(folder)))
    except FrdmError as error:
        return Way("diffusion", most, str(error) if folder is None else _missing(folder, error))
    other = used is not None and not used.startswith(sha256)
    return Way("diffusion", most, weights=Weights(None if folder is None else Path(folder).name, sha256, other))


def _missing(folder: str, error: FrdmError) -> str:
    """Why a project's own weights can't be had, and what to do."""
    where = "" if Path(folder).is_absolute() else " (it is named from where frdm restore ran: start frdm studio there)"
    return f"this project was restored with its own weights from {folder}{where}, and {error}"


def _marks(folder: Path) -> tuple[tuple[int, int] | None, ...]:
    """What tells a file, or the files of a folder, from what lay there before: when each was written, and its size."""
    names = (*(f"{one}.onnx" for one in NAMES), SUMS, LIST)
    files = [folder] if folder.suffix == ".safetensors" else [folder / name for name in names]
    found = [path.stat() if path.is_file() else None for path in files]
    return tuple(None if one is None else (one.st_mtime_ns, one.st_size) for one in found)


@lru_cache(maxsize=8)
def _sha256(filling: Filling, marks: tuple[tuple[int, int] | None, ...]) -> str:
    """What the recipe's own weights are, opened once for these `marks`. Raises `WeightsError`, `RecipeError`."""
    return opened(filling).sha256
