"""How clips lie in tensors. A clip is (B, C, T, H, W); nets of single frames see (B·T, C, H, W); attention sees tokens (N, H·W, C)."""

from torch import Tensor

from frdm.errors import RecipeError


def as_frames(clip: Tensor) -> Tensor:
    """(B, C, T, H, W) to (B·T, C, H, W): frames of one clip follow each other."""
    return clip.transpose(1, 2).flatten(0, 1)


def as_clip(frames: Tensor, length: int) -> Tensor:
    """The way back: (B·T, C, H, W) with T = `length` to (B, C, T, H, W)."""
    return unflattened(frames, 0, -1, length).transpose(1, 2)


def unflattened(tensor: Tensor, axis: int, *sizes: int) -> Tensor:
    """One axis as several; one of the sizes may be -1."""
    out: Tensor = tensor.unflatten(axis, sizes)  # type: ignore[no-untyped-call]
    return out


def as_heads(tokens: Tensor, heads: int) -> Tensor:
    """(N, L, C) to (N, heads, L, C / heads)."""
    return unflattened(tokens, 2, heads, -1).transpose(1, 2)


def as_tokens(frames: Tensor) -> Tensor:
    """(N, C, H, W) to (N, H·W, C), row by row."""
    return frames.flatten(2).transpose(1, 2)


def as_maps(tokens: Tensor, height: int) -> Tensor:
    """The way back: (N, H·W, C) with H = `height` to (N, C, H, W)."""
    return unflattened(tokens.transpose(1, 2), 2, height, -1)


def repeat_per_frame(tensor: Tensor, length: int) -> Tensor:
    """(B, …) to (B·T, …), each entry T = `length` times."""
    return tensor[:, None].expand(-1, length, *tensor.shape[1:]).flatten(0, 1)


def check_clip(clip: Tensor, channels: int, multiple: int, what: str) -> None:
    """Refuse what is no clip (B, `channels`, T, H, W) with sides that are multiples of `multiple`. Raises `RecipeError`."""
    found = "×".join(str(side) for side in clip.shape)
    if clip.ndim != 5 or clip.shape[1] != channels:
        raise RecipeError(f"{what}: a tensor of {found} found, (B, {channels}, T, H, W) wanted; give clips of {channels} channels")
    if clip.shape[3] % multiple or clip.shape[4] % multiple:
        raise RecipeError(f"{what}: {clip.shape[3]}×{clip.shape[4]} found, sides in multiples of {multiple} wanted; take another tile size")
