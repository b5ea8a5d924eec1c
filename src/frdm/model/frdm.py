"""The film restoration diffusion model, whole, as the paper's Fig. 1 draws it.

    whole frame ──→ frame encoder ──→ tokens ─┐
    prompt ───────→ prompt encoder ─→ tokens ─┤   + box of the tile
    degraded tile → preprocess ─────→ features┤   (and the RGB pictures of its scales)
                 └→ codec ──────────→ latent ─┤
                                              ↓
    z_t ──┬──────────────────────────→ guidance ──→ residuals, edges for later tiles
          └──────────────────────────→ denoiser ←── residuals
                                          ↓
                                      prediction → (schedule) ẑ0 → codec → picture

One code, two sizes: `compact` trains whole, from nothing; in `paper` codec, denoiser, encoders and the temporal layers come from disk and
stay as they are (`frdm.model.loading`), and preprocess, fusions and guidance learn. Batches are of tiles: B everywhere below.

Source: HaineiFRDM §4.1, Fig. 1
"""

from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor, nn

from frdm.diffusion.schedule import Schedule
from frdm.errors import RecipeError
from frdm.model.attention import AttentionParams, Edges, Memory
from frdm.model.backbone import Backbone, SmallParams, small_backbone
from frdm.model.fusion import FusionParams, WithPosition
from frdm.model.guidance import Guidance, GuidanceParams, Seen, Switches, Widths
from frdm.model.layout import check_clip
from frdm.model.preprocess import Preprocess, PreprocessParams
from frdm.model.state_space import StateSpaceParams
from frdm.model.texture import TextureParams


