"""The hand of what a user gives: a folder that a model was exported to, or a model that has not left torch."""

from pathlib import Path

from frdm.errors import WeightsError
from frdm.fills.hand_net import open_exported_hand
from frdm.fills.hand_torch import Device, Hand, open_torch_hand


def open_hand(path: Path, *, backbone: Path | None = None, device: Device = "cpu") -> Hand:
    """The hand whose files lie in a folder, as `frdm.model.export` writes them, or a model in torch: a .safetensors file that `frdm train`
    wrote, around the `backbone` in a folder where it has one, on a `device`. Raises `WeightsError`, `RecipeError`.
    """
    if path.suffix == ".safetensors":
        return open_torch_hand(path, backbone=backbone, device=device)
    refuse_for_torch(backbone, device)
    return open_exported_hand(path)


def refuse_for_torch(backbone: Path | None, device: str) -> None:
    """Raise `WeightsError` where exported weights are asked for what only models in torch have."""
    if backbone is not None:
        raise WeightsError(f"--backbone {backbone}: exported weights have none; leave it out, or give --weights FILE.safetensors")
    if device != "cpu":
        raise WeightsError(
            f"--device {device}: exported weights run by ONNX Runtime, which takes a card by itself where it can; leave it out"
        )
