"""A run's report: Markdown, CSV, and one HTML page with plots and places before and after; nothing in it comes from elsewhere."""

import base64
import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2

from frdm.bench.case import read_picture
from frdm.bench.plots import bars, scatter
from frdm.bench.running import results
from frdm.bench.table import Result, Table, grouped, order, tables
from frdm.errors import BenchError
from frdm.reporting import environment

PAGE = "bench.html"
QUALITY = 88  # of the page's pictures


def write_report_of(out: Path) -> list[Path]:
    """Write OUT/report.md, report.csv and report.html from what lies in OUT. Raises `BenchError`."""
    found = results(out)
    made = {"report.md": markdown(found), "report.csv": as_csv(found), "report.html": page(found, out)}
    paths = []
    for name, text in made.items():
        path = out / name
        part = path.with_name(name + ".part")
        try:
            part.write_text(text, encoding="utf-8", newline="\n")
            part.replace(path)
        except OSError as error:
            raise BenchError(f"{path}: can't be written ({error.strerror}); make room or give rights") from None
        paths.append(path)
    return paths


def markdown(found: Sequence[Result]) -> str:
    """The whole report as Markdown."""
    parts = ["# Benchmark", *conditions(found), "## What ran", *what_ran(found), *failures(found)]
    for table in tables(found):
        parts += [f"## {table.title}", *([table.about] if table.about else []), markdown_table(table)]
    parts += ["## Columns", columns_said(tables(found))]
    return "\n\n".join(parts) + "\n"


def markdown_table(table: Table) -> str:
    """One table; the best value of a column is bold."""
    lines = ["| method | " + " | ".join(column.heading for column in table.columns) + " |", "|---" * (len(table.columns) + 1) + "|"]
    for row in table.rows:
        cells = [f"**{text}**" if best else text for text, best in row.cells(table)]
        lines.append(f"| {row.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def conditions(found: Sequence[Result]) -> list[str]:
    """On what it ran; a line for each machine or state of the program that results come from."""
    groups: dict[str, set[str]] = {}
    for one in found:
        groups.setdefault("; ".join(f"{key} {value}" for key, value in one["machine"].items() if value), set()).add(one["method"])
    whole = len(groups) == 1
    return [said if whole else f"{said} ({', '.join(sorted(names))})" for said, names in sorted(groups.items())]


def what_ran(found: Sequence[Result]) -> list[str]:
    """The methods: what they are, their command, where a peer's code is."""
    lines = []
    for part in sorted(grouped(found, "method").values(), key=lambda part: order(part[0])):
        one = part[-1]
        about = "; ".join(f"{key}: {value}" for key, value in one["about"].items())
        given = " Is given the true mask." if one["truth"] else ""
        lines.append(f"- **{one['method']}**: {one['title']}.{given} `{one['made_of']['command']}`" + (f" ({about})" if about else ""))
    return ["\n".join(lines)]


def failures(found: Sequence[Result]) -> list[str]:
    """What did not run, and why."""
    lines = [f"- {one['method']} on {one['case']}: {one['failed']}" for one in found if "failed" in one]
    return ["## Did not run", "\n".join(lines)] if lines else []


def columns_said(made: Sequence[Table]) -> str:
    """What every column means."""
    return "\n".join(f"- *{heading}*: {meaning}" for heading, meaning in meanings(made).items())


def meanings(made: Sequence[Table]) -> dict[str, str]:
    """What every heading means; the first table that has it says it."""
    words: dict[str, str] = {}
    for table in made:
        for column in table.columns:
            words.setdefault(column.heading, column.meaning)
    return words


def as_csv(found: Sequence[Result]) -> str:
    """Every score of every case and method, a line each."""
    names = sorted({name for one in found for name in one.get("scores", {})})
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    facts = ("kind", "gauge", "stock", "recipe", "seed")
    writer.writerow(["method", "case", *facts, "frames", "width", "height", "seconds", "peak_bytes", "commit", "failed", *names])
    for one in sorted(found, key=lambda one: (one["case"], order(one))):
        cost = [one.get(key, "") for key in ("frames", "width", "height", "seconds", "peak")]
        scores = [one.get("scores", {}).get(name) for name in names]
        row = [one["method"], one["case"], *(one["facts"].get(key) for key in facts), *cost, one["machine"].get("commit", "")]
        writer.writerow([*row, one.get("failed", ""), *("" if value is None else value for value in scores)])
    return stream.getvalue()


def page(found: Sequence[Result], out: Path) -> str:
    """The report as one HTML page."""
    made = tables(found)
    return (
        environment()
        .get_template(PAGE)
        .render(
            conditions=conditions(found),
            methods=[part[-1] for part in sorted(grouped(found, "method").values(), key=lambda part: order(part[0]))],
            failures=[one for one in found if "failed" in one],
            tables=[html_table(table) for table in made],
            plots=plots(found, made),
            cases=[{"name": name, "rows": strips(part, out)} for name, part in grouped(found, "case").items()],
            sheets=[{"name": path.stem, "picture": embedded(path)} for path in sorted((out / "sheets").glob("*.png"))],
            columns=meanings(made),
        )
    )


def html_table(table: Table) -> dict[str, Any]:
    """A table as the page's template takes it."""
    rows = [{"name": row.name, "cells": [{"text": text, "best": best} for text, best in row.cells(table)]} for row in table.rows]
    return {"title": table.title, "about": table.about, "headings": [column.heading for column in table.columns], "rows": rows}


def plots(found: Sequence[Result], made: Sequence[Table]) -> list[str]:
    """Inline SVG: what is mended against the harm done, and what it costs."""
    methods = next((table for table in made if table.title == "Methods"), None)
    if methods is None:
        return []
    named = {column.heading: place for place, column in enumerate(methods.columns)}
    drawn = []
    for across, up in (("undamaged: altered %", "F1"), ("far-altered %", "in-mask dB")):
        if across in named and up in named:
            points = [(row.name, row.values[named[across]], row.values[named[up]]) for row in methods.rows]
            drawn.append(scatter([(n, x, y) for n, x, y in points if x is not None and y is not None], across=across, up=up))
    cost = [(row.name, row.values[named["s/Mpx"]]) for row in methods.rows]
    drawn.append(bars([(name, value) for name, value in cost if value is not None], title="seconds a frame and megapixel"))
    return drawn


def strips(part: Sequence[Result], out: Path) -> list[dict[str, Any]]:
    """The crops of one case, method by method."""
    rows = []
    for one in sorted(part, key=order):
        folder = out / "crops" / one["method"]
        shots = [crop | {"picture": embedded(folder / crop["file"])} for crop in one.get("crops", []) if (folder / crop["file"]).is_file()]
        if shots:
            rows.append({"method": one["method"], "crops": shots})
    return rows


def embedded(path: Path) -> str:
    """A picture as text that a page can hold; JPEG, for there are hundreds of them, and the PNG lies beside the page."""
    packed = cv2.imencode(".jpg", read_picture(path)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
    return "data:image/jpeg;base64," + base64.b64encode(packed.tobytes()).decode("ascii")
