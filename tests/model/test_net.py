"""The model as inference asks it: whole films through tiles, either size, by torch as by ONNX."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import torch
from small_models import CAPTION, SIDE, TOY, TOY_PAPER, awake, toy

from frdm.diffusion.asking import Footage, Inference
from frdm.diffusion.inference import restore
from frdm.diffusion.planning import Plan
from frdm.model.frdm import Frdm, without
from frdm.model.loading import BackboneFolders, open_backbone
from frdm.model.net import TorchNet
from tiny import dirty, film

SETTINGS = Inference(tile=SIDE, overlap=8, frames=3, frames_overlap=1, steps=2, sampler="ddim", context=8)


def footage(prompt: object) -> Footage:
    damaged, mask = dirty(np.clip(film(4, height=48, width=56), 0, 1), specks=1)
    planes = np.ascontiguousarray(np.broadcast_to(damaged, (3, *damaged.shape)), np.float32)
    return Footage(planes, 0, 0, mask, prompt)


def test_a_film_is_restored_in_tiles_and_the_batch_changes_nothing() -> None:
    model = awake(toy(), 0.02)
    assert isinstance(model, Frdm)
    shown = footage({"gauge": "16mm"})
    one, many = (restore(TorchNet(model), shown, SETTINGS, Plan(batch=batch)).numpy() for batch in (1, 4))
    assert one.shape == shown.film.shape and np.isfinite(one).all()
    assert np.abs(one - many).max() < 1e-4
    few = restore(TorchNet(model, held=1), shown, SETTINGS, Plan(offload="weights")).numpy()
    assert np.abs(one - few).max() < 1e-4


def test_tiles_hear_their_neighbours() -> None:
    shown = footage(None)
    heard = restore(TorchNet(awake(toy(), 0.2)), shown, SETTINGS).numpy()  # type: ignore[arg-type]
    deaf = TorchNet(awake(toy(without(TOY, "memory")), 0.2))  # type: ignore[arg-type]
    assert deaf.memory() is None
    assert np.abs(restore(deaf, shown, SETTINGS).numpy() - heard).max() > 1e-4


def test_a_model_around_a_backbone_restores_with_a_caption(backbone_folder: Path) -> None:
    torch.manual_seed(0)
    model = Frdm(TOY_PAPER, open_backbone(BackboneFolders(backbone_folder)))
    awake(model.guidance, 0.1)
    told, silent = (restore(TorchNet(model), footage(prompt), SETTINGS).numpy() for prompt in (CAPTION, None))
    assert told.shape == silent.shape and np.isfinite(told).all()
    assert np.abs(told - silent).max() > 1e-5
