"""The stages that a frame goes through, each as a picture: scan, shots, detection, neighbours, motion, fills, diffusion, composite."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import cv2
import numpy as np

from frdm.display import Picture
from frdm.errors import RecipeError
from frdm.film import Box, Real, Shot
from frdm.jobs.layers import Layer, in_force
from frdm.jobs.painting import shot_of
from frdm.jobs.project import Project
from frdm.pictures import contact_sheet
from frdm.studio import views
from frdm.studio.asking import PictureQuery
from frdm.studio.desk import Desk, Encoded
from frdm.studio.marking import marked, with_arrows
from frdm.studio.picturing import Sight, Standing, drawn, encoded, look_of, tag_of

Stage = Literal["scan", "shots", "detection", "neighbours", "motion", "fills", "diffusion", "composite"]
STAGES: tuple[Stage, ...] = get_args(Stage)
GAP = 12  # px between tiles
LEAST = 2.0  # px of motion to the next frame: a picture whose greatest is less is darker, for it stands almost still


@dataclass(frozen=True, slots=True, eq=False)
class Here:
    """A frame as the ledger has it, in its shot."""

    shot: Shot
    standing: Standing

    @staticmethod
    def of(desk: Desk, project: Project, index: int) -> "Here":
        """As it stands now. Raises `LedgerError`, also where the frame isn't analysed yet."""
        return Here(shot_of(project, index), Standing.of(desk, project, index))

    @property
    def layers(self) -> Sequence[Layer]:
        return self.standing.layers

    @property
    def generated(self) -> list[Layer]:
        """Accepted repairs that a net made."""
        return [layer for layer in in_force(self.layers) if layer.row.provenance.engine == "diffusion"]


def told(desk: Desk, project: Project, index: int) -> list[dict[str, Any]]:
    """All stages with what is known of each; the page has the words. Raises `LedgerError`."""
    here = Here.of(desk, project, index)
    facts = _facts(desk, here, index)
    available = {"diffusion": bool(here.generated), "neighbours": len(here.shot) > 1, "motion": index + 1 < here.shot.stop}
    return [
        {
            "name": name,
            "available": available.get(name, True),
            "picture": f"/api/frames/{index}/pipeline/{name}" if available.get(name, True) else None,
            "facts": facts.get(name, {}),
        }
        for name in STAGES
    ]


def _facts(desk: Desk, here: Here, index: int) -> dict[Stage, dict[str, Any]]:
    info, mended = desk.frames.info_at(index), in_force(here.layers)
    encoding, shot = info.encoding, here.shot
    altered = sum(layer.row.altered for layer in mended)
    return {
        "scan": {
            "size": [info.width, info.height],
            "codes": {"bits": encoding.bits, "layout": encoding.layout, "transfer": encoding.transfer},
        },
        "shots": {"frames": [shot.start, shot.stop], "place": [index - shot.start + 1, len(shot)]},
        "detection": Counter(row.status for row in here.standing.defects),
        "fills": {
            "engines": sorted({layer.row.provenance.engine for layer in mended}),
            "sources": sorted({source for layer in mended for source in layer.row.provenance.sources}),
        },
        "diffusion": {"repairs": len(here.generated), "weights": sorted({layer.row.provenance.weights for layer in here.generated})},
        "composite": {"altered": altered / (info.width * info.height)},
    }


def picture(desk: Desk, index: int, name: Stage, width: int) -> tuple[Encoded, str]:
    """(one stage's picture, its tag). Raises `LedgerError`, `MediaError`, `RecipeError`."""
    with desk.looking() as project:
        here = Here.of(desk, project, index)
    key = ("stage", index, here.standing.state, name, width)
    kept = desk.pictures.get(key)
    if kept is None:
        look = look_of(PictureQuery(width=width), desk.frames.info_at(index), index)
        kept = encoded(_drawn(desk, here, index, name, look), look)
        desk.pictures.put(key, kept)
    return kept, tag_of(desk, *key)


