"""What tells a tile of the whole: encoders of the whole frame and of the prompt.

`compact` trains its own: a small convolutional encoder of the frame, and a learned embedding of each measured tag of a shot (or of each
word of a caption). `paper` takes CLIP's from disk, frozen: patch tokens of the image encoder (without the class token) and tokens of the
text encoder.

Source: HaineiFRDM §4.1.1, §6.5.5; Radford 2021 (CLIP)
"""

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from frdm.diffusion.tags import TAGS, numbers_of
from frdm.errors import RecipeError
from frdm.model.attention import frame_numbers
from frdm.model.fusion import fourier
from frdm.model.layout import as_frames, as_tokens, check_clip, unflattened

SPELLINGS = 1024  # numbers that the words of captions are told apart by


@dataclass(frozen=True, slots=True)
class SmallConditionerParams:
    """Of `compact`: width of its tokens, pixels of a side that become one token of the frame, frequencies that tell a token's place; words
    of a caption that are read, 0: tags are.
    """

    width: int = 64
    cell: int = 16
    frequencies: int = 4
    words: int = 0


class FrameEncoder(Protocol):
    """Whole frames (B, planes, T, H, W) in 0 … 1 to tokens (B, T, n, width)."""

    width: int

    def __call__(self, frames: Tensor) -> Tensor:
        """See the class."""
        ...


class PromptEncoder(Protocol):
    """What is said of a shot, as whole numbers (B, n), to tokens (B, n, width); `numbers` makes the whole numbers of words; `nothing` is
    what it makes them of where nothing is said.
    """

    width: int
    nothing: Any

    def __call__(self, numbers: Tensor) -> Tensor:
        """See the class."""
        ...


class SmallFrameEncoder(nn.Module):
    """Cells of 4 × 4 pixels, halved twice by convolutions; every token also knows its own place in the frame."""

    def __init__(self, planes: int, params: SmallConditionerParams | None = None) -> None:
        super().__init__()
        self.params = params or SmallConditionerParams()
        self.planes, self.width = planes, self.params.width
        self.first = self.params.cell // 4
        self.convolutions = nn.Sequential(
            nn.Conv2d(planes * self.first**2, self.width, 3, padding=1),
            nn.SiLU(),
            nn.Conv2d(self.width, self.width, 3, stride=2, padding=1),
            nn.SiLU(),
            nn.Conv2d(self.width, self.width, 3, stride=2, padding=1),
        )
        self.place = nn.Linear(8 * self.params.frequencies, self.width)
        self.norm = nn.LayerNorm(self.width)

    def forward(self, frames: Tensor) -> Tensor:
        """See `FrameEncoder`."""
        check_clip(frames, self.planes, self.params.cell, "whole frame")
        maps = self.convolutions(functional.pixel_unshuffle(as_frames(2 * frames - 1), self.first))
        where = self.place(fourier(_cells(maps.shape[2], maps.shape[3], maps), self.params.frequencies))
        out: Tensor = self.norm(as_tokens(maps) + where)
        return unflattened(out, 0, -1, frames.shape[2])


def _cells(height: int, width: int, like: Tensor) -> Tensor:
    """(h·w, 4): the boxes of a grid's cells in 0 … 1, row by row."""
    rows = torch.arange(height, dtype=like.dtype, device=like.device)[:, None].expand(height, width) / height
    columns = torch.arange(width, dtype=like.dtype, device=like.device)[None].expand(height, width) / width
    return torch.stack([rows, columns, rows + 1 / height, columns + 1 / width], -1).flatten(0, 1)


class TagEncoder(nn.Module):
    """One token a tag of `TAGS`, in their order; number 0 says that a tag is not known."""

    nothing: Mapping[str, str] = MappingProxyType({})

    def __init__(self, params: SmallConditionerParams | None = None) -> None:
        super().__init__()
        self.width = (params or SmallConditionerParams()).width
        self.values = nn.ModuleList(nn.Embedding(len(values) + 1, self.width) for values in TAGS.values())
        self.norm = nn.LayerNorm(self.width)

    def forward(self, numbers: Tensor) -> Tensor:
        """See `PromptEncoder`."""
        tokens = [table(numbers[:, place]) for place, table in enumerate(self.values)]
        out: Tensor = self.norm(torch.stack(tokens, 1))
        return out

    def numbers(self, said: Sequence[Mapping[str, str]]) -> Tensor:
        """(B, tags) of what is known of each shot, such as {"gauge": "16mm"}. Raises `RecipeError` on a tag or value there is not."""
        return torch.from_numpy(np.stack([numbers_of(tags) for tags in said]))


