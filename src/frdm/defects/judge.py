"""The object filter: gradient-boosted trees over the measured features of a piece, giving the probability that it is a defect.

The trees lie in `objects.npz` (film in colour) and `objects_grey.npz` beside this file (made by scripts/train_objects.py, described in
MODEL_CARD.md) and are walked with numpy alone.
Source: Friedman 2001 (gradient boosting).
"""

from dataclasses import dataclass
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

from frdm.arrays import read_arrays
from frdm.defects.objects import FEATURES
from frdm.errors import RecipeError

BLOCK = 128  # pieces judged at once: what they need fits the cache


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """All nodes of all trees end to end; a leaf points at itself."""

    roots: NDArray[np.int32]
    feature: NDArray[np.int32]
    threshold: NDArray[np.float32]
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    value: NDArray[np.float64]
    base: float
    depth: int

    def probability(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) probabilities of (n, len(FEATURES)) features; a piece goes left where its feature ≤ the threshold."""
        score = np.concatenate([self._score(features[i : i + BLOCK]) for i in range(0, max(len(features), 1), BLOCK)])
        out: NDArray[np.float64] = 1 / (1 + np.exp(-score))
        return out

    def _score(self, features: NDArray[np.float32]) -> NDArray[np.float64]:
        """(n,) sums of all trees' leaves: every piece goes down every tree at once."""
        flat, start = np.ascontiguousarray(features).ravel(), np.arange(len(features))[:, None] * features.shape[1]
        node = np.broadcast_to(self.roots, (len(features), len(self.roots)))
        for _ in range(self.depth):
            low = flat[start + self.feature[node]] <= self.threshold[node]
            node = np.where(low, self.left[node], self.right[node])
        out: NDArray[np.float64] = self.base + self.value[node].sum(1)
        return out


def load_trees(*, colour: bool = True) -> Trees:
    """The trees that ship with frdm: those that look at colour too, or those for black-and-white film."""
    return load_file("objects.npz" if colour else "objects_grey.npz", FEATURES)


@cache
def load_file(name: str, features: tuple[str, ...]) -> Trees:
    """Trees that ship with frdm, made for these features. Raises `RecipeError` where they are for others."""
    values: dict[str, Any] = read_arrays(files("frdm.defects").joinpath(name).read_bytes())
    if tuple(values.pop("features")) != features:
        raise RecipeError(f"frdm/defects/{name}: made for other features than this version measures; install frdm again")
    values.pop("made")
    return Trees(**{k: v if v.ndim else v.item() for k, v in values.items()})


@cache
def sum_of(name: str) -> str:
    """The sha256 of a file of trees that ships with frdm."""
    return sha256(files("frdm.defects").joinpath(name).read_bytes()).hexdigest()
