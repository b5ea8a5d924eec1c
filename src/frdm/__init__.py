"""frdm: film restoration that mends what is damaged and leaves every other code value of the scan as it was.

The Python API has the command's names: `open_scan`, `restore`, `detect`, `render`, `decide`, `verify`, `report_data`, and `Recipe` for the
settings. Jobs are generators of `Progress`; the last item has the summary:

    for step in frdm.restore("scan", "restored", recipe=frdm.Recipe()):
        print(step.frame, step.found)
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from frdm.errors import FrdmError as FrdmError
    from frdm.jobs import Progress as Progress
    from frdm.jobs import Summary as Summary
    from frdm.jobs import VerifyResult as VerifyResult
    from frdm.jobs import crops as crops
    from frdm.jobs import decide as decide
    from frdm.jobs import detect as detect
    from frdm.jobs import estimate as estimate
    from frdm.jobs import render as render
    from frdm.jobs import report_data as report_data
    from frdm.jobs import restore as restore
    from frdm.jobs import verify as verify
    from frdm.media.scan import open_scan as open_scan
    from frdm.recipe import Recipe as Recipe
    from frdm.recipe import load_recipe as load_recipe

__version__ = "0.1.0"

_JOBS = ("Progress", "Summary", "VerifyResult", "crops", "decide", "detect", "estimate", "render", "report_data", "restore", "verify")
_ROOMS = {
    **dict.fromkeys(_JOBS, "frdm.jobs"),
    "FrdmError": "frdm.errors",
    "open_scan": "frdm.media.scan",
    "Recipe": "frdm.recipe",
    "load_recipe": "frdm.recipe",
}
__all__ = ["__version__", *sorted(_ROOMS)]


def __getattr__(name: str) -> Any:
    """Load what is asked for when it is asked for: `import frdm` alone must be quick."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'frdm' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)


def __dir__() -> list[str]:
    return __all__
