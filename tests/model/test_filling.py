"""What a suspected place is filled with before anything is learned."""

import pytest

pytest.importorskip("torch")

import torch
from small_models import pictures

from frdm.model.filling import BEGINS, OFFSETS, Chooser, filled_from_around, shifted
from frdm.model.preprocess import Preprocess, PreprocessParams


def matte_of(side: int = 32) -> torch.Tensor:
    matte = torch.zeros(1, 1, side, side)
    matte[:, :, 10:17, 8:20] = 1
    return matte


def test_sound_film_stays_and_what_lies_under_the_matte_is_not_seen() -> None:
    frames, matte = pictures(1)[:, :, 0], matte_of()
    filled = filled_from_around(frames, matte)
    other = filled_from_around(torch.where(matte > 0, 9.0, frames), matte)
    assert torch.equal(filled * (1 - matte), frames * (1 - matte)) and torch.equal(filled, other)
    inside = filled[matte.expand_as(filled) > 0]
    assert inside.min() > 0.2 and inside.max() < 0.8 and inside.std() < 0.5 * frames.std()  # means of noise


def test_one_tone_is_filled_with_itself_and_a_slope_nearly() -> None:
    matte = matte_of()
    flat = torch.full((1, 3, 32, 32), 0.3)
    assert torch.allclose(filled_from_around(torch.where(matte > 0, 1.0, flat), matte), flat, atol=1e-6)
    slope = torch.linspace(0, 1, 32).expand(1, 3, 32, 32)
    assert (filled_from_around(slope, matte) - slope).abs().max() < 0.12


def test_odd_sides_and_frames_that_are_all_suspected_are_filled_too() -> None:
    frames = pictures(1, side=36)[:, :, 0, :, :33]
    filled = filled_from_around(frames, torch.ones_like(frames[:, :1]))
    assert filled.shape == frames.shape and bool(torch.isfinite(filled).all())


def test_beyond_the_ends_of_a_clip_its_last_frames_are_shown() -> None:
    clip = torch.arange(4.0).view(1, 1, 4, 1, 1)
    assert shifted(clip, 2).flatten().tolist() == [2, 3, 3, 3] and shifted(clip, -1).flatten().tolist() == [0, 0, 1, 2]


def test_the_chooser_begins_with_one_mix_inside_of_the_matte_and_changes_nothing_outside() -> None:
    clip, matte = pictures(1), matte_of().unsqueeze(2).expand(-1, -1, 3, -1, -1)
    filled = clip * 0.5
    made = Chooser(16, 4)(torch.randn(3, 16, 8, 8), clip, filled, matte)
    shares = torch.tensor(BEGINS).softmax(0)
    mixed = shares[0] * clip + shares[1] * filled + sum(share * shifted(clip, by) for share, by in zip(shares[2:], OFFSETS, strict=True))
    assert torch.allclose(made, clip + matte * (mixed - clip), atol=1e-6)


def test_without_a_matte_the_module_begins_with_the_tile() -> None:
    module, clip = Preprocess(3, PreprocessParams((16, 32))), pictures(1)
    assert torch.equal(module(clip).pictures[0], clip)
    assert Preprocess(3, PreprocessParams((16, 32), matte=False)).chooser is None
