"""A run's row in the table of the hand: on windows of held-out films, beside what else could be put there."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from frdm.errors import DatasetError
from frdm.train.hand_scores import Restorer, by_diffusion, by_regression, held, nearest, nothing, scored, table, telea
from frdm.train.hand_settings import HandTraining, tiles_for
from frdm.train.hand_shipping import load_hand_run, stage_of


def score(
    checkpoint: Path, data: Path, *, steps: Sequence[int], most: int, backbone: Path | None = None, on: tuple[str, int] = ("cpu", 1)
) -> Iterator[str]:
    """The table's lines; `on`: device and threads. Raises `DatasetError`."""
    device, threads = on
    torch.set_num_threads(threads)
    model, learned = load_hand_run(checkpoint, backbone=backbone)
    settings = HandTraining(params=model.params, tiles=tiles_for(model.params), device=device)
    tiles = held(data, settings, most)
    if not tiles:
        raise DatasetError(f"{data}: no held-out window whose centre is damaged found; make some with `frdm train film-windows --kind val`")
    model = model.to(device).eval()
    restorers: dict[str, Restorer] = {"the film as it is": nothing, "Telea": telea, "the two nearest frames": nearest}
    if model.preprocess is not None:
        restorers["preprocess module alone"] = by_regression(model, settings)
    if stage_of(checkpoint) == "frdm":
        restorers |= {f"diffusion, {n} step{'s' * (n > 1)}": by_diffusion(model, settings, n) for n in steps}
    yield f"{checkpoint}: {learned} steps; {len(tiles)} windows of held-out films, inside of the defects of their centre frames"
    yield ""
    yield from table(scored(tiles, restorers))
