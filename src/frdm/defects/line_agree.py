"""Whether the frames around agree about a line: a scratch stands in them too, or lives in one frame alone and is not in them at all.

A moulding, a paper's edge or a fold that is taken for a line in one frame is in the next ones as well, and is taken for none there: mended,
it would blink. Each neighbour is asked as if it were the centre, on the look that the window has: motion between two neighbours is that
from the centre to the one less that to the other.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from frdm.defects.line_features import Tracks
from frdm.defects.line_judge import load_judge
from frdm.defects.line_look import Look
from frdm.defects.line_measure import measure
from frdm.defects.ridges import find_paths
from frdm.film import Mask

STANDS = 0.7  # probability from which a neighbour shows the line as one, asked as if it were the centre …
NEAR = 7.0  # … px of a 480-line picture from the centre's, in the middle of its bands
GONE = 0.4  # how much of a line's contrast stands out in a neighbour at most that does not show it
AGREE = 0.75  # share of the neighbours that must show the line as one, or not at all


def candidates(look: Look) -> tuple[Tracks, NDArray[np.float64]] | None:
    """(candidate lines of the centre followed through the window, how likely each is a scratch); None: there is none."""
    paths = find_paths(look.small, look.noise, look.unit)
    if not len(paths):
        return None
    tracks, numbers = measure(look, paths)
    return tracks, load_judge("line").chance(numbers)


def gone(tracks: Tracks) -> Mask:
    """(neighbours, n) whether hardly anything stands out in each neighbour where a line might have gone."""
    shown = np.maximum(tracks.shown.sum(1), 1)
    own = np.maximum((tracks.height * tracks.shown).sum(1) / shown, 1e-4)
    out: Mask = (tracks.raw * tracks.shown).sum(-1) / shown / own <= GONE
    return out


def passing(tracks: Tracks) -> Mask:
    """(n,) whether each line lives in the centre alone, or all but alone."""
    out: Mask = gone(tracks).mean(0) >= AGREE
    return out


def agreed(look: Look, tracks: Tracks, shown: Mask) -> Mask:
    """(n,) whether enough neighbours agree about each line, which is seen in the bands `shown` (n, bands). They are asked from the nearest
    on, until nothing that they say would change anything.
    """
    agree = gone(tracks)
    left = ~agree
    for k in np.argsort(np.abs(look.offsets), kind="stable"):
        asks = left[k] & (agree.mean(0) < AGREE) & ((agree | left).mean(0) >= AGREE)
        left[k] = False
        if asks.any():
            agree[k] |= asks & standing(seen_from(look, int(k)), tracks, shown)
    out: Mask = agree.mean(0) >= AGREE
    return out


def standing(look: Look, tracks: Tracks, shown: Mask) -> Mask:
    """(n,) whether another frame's look has a likely line of the same sign where each line is seen."""
    found = candidates(look)
    out = np.zeros(len(tracks), bool)
    if found is None:
        return out
    others, chance = found[0].only(found[1] >= STANDS), found[1][found[1] >= STANDS]
    for i in range(len(tracks) if len(chance) else 0):
        away = np.median(np.abs(others.path - tracks.path[i])[:, shown[i]], axis=1)
        out[i] = bool(((away < NEAR * look.unit) & (others.sign == tracks.sign[i])).any())
    return out


def seen_from(look: Look, k: int) -> Look:
    """The look with its neighbour `k` as the centre and the centre among the neighbours, nearest first."""
    others = [j for j in range(len(look.offsets)) if j != k]
    offsets = np.append(look.offsets[others], 0) - look.offsets[k]
    order = np.lexsort((offsets, np.abs(offsets)))
    still = np.zeros_like(look.across[:1])
    across, down = (np.concatenate([d[others], still]) - d[k] for d in (look.across, look.down))
    sound = np.concatenate([look.sound[others] & look.sound[k], look.sound[k][None]])
    small = [look.small[1 + j] for j in others] + [look.small[0]]
    pictures = (look.small[1 + k], *(small[i] for i in order))
    return replace(look, small=pictures, offsets=offsets[order], across=across[order], down=down[order], sound=sound[order])