@dataclass(frozen=True, slots=True)
class FrdmParams:
    """Everything that says how a model is built; a dataclass a module."""

    size: Literal["compact", "paper"] = "compact"
    schedule: Schedule = field(default_factory=Schedule)  # what the denoiser predicts, and at which noise
    frames: int = 5  # of a tile
    side: int = 96  # of a tile, px
    small: SmallParams | None = field(default_factory=SmallParams)  # codec, denoiser and encoders of `compact`
    preprocess: PreprocessParams = field(default_factory=PreprocessParams)
    guidance: GuidanceParams = field(default_factory=GuidanceParams)
    modules: Switches = field(default_factory=Switches)
    adds: bool = False  # a prediction of clean film adds to what the preprocess module made of the tile; it begins as that

    @staticmethod
    def compact() -> "FrdmParams":
        """What trains from nothing on one card, and runs on a processor."""
        return FrdmParams(schedule=Schedule("cosine", "clean"), adds=True)

    @staticmethod
    def paper() -> "FrdmParams":
        """The paper's, around a pretrained backbone: 16 frames of 512²."""
        return FrdmParams(
            size="paper",
            schedule=Schedule("scaled linear", "noise"),
            frames=16,
            side=512,
            small=None,
            preprocess=PreprocessParams((96, 128, 192, 256), 4, 2, StateSpaceParams(32, 16, 64), matte=False),
            guidance=GuidanceParams(AttentionParams(40, 4, 4), FusionParams(64), TextureParams(40, 12, by_matrices=False)),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Where:
    """Where tiles lie in what the whole picture shows, in pixels of the scan."""

    box: Tensor  # (B, 4): top, left, bottom, right
    size: Tensor  # (B, 2): height, width; with the padding where the whole picture was padded

    @property
    def shares(self) -> Tensor:
        """The boxes in 0 … 1, (B, 4)."""
        return self.box / self.size.repeat(1, 2)


@dataclass(frozen=True, slots=True, eq=False)
class Whole:
    """What is known of the whole frames, once for all of their tiles."""

    latent: Tensor  # (B, C, T, h', w')
    frame: Tensor  # (B, T, m, D'), tokens of the frames
    prompt: Tensor  # (B, n, D), tokens of the prompt

    def expanded(self, count: int) -> "Whole":
        """The same for `count` tiles of these frames."""
        if self.latent.shape[0] == count:
            return self
        latent, frame, prompt = (one.expand(count, *one.shape[1:]) for one in (self.latent, self.frame, self.prompt))
        return Whole(latent, frame, prompt)


@dataclass(frozen=True, slots=True, eq=False)
class Conditions:
    """All that the denoising of tiles is told beside z_t and t; the same at every step."""

    seen: Seen
    text: Tensor  # (B, n, D), the prompt as it is: what a pretrained denoiser listens to itself
    pictures: tuple[Tensor, ...]  # of the preprocess module, from the finest scale; none where it is off


class Frdm(nn.Module):
    """See the module. `see_whole` once a window, `see_tiles` once a tile, `denoise` at every step."""

    def __init__(self, params: FrdmParams, backbone: Backbone | None = None) -> None:
        super().__init__()
        if backbone is None and params.small is None:
            raise RecipeError("model of size paper: no backbone given; open one with --backbone DIR, or take the size compact")
        if params.adds and (params.schedule.predicts != "clean" or params.small is None):
            raise RecipeError(
                f"model that adds: predicts {params.schedule.predicts} in size {params.size}; only clean film in size compact adds"
            )
        self.params, on = params, params.modules
        self.backbone = backbone or small_backbone(params.small, temporal=on.temporal)  # type: ignore[arg-type]
        codec, planes = self.backbone.codec, self.backbone.codec.planes
        self.preprocess = Preprocess(planes, params.preprocess) if on.preprocess else None
        self.scale = self._scale_of_latents(params.preprocess)
        features = params.preprocess.widths[self.scale] if on.preprocess else codec.channels
        if params.adds:
            features += codec.channels
            for one in self.backbone.denoiser.out.parameters():
                nn.init.zeros_(one)
        widths = Widths(codec.channels, features, self.backbone.prompts.width, self.backbone.frames.width)
        frequencies = params.guidance.fusion.frequencies
        self.place_prompt = WithPosition(widths.prompt, frequencies) if on.guidance and on.prompt_fusion else None
        self.place_frame = WithPosition(widths.frame, frequencies) if on.guidance and on.frame_fusion else None
        encoder = self.backbone.denoiser.encoder()
        self.halvings = len(encoder.halves)
        self.guidance = Guidance(encoder, params.guidance, widths, on) if on.guidance else None

    def _scale_of_latents(self, params: PreprocessParams) -> int:
        """Which scale of the preprocess module has the latent's cells."""
        factors = [params.factor * 2**place for place in range(len(params.widths))]
        if self.backbone.codec.factor not in factors:
            raise RecipeError(
                f"codec of factor {self.backbone.codec.factor}: a preprocess scale of it was wanted, {factors} found; change params"
            )
        return factors.index(self.backbone.codec.factor)

    def see_whole(self, frames: Tensor, prompt: Tensor) -> Whole:
        """Degraded whole frames (B, planes, T, H', W') in 0 … 1, resized to about a tile, and the prompt's numbers (B, n)."""
        return Whole(self.backbone.codec.encode(frames), self.backbone.frames(frames), self.backbone.prompts(prompt))

    def see_tiles(self, degraded: Tensor, where: Where, whole: Whole, matte: Tensor | None = None) -> Conditions:
        """Degraded tiles (B, planes, T, H, W) in 0 … 1, their places, their whole frames, mattes (B, 1, T, H, W) of what is suspected."""
        check_clip(degraded, self.backbone.codec.planes, self.multiple, "tile")
        whole, local = whole.expanded(degraded.shape[0]), self.backbone.codec.encode(degraded)
        features, pictures, picture = local, (), local
        if self.preprocess is not None:
            done = self.preprocess(degraded, matte)
            features, pictures = done.features[self.scale], done.pictures
            picture = self.backbone.codec.encode(pictures[0]) if self.params.adds else picture
        if self.params.adds:
            features = torch.cat([features, picture], 1)
        frame = whole.frame if self.place_frame is None else self.place_frame(whole.frame, where.shares)
        prompt = whole.prompt if self.place_prompt is None else self.place_prompt(whole.prompt, where.shares)
        origin = where.box[:, :2] / self.backbone.codec.factor
        return Conditions(Seen(features, local, whole.latent, prompt, frame, origin), whole.prompt, pictures)

    def denoise(self, z: Tensor, t: Tensor, conditions: Conditions, memory: Memory | None = None) -> Tensor:
        """The prediction (of `params.schedule.predicts`) for z_t (B, C, T, h, w) at t (B,) in 1 … 1000."""
        return self.denoise_and_keep(z, t, conditions, memory)[0]

    def denoise_and_keep(self, z: Tensor, t: Tensor, conditions: Conditions, memory: Memory | None = None) -> tuple[Tensor, Edges]:
        """`denoise`, and what later tiles hear of these (`TileCache`)."""
        residuals, edges = None, Edges((), ())
        if self.guidance is not None:
            heard = memory if self.params.modules.memory and self.params.modules.self_attention else None
            residuals, edges = self.guidance(z, t, conditions.seen, heard)
        prediction = self.backbone.denoiser(z, t, conditions.text, residuals)
        if self.params.adds:
            prediction = prediction + conditions.seen.features[:, -z.shape[1] :]
        return prediction, edges

    @property
    def multiple(self) -> int:
        """What the sides of a tile must be multiples of."""
        coarsest: int = self.backbone.codec.factor << self.halvings
        return max(coarsest, self.preprocess.multiple if self.preprocess else 1)

    def learning(self) -> list[tuple[str, nn.Parameter]]:
        """The parameters that learn, with their names."""
        return [(name, one) for name, one in self.named_parameters() if one.requires_grad]

    def checkpoint_blocks(self, on: bool = True) -> None:
        """Run blocks again on the way back instead of keeping what they made: slower, far less memory."""
        for part in self.modules():
            if isinstance(getattr(part, "checkpointing", None), bool):
                part.checkpointing = on  # type: ignore[assignment]


def without(params: FrdmParams, *modules: str) -> FrdmParams:
    """The params with modules of `Switches` switched off by their names. Raises `RecipeError` where there is none of a name."""
    for name in modules:
        if name not in Switches.__dataclass_fields__:
            raise RecipeError(f"module {name!r}: there is none of this name; give one of {', '.join(Switches.__dataclass_fields__)}")
    return replace(params, modules=replace(params.modules, **dict.fromkeys(modules, False)))


def times(t: float, count: int, like: Tensor) -> Tensor:
    """One t for `count` tiles, as the model takes it."""
    return torch.full((count,), float(t), device=like.device)
