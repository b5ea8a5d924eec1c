"""Where the shared material lies, if it does."""

import os
from pathlib import Path

import pytest


def shared(name: str) -> Path:
    """A folder of the shared material; the test is skipped where it is absent."""
    root = Path(os.environ.get("FRDM_SHARED") or Path(__file__).parents[2].parent / "shared")
    folder = root / name
    if not folder.is_dir():
        pytest.skip(f"the shared material has no {name} (set FRDM_SHARED)")
    return folder
