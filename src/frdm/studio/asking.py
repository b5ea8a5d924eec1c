"""What the page may ask: the shapes of queries and bodies, with their bounds. Whatever does not fit is refused with a sentence."""

import base64
import binascii
from collections.abc import Sequence
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from fastapi import Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from frdm.errors import RecipeError
from frdm.film import Kind, Status
from frdm.jobs.deciding import person
from frdm.jobs.drawing import Polygon, Rectangle, Shape, Stamp, Stroke
from frdm.jobs.painting import Engine, Wish
from frdm.ledger.browsing import Aim, Filter, Sort
from frdm.ledger.records import By, Selection
from frdm.studio.running import PicturesForm

MOST = 500  # defects on a page
Whole = Annotated[int, Field(ge=0, le=10**9)]
Place = Annotated[int, Field(ge=-(10**6), le=10**6)]
Real = Annotated[float, Field(ge=-(10**6), le=10**6, allow_inf_nan=False)]
Length = Annotated[float, Field(ge=0, le=10**6, allow_inf_nan=False)]
Id = Annotated[str, Field(pattern=r"^[0-9]{1,12}-[A-Za-z0-9]{1,12}$")]
Point = tuple[Real, Real]
EngineName = Annotated[str, Field(pattern=r"^[a-z ]{1,40}$")]


