"""The few things that numpy and torch write differently, so that one code serves both; torch itself is never imported."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = Any  # numpy.ndarray or torch.Tensor, floating


def like(array: Array, values: NDArray[Any]) -> Array:
    """Values as the same kind of array, of the same type and on the same device."""
    return np.asarray(values, array.dtype) if isinstance(array, np.ndarray) else array.new_tensor(values)


def zeros(array: Array, shape: Sequence[int]) -> Array:
    """Zeros of a shape, of the same kind, type and device."""
    return np.zeros(shape, array.dtype) if isinstance(array, np.ndarray) else array.new_zeros(shape)


def stacked(parts: Sequence[Array]) -> Array:
    """Arrays of one shape as one with a new first axis."""
    out = zeros(parts[0], (len(parts), *parts[0].shape))
    for place, part in enumerate(parts):
        out[place] = part
    return out


def chosen(mask: NDArray[np.bool_], inside: Array, outside: Array) -> Array:
    """`inside` where the mask (broadcast), bit by bit, `outside` elsewhere."""
    if isinstance(inside, np.ndarray):
        return np.where(mask, inside, outside)
    return inside.where(inside.new_tensor(mask).bool(), outside)
