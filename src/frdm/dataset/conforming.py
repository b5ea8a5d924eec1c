"""One frame of each version: AFTER laid onto BEFORE, tones and sharpness matched, what still differs marked; or the reason against it."""

from dataclasses import dataclass, field, replace

import cv2
import numpy as np

from frdm.dataset.difference import DifferenceSettings, defect_mask
from frdm.dataset.registration import Affine, Fit, inside, left_over, refined, scale_of, warped
from frdm.dataset.sharpness import matched
from frdm.dataset.tone import toned
from frdm.film import Mask, Real
from frdm.signal.grain import high_pass
from frdm.signal.luma import LUMA

OFF = 0.06  # level beyond which a pixel is left out of tone and sharpness, unless noise is stronger
SAMPLES = 100_000  # pixels that a median is taken of
WORTH = 0.002  # share of the picture far off, from which registering again without it is worth the time
WARPED = 0.15  # px that squares may lie off before more than a shift is tried


@dataclass(frozen=True, slots=True)
class PairSettings:
    """What makes a pair. Shares are of the picture, lengths in pixels of BEFORE."""

    difference: DifferenceSettings = field(default_factory=DifferenceSettings)
    most_defect: float = 0.25  # more is no defect but another picture
    most_off: float = 0.6  # px that a tenth of the picture may still lie off
    most_noise: float = 0.08  # of the range: two versions that differ more in grain say little
    least_alike: float = 0.6  # correlation of detail outside the mask …
    most_strange: float = 0.015  # … unless what differs is less than this, as where there is nothing but sky
    least_seen: float = 0.4  # share of BEFORE's picture that AFTER shows


@dataclass(frozen=True, slots=True, eq=False)
class Conformed:
    """AFTER on BEFORE's grid (H, W, C), where it shows anything, and the defects; `reason` says why the frame is refused, if it is."""

    fit: Fit
    after: Real
    seen: Mask
    mask: Mask
    noise: float  # median deviation of what differs, 0 … 1
    off: float  # px that a tenth of the picture still lies off at least
    grain: float  # AFTER's fine detail by BEFORE's in the flat half of the picture
    reason: str | None = None

    @property
    def share(self) -> float:
        """Share of the seen picture in the mask."""
        return float(self.mask.sum() / max(int(self.seen.sum()), 1))


def luma_of(picture: Real) -> Real:
    """The luma (H, W) of a picture (H, W, 1 or 3)."""
    return np.ascontiguousarray(picture[..., 0] if picture.shape[2] == 1 else picture @ LUMA)


def conformed(before: Real, after: Real, near: Affine, settings: PairSettings) -> Conformed:
    """Lay AFTER onto BEFORE; both are levels (H, W, C) with the same C, `near` is about the geometry."""
    fit = laid(luma_of(before), luma_of(after), near)
    seen, on_grid = shown_by(after, fit, before)
    other, ends = toned(on_grid, before, seen)
    off = far_off(before, other, seen)
    if off.mean() > WORTH:  # once more without the defects: standing lines pull a picture to their side
        mended = np.where(off[..., None], other, before)
        _, shifts = left_over(luma_of(mended - other), luma_of(other), seen)
        bent = len(shifts) > 3 and float(np.median(np.hypot(*shifts.T))) > 0.5 * WARPED
        fit = refined(luma_of(mended), luma_of(after), fit.affine, whole=bent)
        seen, on_grid = shown_by(after, fit, before)
    fair = seen & ~off
    other, ends = toned(on_grid, before, fair)
    fair = seen & ~far_off(before, other, seen)
    other = matched(other, before, fair)
    mask, noise = defect_mask(before, other, seen, settings.difference, ends=ends)
    calm = seen & ~grown(mask, 2)
    astray, _ = left_over(luma_of(before) - luma_of(other), luma_of(other), calm)
    made = Conformed(fit, other, seen, mask, noise, astray, grain_ratio(luma_of(before), luma_of(other), calm))
    return replace(made, reason=refusal(made, before, calm, settings))


def shown_by(after: Real, fit: Fit, before: Real) -> tuple[Mask, Real]:
    """(where AFTER shows anything of BEFORE's picture, AFTER on BEFORE's grid)."""
    return inside(after.shape, fit.affine, before.shape), warped(after, fit.affine, before.shape)


