"""The line filter: boosted trees over what is measured of a candidate line, and others over what is measured of each of its bands.

They lie in `lines.npz` beside this file, made by scripts/train_lines.py. Source: Friedman 2001 (gradient boosting).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.arrays import read_arrays
from frdm.defects.judge import Trees
from frdm.errors import RecipeError
from frdm.film import Real


@dataclass(frozen=True, slots=True, eq=False)
class Judge:
    """Trees and the names of the numbers that they ask for, in their order."""

    trees: Trees
    names: tuple[str, ...]

    def chance(self, numbers: Mapping[str, Real]) -> NDArray[np.float64]:
        """Probabilities, of the numbers' own shape."""
        if missing := [name for name in self.names if name not in numbers]:
            raise RecipeError(
                f"frdm/defects/lines.npz: asks for numbers that this version does not measure ({missing[0]}); install frdm again"
            )
        columns = [np.asarray(numbers[name], np.float32) for name in self.names]
        out: NDArray[np.float64] = self.trees.probability(np.stack(columns, -1).reshape(-1, len(columns))).reshape(columns[0].shape)
        return out


@cache
def load_judge(which: str) -> Judge:
    """The trees that ship with frdm: "line" for whole candidates, "band" for their bands."""
    stored = read_arrays(files("frdm.defects").joinpath("lines.npz").read_bytes())
    values: dict[str, Any] = {k.removeprefix(f"{which}_"): v for k, v in stored.items() if k.startswith(f"{which}_")}
    names = tuple(str(name) for name in values.pop("names"))
    return Judge(Trees(**{k: v if v.ndim else v.item() for k, v in values.items()}), names)
