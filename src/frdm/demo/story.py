"""The demo's story: draw, dirty, restore, compare with the truth, show."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from frdm.demo.dirt import Dirtiness, Mark, dirtied, marks
from frdm.demo.scene import Stage, film
from frdm.demo.score import Score, score
from frdm.display import look
from frdm.errors import OutputError
from frdm.media.scan import open_scan
from frdm.pictures import contact_sheet, film_wipe, outlined, save_png

NAME = "reel_{:04d}.png"


@dataclass(frozen=True, slots=True)
class Places:
    """Where the demo's things lie."""

    folder: Path

    @property
    def clean(self) -> Path:
        return self.folder / "truth"

    @property
    def scan(self) -> Path:
        return self.folder / "scan"

    @property
    def restored(self) -> Path:
        return self.folder / "restored"

    @property
    def project(self) -> Path:
        return self.folder / "restored.frdm"

    @property
    def wipe(self) -> Path:
        return self.folder / "wipe.mp4"

    @property
    def still(self) -> Path:
        return self.folder / "wipe.png"

    @property
    def sheet(self) -> Path:
        return self.folder / "sheet.png"


def draw(places: Places, stage: Stage, dirtiness: Dirtiness) -> list[list[Mark]]:
    """Write the clean and the dirty film as 8-bit PNG; the dirt of every frame. Raises `OutputError`."""
    for folder in (places.clean, places.scan):
        emptied(folder)
    dirt = []
    for index, clean in enumerate(film(stage)):
        random = np.random.default_rng((stage.seed, index, 7))
        made = marks(index, clean.shape[:2], random, dirtiness)
        for folder, picture in ((places.clean, clean), (places.scan, dirtied(clean, made, random))):
            save_png(folder / NAME.format(index), np.round(picture * 255).astype(np.uint8))
        dirt.append(made)
    return dirt


def emptied(folder: Path) -> None:
    """Make the folder, without the pictures of an earlier demo; refuse one that holds other things."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        foreign = [path.name for path in folder.iterdir() if not path.match("reel_*.png*")]
        if foreign:
            raise OutputError(f"{folder}: holds {foreign[0]}, which no demo made; give the demo a folder of its own")
        for path in folder.iterdir():
            path.unlink()
    except OSError as error:
        raise OutputError(f"{folder}: can't be written ({error.strerror}); give the demo another folder") from None


def scored(places: Places, dirt: Sequence[Sequence[Mark]]) -> Score:
    """What became of the dirt, over the whole film."""
    total = Score()
    with open_scan(places.clean) as clean, open_scan(places.scan) as scan, open_scan(places.restored) as restored:
        for frames in zip(clean.frames(), scan.frames(), restored.frames(), strict=True):
            truth, dirty, mended = (look(frame, clean.info.encoding) for frame in frames)
            total = total.plus(score(truth, dirty, mended, dirt[frames[0].index]))
    return total


def show(places: Places, dirt: Sequence[Sequence[Mark]]) -> None:
    """Leave a moving wipe, a still one, and a sheet of frames before and after."""
    labels = ("scan", "restored")
    with open_scan(places.scan) as scan, open_scan(places.restored) as restored:
        film_wipe(scan, restored, places.wipe, frames=range(scan.info.length), labels=labels)
        worst = dirtiest(dirt)
        film_wipe(scan, restored, places.still, frames=range(worst[0], worst[0] + 1), labels=labels)
        tiles = []
        for index in worst:
            before, after = (look(film.frame(index), film.info.encoding) for film in (scan, restored))
            places_of_dirt = [(mark.box, "held") for mark in dirt[index]]
            tiles += [(outlined(before, places_of_dirt), f"scan, frame {index}: our dirt outlined"), (after, "restored")]
    save_png(places.sheet, contact_sheet(tiles, columns=2, width=640))


def dirtiest(dirt: Sequence[Sequence[Mark]]) -> list[int]:
    """The dirtiest frame of each of the two shots."""
    amounts = [sum(float(mark.cover.sum()) for mark in made) for made in dirt]
    half = len(dirt) // 2
    return [max(shot, key=amounts.__getitem__) for shot in (range(half), range(half, len(dirt)))]


def told(result: Score) -> list[str]:
    """The result in sentences."""
    return [
        f"{result.visible} pieces of dirt could be seen in {result.frames} frames: {result.found} found, {result.missed} missed.",
        f"{result.mended} were mended so well that at most other grain remains or a quarter of the error.",
        f"Falsely altered: {result.far_percent:.4f} % of all pixels lie far from any dirt; {result.wrong} pieces of that can be seen.",
        f"The whole film gained {result.gain:.1f} dB against the truth.",
    ]
