"""What a suspected place is filled with before anything is learned."""

import pytest

pytest.importorskip("torch")

import torch
from small_models import pictures

from frdm.model.filling import Chooser, filled_clip, filled_from_around, shifted
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


def chosen(clip: torch.Tensor, matte: torch.Tensor) -> torch.Tensor:
    """What a chooser makes of it before anything is learned."""
    features = torch.randn(clip.shape[2], 16, 8, 8)
    return Chooser(16, 4)(features, clip, filled_clip(clip, matte), matte).detach()


def still(frames: int = 5) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """A clip that lies still, the same with a hole in its middle frame, and its matte."""
    clean = torch.rand(1, 3, 1, 32, 32, generator=torch.Generator().manual_seed(4)).expand(-1, -1, frames, -1, -1)
    matte = torch.zeros(1, 1, frames, 32, 32)
    matte[:, :, frames // 2] = matte_of()
    return clean, torch.where(matte > 0, 1.0, clean), matte


def test_where_frames_nearby_show_the_film_around_they_are_believed_and_nothing_changes_outside() -> None:
    clean, dirty, matte = still()
    made, inside = chosen(dirty, matte), matte.expand_as(clean) > 0
    assert (made - clean).abs()[inside].mean() < 0.05 * (dirty - clean).abs()[inside].mean()
    assert torch.equal(made[~inside], dirty[~inside])


def test_where_they_show_other_film_the_film_around_is() -> None:
    clean, dirty, matte = still()
    other = torch.rand(clean.shape, generator=torch.Generator().manual_seed(9))
    moving = torch.where(matte.amax((3, 4), keepdim=True) > 0, dirty, other)
    made, inside = chosen(moving, matte), matte.expand_as(clean) > 0
    filled = filled_clip(moving, matte)
    nearest = (made - filled).abs()[inside].mean()
    assert nearest < 0.1 * (other[:, :, 1:2].expand_as(filled) - filled).abs()[inside].mean()


def test_a_frame_is_not_believed_where_it_is_suspected_itself() -> None:
    clean, _, matte = still()
    hole = matte[:, :, 2:3].expand_as(matte)
    one = [0, 2, 3, 4]  # all but frame 1 have the hole, filled with white
    every = torch.where(hole > 0, 1.0, clean)
    every[:, :, 1] = clean[:, :, 1]
    told = torch.zeros_like(matte)
    told[:, :, one] = hole[:, :, one]
    inside = hole[:, :, 2:3].expand(-1, 3, -1, -1, -1) > 0
    made = chosen(every, told)[:, :, 2:3]
    assert (made - clean[:, :, 2:3]).abs()[inside].mean() < 0.1 * (1 - clean[:, :, 2:3])[inside].mean()


def test_without_a_matte_the_module_begins_with_the_tile() -> None:
    module, clip = Preprocess(3, PreprocessParams((16, 32))), pictures(1)
    assert torch.equal(module(clip).pictures[0], clip)
    assert Preprocess(3, PreprocessParams((16, 32), matte=False)).chooser is None
