"""A frame's pictures as they are sent: asked for, made once, kept while the frame stays as it is."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from frdm.display import Picture
from frdm.errors import RecipeError
from frdm.film import KINDS, Box, Frame, ScanInfo
from frdm.jobs.layers import Layer, in_force, laid_over
from frdm.jobs.project import Project
from frdm.ledger.browsing import frame_state, of_frame
from frdm.ledger.records import DefectRow
from frdm.studio import views
from frdm.studio.asking import PictureQuery
from frdm.studio.desk import Desk, Encoded

TRUE_PIXELS = 1_500_000  # pixels up to which a magnified picture is sent without loss
QUALITY = 92
THUMBNAIL = 320  # columns up to which a picture is no reason to read ahead
MOST = 32_000_000  # pixels of a picture that is asked for


def picture(desk: Desk, index: int, query: PictureQuery) -> tuple[Encoded, str]:
    """(the picture, its tag). Raises `RecipeError`, `MediaError`, `LedgerError`."""
    look = look_of(query, desk.frames.info_at(index), index)
    standing = Standing()
    if desk.begun and query.view != "before":
        with desk.looking() as project:
            standing = Standing.of(desk, project, index)
    key = (index, standing.state, query.model_copy(update={"v": ""}).model_dump_json())
    kept = desk.pictures.get(key)
    if kept is None:
        kept = _made(desk, index, query, look, standing)
        desk.pictures.put(key, kept)
    if look.size[1] > THUMBNAIL:
        desk.frames.follow(index)
    return kept, tag_of(desk, *key)


def tag_of(desk: Desk, *parts: object) -> str:
    """A strong tag of a picture; another studio at the same address has others."""
    return f'"{hashlib.blake2b(repr((desk.mark, *parts)).encode(), digest_size=12).hexdigest()}"'


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A frame as the ledger has it: a word for its state, all repairs of it, its defects without what is set aside."""

    state: str = "scan"
    layers: Sequence[Layer] = ()
    defects: Sequence[DefectRow] = ()

    @staticmethod
    def of(desk: Desk, project: Project, index: int) -> "Standing":
        """As it stands now. Raises `LedgerError`."""
        defects = [row for row in of_frame(project.ledger, index) if not row.aside]
        return Standing(frame_state(project.ledger, index), desk.layers.of(project, index), defects)

    @property
    def listed(self) -> list[Layer]:
        """The repairs that are not set aside."""
        names = {row.id for row in self.defects}
        return [layer for layer in self.layers if layer.row.id in names]

    @property
    def held(self) -> list[tuple[Box, str]]:
        """Defects without a repair, (box, kind)."""
        return [(row.box, row.kind) for row in self.defects if row.repair is None]


def look_of(query: PictureQuery, info: ScanInfo, index: int) -> views.Look:
    """The part and size that are asked for. Raises `RecipeError`."""
    sides = (query.top, query.left, query.bottom, query.right)
    if all(side is None for side in sides):
        sides = (0, 0, info.height, info.width)
    if any(side is None for side in sides):
        raise RecipeError("left, top, right, bottom: some of four sides were given; give all or none")
    top, left, bottom, right = (side or 0 for side in sides)
    if not (top < bottom <= info.height and left < right <= info.width):
        raise RecipeError(
            f"the part {top}, {left}, {bottom}, {right} (top, left, bottom, right) is not inside of {info.width} × {info.height}; "
            "give one that is"
        )
    if query.channels not in ("rgb", "r", "g", "b", "luma", *info.encoding.extra):
        named = ", ".join(("rgb", "r", "g", "b", "luma", *info.encoding.extra))
        raise RecipeError(f"channels: {query.channels} isn't one of this film's; give one of {named}")
    aspect = float(info.pixel_aspect)
    width = query.width or min(max(16, round((right - left) * max(aspect, 1.0))), 4096)
    height = max(1, round((bottom - top) * width / ((right - left) * aspect)))
    if width * height > MOST:
        raise RecipeError(
            f"width: a picture of {width} × {height} was asked for, at most {MOST // 1_000_000} megapixels are made; ask for less"
        )
    return views.Look(Box(index, top, left, bottom, right), (height, width), query.tone, query.gamma, query.channels)


def _made(desk: Desk, index: int, query: PictureQuery, look: views.Look, standing: Standing) -> Encoded:
    sight = Sight(partial(desk.frames.frame, index), desk.frames.info_at(index), look)
    return encoded(drawn(sight, query, standing), look, query.form)


@dataclass(frozen=True, slots=True)
class Sight:
    """A frame, read only if its own pixels are shown, and the part of it that is looked at."""

    read: Callable[[], Frame]
    info: ScanInfo
    look: views.Look

    def shown(self, frame: Frame) -> Picture:
        """The part, as it looks."""
        return views.shown(frame, self.info.encoding, self.look)

    def after(self, layers: Sequence[Layer]) -> Frame:
        """The frame with those repairs that the part shows."""
        near = [layer for layer in layers if _meets(layer.stored.patch.box, self.look.box)]
        return laid_over(self.read(), near, self.info)


def drawn(sight: Sight, query: PictureQuery, standing: Standing) -> NDArray[np.uint8]:
    """The picture's pixels, R G B, with alpha where it is clear in places."""
    look, encoding = sight.look, sight.info.encoding
    chosen = in_force(standing.layers, only=query.only, without=query.without)
    match query.view:
        case "before":
            return sight.shown(sight.read())
        case "after":
            return sight.shown(sight.after(chosen))
        case "difference":
            return views.difference(sight.read(), sight.after(chosen), encoding, look, gain=query.gain)
        case "overlay":
            wanted = chosen if query.only or query.without else standing.listed
            kinds = query.kind or list(KINDS)
            held = [(box, kind) for box, kind in standing.held if kind in kinds and "held" in query.status]
            told = [layer for layer in wanted if layer.row.status in query.status or layer.row.id in query.only]
            veil = views.overlay([layer for layer in told if layer.row.kind in kinds], held, look)
        case "provenance":
            veil = views.provenance(chosen, look)
        case "fills":
            veil = views.fills(sight.after(chosen), chosen, encoding, look)
    if query.ground == "none":
        return veil
    return views.laid_on(sight.shown(sight.read() if query.ground == "before" else sight.after(chosen)), veil)


def _meets(one: Box, other: Box) -> bool:
    return one.top < other.bottom + 2 and other.top < one.bottom + 2 and one.left < other.right + 2 and other.left < one.right + 2


def encoded(shown: Picture, look: views.Look, form: str = "auto") -> Encoded:
    """The picture as PNG where it is clear or shows true pixels, else as JPEG."""
    clear = shown.shape[2] == 4
    magnified = look.size[1] >= look.box.right - look.box.left and look.size[0] * look.size[1] <= TRUE_PIXELS
    turned = cv2.cvtColor(shown, cv2.COLOR_RGBA2BGRA if clear else cv2.COLOR_RGB2BGR)
    box = look.box
    crop = (box.top, box.left, box.bottom, box.right)
    scale = look.size[1] / (box.right - box.left)
    if clear or form == "png" or (form == "auto" and magnified):
        data = cv2.imencode(".png", turned, [cv2.IMWRITE_PNG_COMPRESSION, 1])[1]
        return Encoded(data.tobytes(), "image/png", crop, scale)
    options = [cv2.IMWRITE_JPEG_QUALITY, QUALITY, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    return Encoded(cv2.imencode(".jpg", turned, options)[1].tobytes(), "image/jpeg", crop, scale)