class WordEncoder(nn.Module):
    """One token a word of a caption, in their order; a word's number hangs on its letters alone, two may share one, and 0 fills up.

    It learns with the rest and knows no more of language than the captions that it learned from: a stand-in where CLIP is not at hand.
    """

    nothing = ""

    def __init__(self, params: SmallConditionerParams) -> None:
        super().__init__()
        self.width, self.longest = params.width, params.words
        self.values = nn.Embedding(SPELLINGS, self.width)
        self.norm = nn.LayerNorm(self.width)

    def forward(self, numbers: Tensor) -> Tensor:
        """See `PromptEncoder`."""
        tokens = self.values(numbers)
        out: Tensor = self.norm(tokens + frame_numbers(numbers.shape[1], self.width, tokens))
        return out

    def numbers(self, said: Sequence[str]) -> Tensor:
        """(B, words) of a caption for each shot ("" for none). Raises `RecipeError` where one is too long; none is cut off silently."""
        out = torch.zeros(len(said), self.longest, dtype=torch.int64)
        for row, caption in zip(out, said, strict=True):
            words = re.findall(r"\w+", caption.lower())
            if len(words) > self.longest:
                raise RecipeError(
                    f"prompt {_start(caption)!r}: {len(words)} words found, at most {self.longest} wanted; say it in fewer words"
                )
            for place, word in enumerate(words):
                row[place] = 1 + zlib.crc32(word.encode()) % (SPELLINGS - 1)
        return out


def _start(caption: str) -> str:
    """As much of a caption as an error shows."""
    return caption if len(caption) <= 40 else caption[:40].rstrip() + "…"


class ClipFrames(nn.Module):
    """CLIP's image encoder: tokens of its patches, of every frame; frames are encoded a few at a time."""

    mean: Tensor
    deviation: Tensor

    def __init__(self, encoder: Any, *, mean: Sequence[float], deviation: Sequence[float], frames_at_once: int = 8) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        self.width: int = encoder.config.hidden_size
        self.side: int = encoder.config.image_size
        self.frames_at_once = frames_at_once
        self.register_buffer("mean", torch.tensor(mean).view(1, -1, 1, 1), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(1, -1, 1, 1), persistent=False)

    @torch.no_grad()
    def forward(self, frames: Tensor) -> Tensor:
        """See `FrameEncoder`. The frame is resized to the encoder's square whatever its shape: a box is told in shares of both sides."""
        sized = functional.interpolate(as_frames(frames), (self.side, self.side), mode="bicubic", antialias=True).clamp(0, 1)
        normed = (sized - self.mean) / self.deviation
        tokens = [self.encoder(part).last_hidden_state[:, 1:] for part in torch.split(normed, self.frames_at_once)]
        return unflattened(torch.cat(tokens), 0, -1, frames.shape[2])

    def train(self, mode: bool = True) -> "ClipFrames":
        """Frozen: always in its evaluation mode."""
        return super().train(False)


class ClipPrompt(nn.Module):
    """CLIP's text encoder with its tokenizer."""

    nothing = ""

    def __init__(self, encoder: Any, tokenizer: Any) -> None:
        super().__init__()
        self.encoder = encoder.requires_grad_(False).eval()
        self.tokenizer = tokenizer
        self.width: int = encoder.config.hidden_size
        self.longest: int = encoder.config.max_position_embeddings

    @torch.no_grad()
    def forward(self, numbers: Tensor) -> Tensor:
        """See `PromptEncoder`."""
        tokens: Tensor = self.encoder(numbers).last_hidden_state
        return tokens

    def numbers(self, said: Sequence[str]) -> Tensor:
        """(B, longest) of a caption for each shot ("" for none). Raises `RecipeError` where one is too long; none is cut off silently."""
        for caption in said:
            found = len(self.tokenizer(caption, verbose=False)["input_ids"])
            if found > self.longest:
                raise RecipeError(f"prompt {_start(caption)!r}: {found} tokens found, at most {self.longest} wanted; say it in fewer words")
        numbers: Tensor = self.tokenizer(list(said), padding="max_length", max_length=self.longest, return_tensors="pt")["input_ids"]
        return numbers

    def train(self, mode: bool = True) -> "ClipPrompt":
        """Frozen: always in its evaluation mode."""
        return super().train(False)
