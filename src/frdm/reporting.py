"""The treatment report: one plain HTML page from a project's report, readable, printable, with nothing from elsewhere."""

import base64
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from jinja2 import Environment, PackageLoader, StrictUndefined

from frdm.display import Picture, look
from frdm.errors import OutputError
from frdm.pictures import png
from frdm.rendering import Crop

PAGE = "report.html"
LISTED = 200  # held defects that the page lists; report.json has all
SIDE = 300  # pixels, the longer side of a crop as shown


@dataclass(frozen=True, slots=True)
class Pair:
    """A repair before and after, as pictures inside the page."""

    title: str
    before: str
    after: str


def treatment_report(data: Mapping[str, Any], crops: Iterable[Crop]) -> str:
    """The page of a report as `frdm.jobs.report_data` gives it, with some repairs before and after."""
    page = environment().get_template(PAGE)
    rows = [dict(zip(data["frames"]["columns"], row, strict=True)) for row in data["frames"]["rows"]]
    return page.render(
        report=data,
        film=described(data["film"]),
        settings=flat(data["settings"]),
        shares=shares(data["totals"].get("engines", {}), sum(data["totals"]["held"].values())),
        pairs=[pair(crop) for crop in crops],
        compared=[row for row in rows if row["scan_outside"] is not None],
        unequal=[row["frame"] for row in rows if row["scan_outside"] != row["restored_outside"]],
        repeated=sum(row["repeats"] is not None for row in rows),
        grain=sorted(row["noise"] for row in rows)[len(rows) // 2] if rows else 0.0,
        listed=LISTED,
    )


def write_report(path: Path, text: str) -> Path:
    """Write a report, whole or not at all. Raises `OutputError`."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(text, encoding="utf-8", newline="\n")
        part.replace(path)
    except OSError as error:
        raise OutputError(f"{path}: the report can't be written ({error.strerror}); make room or give rights") from None
    return path


def environment() -> Environment:
    """Templates that escape all that they are given and refuse what they are not given."""
    made = Environment(loader=PackageLoader("frdm"), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    made.filters["percent"] = lambda share: f"{100 * share:.4f} %"
    made.filters["counts"] = counted
    made.filters["reasons"] = lambda reasons: counted(grouped(reasons))
    return made


def described(film: Mapping[str, Any]) -> dict[str, str]:
    """What is known of the film, in words."""
    encoding = film["encoding"]
    depth = f"{encoding['bits']}-bit{' float' if encoding['floating'] else ''} {encoding['layout'].upper()}, {encoding['transfer']}"
    files = {"Files": f"{' to '.join(film['names'])}; frame 0 is {film['names'][0]}"} if film["names"] else {}
    return files | {
        "Name": film["name"],
        "Picture": film.get("sizes") or f"{film['width']} × {film['height']} pixels, pixel aspect {film['pixel_aspect']}",
        "Codes": film.get("depths") or f"{depth}, black at {encoding['black']:g}, white at {encoding['white']:g}",
        "Container": " ".join(word for word in (film["container"], film["codec"]) if word),
        "Rate": f"{film['rate']} frames a second",
        "Length": f"{film['length']} frames",
        "Identity": film["identity"],
    }


def counted(counts: Mapping[str, Any]) -> str:
    """Counts by name, nested ones in brackets: `dirt 12 (dark 9, bright 3), hair 1`."""
    said = []
    for name, count in counts.items():
        inner = isinstance(count, Mapping)
        total = sum(count.values()) if inner else count
        said.append(f"{name} {total}" + (f" ({counted(count)})" if inner else ""))
    return ", ".join(said) or "none"


def grouped(reasons: Mapping[str, int]) -> dict[str, int]:
    """Counts by reason, without the figures that stand in brackets behind one."""
    groups: Counter[str] = Counter()
    for reason, count in reasons.items():
        groups[reason.partition(" (")[0]] += count
    return dict(groups.most_common())


def shares(engines: Mapping[str, int], held: int) -> list[str]:
    """How much each engine mended of all repairs and held defects, and how much is held: `diffusion 3 (12 %)`; nothing of nothing."""
    counts = {**engines, "held": held}
    total = sum(counts.values())
    return [f"{name} {count} ({100 * count / total:.0f} %)" for name, count in counts.items() if total]


def flat(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested settings by dotted names, as text."""
    rows: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows |= flat(value, f"{before}{name}.")
        else:
            rows[before + name] = listed(value) if isinstance(value, list) else "–" if value is None else str(value)
    return rows


def listed(values: list[Any]) -> str:
    """A list as text, its tables without their names."""
    return ", ".join(" ".join(map(str, value.values())) if isinstance(value, Mapping) else str(value) for value in values)


def pair(crop: Crop) -> Pair:
    """A crop as two pictures."""
    title = f"{crop.kind} {crop.repair}, frame {crop.box.frame}, mended by {crop.engine}, {crop.status}"
    before, after = (enlarged(look(frame, crop.encoding)) for frame in (crop.before, crop.after))
    return Pair(title, data_uri(before), data_uri(after))


def enlarged(picture: Picture) -> Picture:
    """The picture with its longer side `SIDE` pixels; small ones keep their pixels visible."""
    scale = SIDE / max(picture.shape[:2])
    smooth = cv2.INTER_NEAREST if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=smooth), np.uint8)


def data_uri(picture: Picture) -> str:
    """The picture as text that a page can hold."""
    return "data:image/png;base64," + base64.b64encode(png(picture)).decode("ascii")
