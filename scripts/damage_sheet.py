"""A contact sheet of every sort of damage on the drawn film, for docs/damage.md and for looking at.

    python scripts/damage_sheet.py OUT.png|OUT.jpg [--grey] [--seed 3] [--preset heavy]

Without --preset one tile a rate of the recipe, each alone and often enough to be seen; with it six reels of the preset.
"""

import argparse
from dataclasses import replace
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.damage.recipe import CATEGORIES, PRESETS, DamageRecipe, LookSettings
from frdm.damage.reel import damage_reel
from frdm.demo.scene import Stage, film
from frdm.pictures import contact_sheet, save_png

RATES = {
    "dirt.dust": 60, "dirt.clumps": 6, "dirt.sparkles": 40, "hair.hairs": 5, "hair.lint": 6, "hair.fibres": 3, "scratch.short": 10,
    "scratch.digs": 14, "stain.water": 3, "stain.fingerprints": 1, "stain.burns": 1, "lines.steady": 4, "lines.wandering": 3,
    "lines.broken": 5, "lines.rain": 1, "gate.hairs": 4, "gate.spots": 4, "edge.splices": 1, "edge.tears": 1, "edge.cue_marks": 1,
}  # fmt: skip
FRAME = 100


def only(name: str, rate: float) -> DamageRecipe:
    """A recipe with one sort of damage, without copying."""
    table, field = name.split(".")
    none = PRESETS["none"]
    look = LookSettings(spread=0, burst=0, contrast=(0.5, 1.5), gauge="16 mm")
    return replace(none, look=look, **{table: replace(getattr(none, table), **{field: rate})})


def shown(clean: NDArray[np.uint8], recipe: DamageRecipe, seed: int) -> NDArray[np.uint8]:
    """The frame with its damage, R, G, B; of seeds from `seed` on the first that shows any."""
    for each in range(seed, seed + 40):
        made = damage_reel(clean[None], recipe, seed=each, first=FRAME)
        if made.mask.any():
            break
    frame = made.degraded[0]
    return np.repeat(frame, 3, -1) if frame.shape[-1] == 1 else frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--grey", action="store_true")
    parser.add_argument("--seed", type=int, default=3)
    parser.add_argument("--preset", choices=sorted(PRESETS))
    given = parser.parse_args()
    picture = np.rint(np.clip(next(islice(film(Stage()), 5, None)), 0, 1) * 255).astype(np.uint8)
    clean = picture.mean(-1, keepdims=True).astype(np.uint8) if given.grey else picture
    if given.preset:
        tiles = [(shown(clean, PRESETS[given.preset], given.seed + n), f"{given.preset}, seed {given.seed + n}") for n in range(6)]
    else:
        assert RATES.keys() == CATEGORIES.keys()
        tiles = [(shown(clean, only(name, rate), given.seed), f"{name}: {CATEGORIES[name]}") for name, rate in RATES.items()]
    sheet = contact_sheet(tiles, columns=2 if given.preset else 4, width=640 if given.preset else 320)
    if given.out.suffix == ".jpg":
        given.out.write_bytes(cv2.imencode(".jpg", sheet[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 82])[1].tobytes())
    else:
        save_png(given.out, sheet)


if __name__ == "__main__":
    main()
