"""The report: means are means, the best is a restorer's, and the page needs nothing from elsewhere and tells nothing of places."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest

from frdm.bench.case import open_suite
from frdm.bench.machine import machine
from frdm.bench.methods import method_of
from frdm.bench.plots import bars, scatter
from frdm.bench.report import markdown, write_report_of
from frdm.bench.running import Asked, run_suite
from frdm.bench.table import tables
from frdm.errors import BenchError

HERE = Path(__file__).parents[2]


def result(method: str, case: str, *, truth: bool = False, gauge: str = "35 mm", **scores: float) -> dict[str, Any]:
    """A result as a run writes it."""
    facts = {"kind": "reference", "gauge": gauge, "stock": "colour", "tags": [], "recipe": "", "seed": None}
    about = {"method": method, "title": method, "truth": truth, "case": case, "facts": facts, "about": {}, "machine": {"cores": 2}}
    return about | {
        "made_of": {"command": "x"},
        "scores": scores,
        "frames": 4,
        "seconds": 2.0,
        "peak": 3 * 2**20,
        "height": 500,
        "width": 1000,
    }


FOUND = [
    result("input", "a", f1=0.0, in_mask_db=14.0, whole_gain_db=0.0, far_altered=0.0),
    result("good", "a", f1=0.8, in_mask_db=24.0, whole_gain_db=3.0, far_altered=0.1),
    result("good", "b", gauge="8 mm", f1=0.6, in_mask_db=20.0, whole_gain_db=-1.0, far_altered=0.3),
    result("poor", "a", f1=0.5, in_mask_db=26.0, whole_gain_db=1.0, far_altered=0.9, line_share=0.1),
    result("good", "still", far_altered=0.5),
    result("best", "a", truth=True, f1=1.0, in_mask_db=30.0, whole_gain_db=9.0, far_altered=0.0),
]


def value(name: str, heading: str) -> float | None:
    table = tables(FOUND)[0]
    place = [column.heading for column in table.columns].index(heading)
    return next(row.values[place] for row in table.rows if row.name == name)


def test_means_are_over_the_cases_that_count() -> None:
    assert value("good", "F1") == pytest.approx(0.7)
    assert value("good", "far-altered %") == pytest.approx(0.2)
    assert value("good", "undamaged: altered %") == pytest.approx(0.5)
    assert value("good", "cases worse") == 1
    assert value("poor", "cases worse") == 0
    assert value("good", "s/Mpx") == pytest.approx(1.0)
    assert value("poor", "undamaged: altered %") is None


def test_cases_of_lines_stand_apart() -> None:
    lined = [one | {"scores": one["scores"] | {"line_share": 0.9}} for one in FOUND if one["case"] == "a"]
    headings = [column.heading for column in tables(lined)[0].columns]
    assert "lines F1" in headings and "F1" not in headings


def test_neither_the_input_nor_a_ceiling_is_best() -> None:
    table = tables(FOUND)[0]
    bold = {row.name: [best for _, best in row.cells(table)] for row in table.rows}
    assert not any(bold["input"]) and not any(bold["best"])
    assert [row.name for row in table.rows][-1] == "best"
    text = markdown(FOUND)
    assert "**26.0**" in text and "**0.70**" in text and "**30.0**" not in text


def test_strata_are_told_where_there_are_several() -> None:
    titles = [table.title for table in tables(FOUND)]
    assert "By gauge: 8 mm" in titles and "By gauge: 35 mm" in titles
    assert not [title for title in titles if "stock" in title]


def test_a_failure_is_told(tmp_path: Path) -> None:
    failed = {key: part for key, part in FOUND[1].items() if key not in ("scores", "seconds")} | {"failed": "no weights", "method": "rtn"}
    text = markdown([*FOUND, failed])
    assert "rtn on a: no weights" in text


def test_a_whole_run_is_reported(suite: Path, tmp_path: Path) -> None:
    list(run_suite(open_suite(suite), [method_of(name, settings={}) for name in ("input", "sdip", "telea")], Asked(tmp_path, keep=True)))
    paths = {path.name: path.read_text(encoding="utf-8") for path in write_report_of(tmp_path)}
    rows = list(csv.DictReader(io.StringIO(paths["report.csv"])))
    assert {(row["method"], row["case"]) for row in rows} == {(m, c) for m in ("input", "sdip", "telea") for c in ("dirty", "still")}
    kept = json.loads((tmp_path / "results" / "sdip" / "dirty.json").read_text())["scores"]
    assert float(next(row["f1"] for row in rows if row["method"] == "sdip" and row["case"] == "dirty")) == kept["f1"]
    page = paths["report.html"]
    assert page.count("<svg") >= 2 and page.count("data:image/jpeg") >= 6
    assert not re.search(r'(src|href)="(?!data:)', page), "nothing from elsewhere"
    for text in paths.values():
        assert str(tmp_path) not in text and str(suite) not in text and str(HERE) not in text
    assert (tmp_path / "frames" / "telea" / "dirty" / "00000.png").is_file()


def test_there_must_be_results(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no results found"):
        write_report_of(tmp_path)


def test_the_machine_is_told_without_its_name() -> None:
    import platform

    told = machine()
    assert told["cores"] and told["memory GiB"] and told["Python"] == platform.python_version()
    assert platform.node() not in {str(word) for word in told.values()} or not platform.node()


def test_plots_stand_for_any_values() -> None:
    assert scatter([("a", 0.0, 0.0), ("b<c", 70.0, 0.5)], across="harm", up="good").count("<circle") == 2
    assert "b&lt;c" in scatter([("b<c", 1.0, 1.0)], across="x", up="y")
    assert scatter([], across="x", up="y") == "" and bars([], title="t") == ""
    assert bars([("a", 0.0)], title="t").count("<rect") == 1
