"""The Python API has the command's names and loads what it needs only when asked."""

import subprocess
import sys

import pytest

import frdm


def test_every_name_is_there() -> None:
    for name in frdm.__all__:
        assert getattr(frdm, name) is not None
    assert {"open_scan", "restore", "render", "detect", "verify", "decide", "Recipe"} <= set(dir(frdm))


def test_other_names_are_not() -> None:
    with pytest.raises(AttributeError, match="no attribute 'restaurate'"):
        frdm.restaurate  # noqa: B018


def test_import_loads_nothing_heavy() -> None:
    heavy = "import sys, frdm; print(sorted({'numpy', 'cv2', 'av', 'OpenImageIO', 'sqlite3', 'pydantic'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.strip() == "[]"


def test_jobs_load_no_torch_and_no_codec() -> None:
    heavy = "import sys, frdm.jobs; print(sorted({'torch', 'av'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout.strip() == "[]"
