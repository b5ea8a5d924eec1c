"""Toy hands in torch as `frdm train` leaves them: a compact one that copies sound film and fills the rest, one of size paper that is
noise.
"""

from dataclasses import replace
from pathlib import Path

from frdm.diffusion.schedule import Schedule
from frdm.model.checkpoint import save_model
from frdm.model.conditioners import SmallConditionerParams
from frdm.model.frdm import Frdm
from frdm.model.loading import BackboneFolders, fingerprint, open_backbone
from model.small_models import TOY, TOY_PAPER, awake, toy, write_backbone

COPIES = replace(TOY, schedule=Schedule("cosine", "clean"), adds=True)  # untrained, its answer is the tile with the matte filled
LONGEST = 12  # tokens of a caption, of the toy backbone


def compact(*, words: int = 0, amount: float = 0.0, seed: int = 0) -> Frdm:
    """`words`: of captions that it reads, 0: it knows tags. `amount`: of noise on its weights, which are half-precision numbers."""
    assert TOY.small is not None
    small = replace(TOY.small, conditioners=SmallConditionerParams(16, words=words))
    model = toy(replace(COPIES, small=small), seed)
    awake(model, amount)
    return model.eval()


def write_compact(path: Path, *, words: int = 0, amount: float = 0.0, seed: int = 0, stage: str = "frdm") -> Path:
    save_model(compact(words=words, amount=amount, seed=seed), path, {"stage": stage})
    return path


def write_paper(folder: Path, *, bound: bool = True) -> tuple[Path, Path]:
    """(weights, backbone). `bound`: the weights know their backbone by its sum."""
    folders = BackboneFolders(write_backbone(folder / "backbone"))
    model = Frdm(TOY_PAPER, open_backbone(folders))
    awake(model.guidance)  # type: ignore[arg-type] # which is there
    path = folder / "paper.safetensors"
    save_model(model, path, {"stage": "frdm"}, backbone=fingerprint(folders) if bound else "")
    return path, folders.folder
