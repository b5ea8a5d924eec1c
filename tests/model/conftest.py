"""A toy backbone on disk, written once; the script that a file of tests is about."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    from small_models import write_backbone

    return write_backbone(tmp_path_factory.mktemp("models") / "backbone")


@pytest.fixture(scope="module")
def script(request: pytest.FixtureRequest) -> ModuleType:
    """The file of scripts/ that the tests' own file names as `SCRIPT`, loaded as a module."""
    path = Path(__file__).parents[2] / "scripts" / request.module.SCRIPT
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module