class Asked(BaseModel):
    """A body or query: nothing but what is known."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Conditions(Asked):
    """Conditions on defects that every question and every selection knows."""

    shot: Whole | None = None
    start: Whole | None = None
    stop: Whole | None = None
    above: Real | None = None
    below: Real | None = None
    smallest: Length | None = None
    largest: Length | None = None
    reviewed: bool | None = None
    painted: bool | None = None


class FilterQuery(Conditions):
    """Which defects."""

    kind: list[Kind] = Field(default=[], max_length=20)
    status: list[Status] = Field(default=[], max_length=3)
    engine: list[EngineName] = Field(default=[], max_length=20)
    aside: bool = False

    def selection(self) -> Selection:
        return Selection(
            kinds=tuple(self.kind),
            statuses=tuple(self.status),
            engines=tuple(self.engine),
            shot=self.shot,
            start=self.start,
            stop=self.stop,
            above=self.above,
            below=self.below,
            smallest=self.smallest,
            largest=self.largest,
            reviewed=self.reviewed,
            painted=self.painted,
        )

    def filter(self) -> Filter:
        return Filter(self.selection(), self.aside)


class SortedQuery(FilterQuery):
    """… in which order."""

    sort: Sort = "frame"
    descending: bool = False

    def filter(self) -> Filter:
        return Filter(self.selection(), self.aside, self.sort, self.descending)


class ListQuery(SortedQuery):
    """… and which page."""

    offset: Whole = 0
    limit: int = Field(default=200, ge=1, le=MOST)


class JumpQuery(FilterQuery):
    """Where to go from here."""

    to: Aim | Literal["shot"]
    from_frame: Annotated[int, Field(ge=-1, le=10**9)] = -1  # −1: from before the first
    from_id: Id | None = None
    backwards: bool = False


class PictureQuery(Asked):
    """Which picture of a frame."""

    view: Literal["before", "after", "difference", "overlay", "provenance", "fills"] = "after"
    width: int | None = Field(default=None, ge=16, le=4096)
    left: Whole | None = None
    top: Whole | None = None
    right: Whole | None = None
    bottom: Whole | None = None
    gain: float = Field(default=8, ge=1, le=64, allow_inf_nan=False)
    channels: str = Field(default="rgb", pattern=r"^[A-Za-z0-9_.:-]{1,40}$")
    gamma: float = Field(default=1, ge=0.1, le=5, allow_inf_nan=False)
    tone: Literal["display", "log", "codes"] = "display"
    ground: Literal["none", "before", "after"] = "none"
    status: list[Status] = Field(default=["accepted", "held"], max_length=3)
    kind: list[Kind] = Field(default=[], max_length=20)
    only: list[Id] = Field(default=[], max_length=200)
    without: list[Id] = Field(default=[], max_length=200)
    form: Literal["auto", "jpeg", "png"] = "auto"
    v: str = Field(default="", max_length=80)


class SelectionBody(Conditions):
    """Which repairs are meant; at least one condition."""

    ids: list[Id] = Field(default=[], max_length=100_000)
    kinds: list[Kind] = Field(default=[], max_length=20)
    statuses: list[Status] = Field(default=[], max_length=3)
    engines: list[EngineName] = Field(default=[], max_length=20)

    def selection(self) -> Selection:
        """Raises `RecipeError` for one without conditions: it would mean everything by mistake."""
        values: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in self.model_dump().items()}
        chosen = Selection(**values)
        if not chosen:
            raise RecipeError("selection: nothing was chosen; give ids, a shot, kinds, frames or a confidence (below 1.1 chooses all)")
        return chosen


class DecisionBody(Asked):
    verb: Literal["accept", "reject", "confirm"]
    selection: SelectionBody


class UndoBody(Asked):
    everyone: bool = False


class ClaimBody(Asked):
    take_over: bool = False


class JobBody(Asked):
    kind: Literal["restore", "render", "export"]
    codec: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_]{1,40}$")
    form: PicturesForm = "overlay-exr"  # of an export
    alpha: Literal["whole", "soft"] = "whole"


class ExportQuery(Asked):
    """Which markers."""

    per: Literal["defect", "shot"] = "defect"
    status: list[Status] = Field(default=[], max_length=3)


class PolygonBody(Asked):
    type: Literal["polygon"]
    points: list[Point] = Field(min_length=3, max_length=4096)
    erase: bool = False

    def shape(self) -> Shape:
        return Polygon(self.points, self.erase)


class StrokeBody(Asked):
    type: Literal["stroke"]
    points: list[Point] = Field(min_length=1, max_length=4096)
    width: float = Field(ge=0.5, le=2000, allow_inf_nan=False)
    erase: bool = False

    def shape(self) -> Shape:
        return Stroke(self.points, self.width, self.erase)


class RectangleBody(Asked):
    type: Literal["rectangle"]
    box: tuple[Place, Place, Place, Place]
    erase: bool = False

    def shape(self) -> Shape:
        return Rectangle(*self.box, self.erase)


class StampBody(Asked):
    type: Literal["png"]
    left: Place
    top: Place
    data: str
    erase: bool = False

    def shape(self) -> Shape:
        """Raises `RecipeError`."""
        try:
            return Stamp(self.top, self.left, base64.b64decode(self.data, validate=True), self.erase)
        except (binascii.Error, ValueError):
            raise RecipeError("a drawn picture must be a gray PNG in base64; this isn't base64") from None


ShapeBody = Annotated[PolygonBody | StrokeBody | RectangleBody | StampBody, Field(discriminator="type")]
Shapes = Annotated[list[ShapeBody], Field(min_length=1, max_length=64)]


def drawn_shapes(bodies: Sequence[PolygonBody | StrokeBody | RectangleBody | StampBody]) -> list[Shape]:
    """Raises `RecipeError`."""
    return [body.shape() for body in bodies]


class WishBody(Asked):
    """How something is to be mended."""

    engine: Engine = "auto"
    source: Whole | None = None
    offset: tuple[Real, Real] = (0.0, 0.0)
    follow: bool = True
    seed: int = Field(default=0, ge=0, le=10**6)
    feather: float | None = Field(default=None, ge=0, le=200, allow_inf_nan=False)

    def wish(self) -> Wish:
        return Wish(self.engine, self.source, self.follow, self.offset, self.seed, self.feather)


class PaintBody(WishBody):
    start: Whole
    stop: Whole
    shapes: Shapes
    kind: Kind = "dirt"


class ProtectBody(Asked):
    start: Whole
    stop: Whole
    shapes: Shapes
    note: str = Field(default="", max_length=500, pattern=r"^[^\x00-\x1f]*$")


def frames_of(start: int, stop: int) -> range:
    """Frames start … stop-1. Raises `RecipeError` for none."""
    if stop <= start:
        raise RecipeError(f"frames {start} to {stop - 1}: found no frame in it; stop is the first frame that is no longer meant")
    return range(start, stop)


def by(request: Request) -> By:
    """Who asks, and from which seat. Raises `RecipeError`."""
    seat = request.headers.get("x-frdm-seat", "")
    if len(seat) > 64 or not all(c.isascii() and (c.isalnum() or c in "_-") for c in seat):
        raise RecipeError("X-Frdm-Seat: letters, digits, _ and - were wanted, at most 64; send another")
    who = "".join(c for c in unquote(request.headers.get("x-frdm-who", ""), errors="replace") if c.isprintable()).strip()
    if len(who) > 120:
        raise RecipeError(f"X-Frdm-Who: a name of {len(who)} characters was sent, at most 120 were wanted; send a shorter one")
    return By(who or person(), seat)


Asker = Annotated[By, Depends(by)]
