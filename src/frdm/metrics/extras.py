"""Libraries that only some scores need: loaded when asked for, with a plain word when they are missing."""

from importlib import import_module
from pathlib import Path
from typing import Any

from frdm.errors import MetricError


def extra(module: str, *, score: str, install: str = "frdm[bench]") -> Any:
    """The module, or a `MetricError` that says what to install for this score."""
    try:
        return import_module(module)
    except ImportError as error:
        missing = (error.name or module).split(".")[0]
        raise MetricError(
            f"{score}: the library {missing} is not installed; run `pip install '{install}'` or leave this score out"
        ) from None


def weight_file(path: Path | str | None, *, score: str, wanted: str) -> Path:
    """The local weight file of a learned score. Raises `MetricError` when none was given or it isn't there: none is ever downloaded."""
    if path is None:
        raise MetricError(f"{score}: no weight file given, wanted {wanted}; frdm downloads none, give the path of yours (docs/metrics.md)")
    place = Path(path)
    if not place.is_file():
        raise MetricError(f"{place}: no such file, {score} wants {wanted}; look at the path")
    return place