def _drawn(desk: Desk, here: Here, index: int, name: Stage, look: views.Look) -> Picture:
    match name:
        case "scan":
            return _view(desk, here, index, look, PictureQuery(view="before"))
        case "shots":
            return _strip(desk, here.shot, index, look)
        case "detection":
            return _found(desk, here, index, look)
        case "neighbours" | "motion":
            return _moved(desk, here, index, name, look)
        case "fills":
            return _view(desk, here, index, look, PictureQuery(view="fills"))
        case "diffusion":
            wanted = [layer.row.id for layer in here.generated]
            if not wanted:
                raise RecipeError(f"frame {index}: nothing in it was generated; the pipeline says which stages have a picture")
            return _view(desk, here, index, look, PictureQuery(view="provenance", ground="before", only=wanted[:200]))
        case "composite":
            return _view(desk, here, index, look, PictureQuery(view="after"))


def _view(desk: Desk, here: Here, index: int, look: views.Look, query: PictureQuery) -> Picture:
    return drawn(Sight(partial(desk.frames.frame, index), desk.frames.info_at(index), look), query, here.standing)


def _strip(desk: Desk, shot: Shot, index: int, look: views.Look) -> Picture:
    """The shot's first and last frame, this one (its number in brackets: no words stand in pictures), and those beside it."""
    wanted = sorted({shot.start, max(index - 1, shot.start), index, min(index + 1, shot.stop - 1), shot.stop - 1})
    tiles = []
    for at in wanted:
        info = desk.frames.info_at(at)
        small = look_of(PictureQuery(width=_tile(look, 3)), info, at)
        tiles.append((views.shown(desk.frames.frame(at), info.encoding, small), f"[ {at} ]" if at == index else f"{at}"))
    return contact_sheet(tiles, columns=3, width=_tile(look, 3))


def _tile(look: views.Look, columns: int) -> int:
    """The width of one of so many tiles side by side, with what lies between them, in a picture as wide as the look wants."""
    return max(48, (look.size[1] - GAP * (columns + 1)) // columns)


def _found(desk: Desk, here: Here, index: int, look: views.Look) -> Picture:
    ground = _view(desk, here, index, look, PictureQuery(view="before"))
    down, across = look.size[0] / (look.box.bottom - look.box.top), look.size[1] / (look.box.right - look.box.left)

    def small(box: Box) -> Box:
        return Box(index, round(box.top * down), round(box.left * across), round(box.bottom * down), round(box.right * across))

    return marked(ground, [(small(row.box), row.status) for row in here.standing.defects])


def _moved(desk: Desk, here: Here, index: int, name: str, look: views.Look) -> Picture:
    """The neighbours as the centre would see them, or the motion to the next frame. Raises `RecipeError` where there are none."""
    with desk.looking() as project:
        window = desk.brush(project).windows.window(index, here.shot)
    if name == "neighbours" and window.neighbours:
        ordered = sorted(window.neighbours, key=lambda neighbour: neighbour.frame.index)
        tiles = [(_gray(n.aligned.luma), f"{n.aligned.offset:+d} [ {n.frame.index} ]") for n in ordered]
        return contact_sheet(tiles, columns=2, width=_tile(look, 2))
    following = [neighbour for neighbour in window.neighbours if neighbour.aligned.offset == 1]
    if not following:
        raise RecipeError(
            f"frame {index}: no frame beside it in its shot tells anything new; the pipeline says which stages have a picture"
        )
    d = following[0].aligned.displacement
    return with_arrows(np.asarray(cv2.resize(flow_picture(d), look.size[::-1], interpolation=cv2.INTER_LINEAR), np.uint8), d)


def _gray(luma: Real) -> Picture:
    return np.repeat(np.round(np.clip(luma, 0, 1) * 255).astype(np.uint8)[..., None], 3, axis=2)


def flow_picture(d: Real) -> Picture:
    """A displacement (2, H, W) in colours: hue is direction, brightness and saturation are speed."""
    speed, angle = cv2.cartToPolar(d[1], d[0])
    most = max(float(np.quantile(speed[::4, ::4], 0.99)), LEAST)
    value = np.clip(speed / most, 0, 1)
    hsv = np.dstack([np.rad2deg(angle) / 2, 200 * np.sqrt(value), 40 + 215 * value]).astype(np.uint8)
    return np.asarray(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), np.uint8)
