"""Tiny films and their damage, drawn with numpy: what tests work on. Films are float32 (T, H, W) or (T, H, W, 3) in 0 … 1."""

from collections.abc import Iterable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.film import Codes, Encoding, Frame

Film = NDArray[np.float32]


def film(frames: int = 8, *, height: int = 96, width: int = 128, seed: int = 1, pan: float = 1.0, grain: float = 0.008) -> Film:
    """A soft texture that pans `pan` pixels a frame under grain."""
    rng = np.random.default_rng(seed)
    reach = int(abs(pan) * frames) + 2
    texture = cv2.GaussianBlur(rng.normal(0, 1, (height, width + reach)).astype(np.float32), (0, 0), 3)
    texture = 0.2 + 0.6 * (texture - texture.min()) / np.ptp(texture)
    rows, columns = np.arange(height, dtype=np.float32), np.arange(width, dtype=np.float32)
    grid_y, grid_x = np.meshgrid(rows, columns, indexing="ij")
    moved = [cv2.remap(texture, grid_x + np.float32(abs(pan) * i), grid_y, cv2.INTER_CUBIC) for i in range(frames)]
    return (np.stack(moved) + rng.normal(0, grain, (frames, height, width))).astype(np.float32)


def two_shots(frames: int = 8, **shape: int) -> Film:
    """Two films of different texture and brightness, one after the other; the cut lies at frame `frames`."""
    return np.concatenate([film(frames, seed=1, **shape), np.clip(1.1 - film(frames, seed=9, **shape), 0, 1)])


def dirty(clean: Film, *, seed: int = 5, specks: int = 2, radius: int = 3) -> tuple[Film, NDArray[np.bool_]]:
    """(damaged film, mask of its dirt): dark and bright specks, other ones in every frame."""
    rng = np.random.default_rng(seed)
    damaged, mask = clean.copy(), np.zeros(clean.shape[:3], np.bool_)
    for index in range(clean.shape[0]):
        for number in range(specks):
            y, x = (int(rng.integers(3 * radius, size - 3 * radius)) for size in clean.shape[1:3])
            spot = np.zeros(clean.shape[1:3], np.uint8)
            cv2.circle(spot, (x, y), radius, 1, -1)
            damaged[index][spot > 0] = 0.02 if number % 2 else 0.98
            mask[index] |= spot > 0
    return damaged, mask


def codes(picture: Film, bits: int = 8) -> Codes:
    """The film as code values of full range."""
    values = np.rint(np.clip(picture, 0, 1) * (2**bits - 1))
    return values.astype(np.uint8 if bits <= 8 else np.uint16)


def write_png(folder: Path, pictures: Iterable[Codes], *, first: int = 1, stem: str = "frame_") -> Path:
    """Numbered PNG files, gray or RGB, 8 or 16 bit by their type; the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures, first):
        turned = picture[..., ::-1] if picture.ndim == 3 else picture
        assert cv2.imwrite(str(folder / f"{stem}{number:05d}.png"), turned)
    return folder


def read_png(folder: Path) -> Codes:
    """All PNG files of a folder by name, (T, H, W[, 3]), as they are stored."""
    read = [cv2.imread(str(path), cv2.IMREAD_UNCHANGED) for path in sorted(folder.glob("*.png"))]
    return np.stack([picture[..., ::-1] if picture.ndim == 3 else picture for picture in read])


def random_frame(rng: np.random.Generator, encoding: Encoding, *, height: int, width: int, index: int = 0) -> Frame:
    """A frame of noise over all code values of its encoding."""
    planes = []
    for plane in range(encoding.pictures + len(encoding.extra)):
        shape = encoding.plane_shape(plane, height, width)
        if encoding.floating:
            planes.append(rng.normal(0.5, 1, shape).astype(encoding.dtype))
        else:
            planes.append(rng.integers(0, 2**encoding.bits, shape).astype(encoding.dtype))
    return Frame(index, tuple(planes))


def bytes_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, or the one file, by name."""
    files = sorted(p for p in folder.rglob("*") if p.is_file()) if folder.is_dir() else [folder]
    return {str(p.relative_to(folder.parent)): p.read_bytes() for p in files}