def laid(before: Real, after: Real, near: Affine) -> Fit:
    """The geometry near `near`: a shift, and more than that only where squares of the picture ask for it."""
    fit = refined(before, after, near)
    on_grid, seen = warped(after, fit.affine, before.shape), inside(after.shape, fit.affine, before.shape)
    if not seen.any():
        return fit
    even = on_grid + np.float32(np.median(before[seen]) - np.median(on_grid[seen]))
    _, shifts = left_over(before - even, even, seen)
    if len(shifts) > 3 and float(np.median(np.hypot(*shifts.T))) > WARPED:
        return max(fit, refined(before, after, fit.affine, whole=True), key=lambda each: each.likeness)
    return fit


def far_off(before: Real, after: Real, seen: Mask) -> Mask:
    """Pixels that differ far more than most: defects, and what moved."""
    size = np.abs(before - after).max(2)
    every_nth = max(1, size.size // SAMPLES)
    usual = 1.4826 * float(np.median(size[seen][::every_nth])) if seen.any() else 0.0
    return grown(size > max(OFF, 5 * usual), 1)


def grown(mask: Mask, pixels: int) -> Mask:
    """The mask, larger by so many pixels on all sides."""
    return np.asarray(cv2.dilate(mask.astype(np.uint8), np.ones((2 * pixels + 1, 2 * pixels + 1), np.uint8)) > 0)


def grain_ratio(before: Real, after: Real, calm: Mask) -> float:
    """AFTER's fine detail as a share of BEFORE's where the picture is flattest: near 0 where grain was taken off."""
    slow = cv2.GaussianBlur(after, (0, 0), 2.0)
    slope = np.abs(cv2.Laplacian(slow, cv2.CV_32F))
    if not calm.any():
        return 1.0
    flat = calm & (slope <= np.quantile(slope[calm], 0.3))
    one, other = (float(high_pass(picture)[flat].std()) for picture in (before, after))
    return other / max(one, 1e-5)


def refusal(made: Conformed, before: Real, calm: Mask, settings: PairSettings) -> str | None:
    """Why the frame is no pair, in words; None when it is one."""
    seen = float(made.seen.mean())
    if seen < settings.least_seen:
        return f"AFTER shows only {100 * seen:.0f} % of the picture"
    alike, rest = likeness_of_detail(luma_of(before), luma_of(made.after), calm)
    if alike < settings.least_alike and rest > settings.most_strange:
        return f"the pictures are not alike (their detail correlates by {alike:.2f}, {settings.least_alike:g} wanted)"
    if made.share > settings.most_defect:
        return f"{100 * made.share:.0f} % of the picture differs, more than defects do ({100 * settings.most_defect:.0f} % allowed)"
    if made.off > settings.most_off:
        return f"parts of the picture lie {made.off:.1f} px off ({settings.most_off:g} allowed): one version is warped or of another moment"
    if made.noise > settings.most_noise:
        return f"the versions differ by {100 * made.noise:.1f} % of the range all over ({100 * settings.most_noise:.0f} % allowed)"
    return None


def figures(made: Conformed) -> dict[str, float]:
    """What was measured, for the report."""
    dx, dy = made.fit.affine[:, 2]
    said = {"dx": dx, "dy": dy, "scale": scale_of(made.fit.affine), "likeness": made.fit.likeness, "noise": made.noise}
    said |= {"off": made.off, "defect": made.share, "grain_ratio": made.grain}
    return {name: round(float(value), 5) for name, value in said.items()}


def likeness_of_detail(before: Real, after: Real, calm: Mask) -> tuple[float, float]:
    """(correlation, deviation of what differs) of two lumas' detail, coarser than grain and finer than shading, outside the defects."""
    fine, slow = 1.5, 8.0  # px
    bands = [cv2.GaussianBlur(luma, (0, 0), fine) - cv2.GaussianBlur(luma, (0, 0), slow) for luma in (before, after)]
    if int(calm.sum()) < 100:
        return 0.0, 1.0
    a, b = (band[calm] for band in bands)
    power = float(np.sqrt(np.dot(a, a) * np.dot(b, b)))
    return float(np.dot(a, b)) / max(power, 1e-9), float((a - b).std())
