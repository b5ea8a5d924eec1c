"""What a suspected place may be filled with before anything is learned: film from around it, and the same place of frames nearby.

A small net that has to take dirt away pixel by pixel, by adding the opposite of it, learns that slowly; one that chooses among such
candidates begins with a fill and improves it. How a frame nearby shows the sound film around the place, and how far it agrees with the
others inside, says how much it is to be believed; what is learned is added to that (docs/frdm-training.md has the figures).
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.model.layout import as_clip, as_frames

OFFSETS = (-1, 1, -2, 2)  # frames whose same place is a candidate; beyond the clip's ends its last frame
BEGINS = (-2.0, 8.0)  # logits of the tile itself and of the film around, before anything is learned …
BELIEF = 2.0, 1.0  # … and how much a frame nearby loses by what it misses around and inside, both as logarithms
COVERED = 8.0  # what it loses where it is suspected itself
SHARP = 8.0  # learned logits are taken so many times: they have far to go
SLIGHT = 0.005  # levels of a miss below which it counts no less
LEAST = 1e-4  # share of an area that is sound, from which its mean counts
WHOLE = 0.25  # … and from which nothing of a larger area is mixed in


def filled_from_around(frames: Tensor, matte: Tensor) -> Tensor:
    """Frames (N, planes, H, W) in which what the matte (N, 1, H, W) covers shows means of the sound film around, of ever larger areas.

    Source: Gortler 1996 (push-pull)
    """
    sound = 1 - matte
    sums, shares = [frames * sound], [sound]
    while min(sums[-1].shape[2:]) > 3 and not (sums[-1].shape[2] % 2 or sums[-1].shape[3] % 2):
        sums.append(functional.avg_pool2d(sums[-1], 2))
        shares.append(functional.avg_pool2d(shares[-1], 2))
    out = sums[-1].mean((2, 3), keepdim=True) / shares[-1].mean((2, 3), keepdim=True).clamp_min(LEAST)
    out = out.expand(-1, -1, *sums[-1].shape[2:])
    for level in range(len(sums) - 1, -1, -1):
        if level < len(sums) - 1:
            out = functional.interpolate(out, scale_factor=2.0, mode="bilinear", align_corners=False)
        known = (shares[level] / WHOLE).clamp(max=1)
        out = known * sums[level] / shares[level].clamp_min(LEAST) + (1 - known) * out
    return frames * sound + out * matte


def shifted(clip: Tensor, by: int) -> Tensor:
    """(B, C, T, H, W) whose frame t shows frame t + `by`, at the ends the last there is."""
    length = clip.shape[2]
    return clip[:, :, [min(max(place + by, 0), length - 1) for place in range(length)]]


class Chooser(nn.Module):
    """Features of cells (N, width, h, w), and what speaks for each candidate, to weights of the candidates, pixel by pixel."""

    def __init__(self, width: int, factor: int) -> None:
        super().__init__()
        self.factor = factor
        self.weigh = nn.Conv2d(width, (2 + len(OFFSETS)) * factor**2, 3, padding=1)
        self.belief = nn.Parameter(torch.tensor(BELIEF))
        nn.init.zeros_(self.weigh.weight)
        nn.init.zeros_(self.weigh.bias)  # type: ignore[arg-type]

    def forward(self, features: Tensor, pictures: Tensor, filled: Tensor, matte: Tensor) -> Tensor:
        """Clips (B, planes, T, H, W), the same filled, mattes: inside of the matte a mix of the candidates, elsewhere the clip as it is."""
        nearby = [shifted(pictures, by) for by in OFFSETS]
        learned = SHARP * as_clip(functional.pixel_shuffle(self.weigh(features), self.factor), pictures.shape[2])
        weights = (learned + self._spoken_for(nearby, pictures, matte)).softmax(1)
        mixed = torch.stack([weights[:, k : k + 1] * one for k, one in enumerate((pictures, filled, *nearby))]).sum(0)
        return pictures + matte * (mixed - pictures)

    def _spoken_for(self, nearby: list[Tensor], pictures: Tensor, matte: Tensor) -> Tensor:
        """Logits (B, candidates, T, H, W) before anything is learned, but for how much each kind of miss counts."""
        agreed = (torch.stack(nearby).sum(0) - torch.stack(nearby).amax(0) - torch.stack(nearby).amin(0)) / (len(nearby) - 2)
        around, inside = self.belief
        logits = [torch.full_like(matte, begins) for begins in BEGINS]
        for by, one in zip(OFFSETS, nearby, strict=True):
            missed = filled_clip((one - pictures).abs().mean(1, keepdim=True), matte)
            apart = as_clip(functional.avg_pool2d(as_frames((one - agreed).abs().mean(1, keepdim=True)), 5, 1, 2), matte.shape[2])
            logits.append(-around * (missed + SLIGHT).log() - inside * (apart + SLIGHT).log() - COVERED * shifted(matte, by))
        return torch.cat(logits, 1)


def filled_clip(pictures: Tensor, matte: Tensor) -> Tensor:
    """`filled_from_around` of every frame of a clip."""
    return as_clip(filled_from_around(as_frames(pictures), as_frames(matte)), pictures.shape[2])
