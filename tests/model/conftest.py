"""A toy backbone on disk, written once."""

from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def backbone_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("diffusers")
    pytest.importorskip("transformers")
    from small_models import write_backbone

    return write_backbone(tmp_path_factory.mktemp("models") / "backbone")
