"""`frdm report`: a project's treatment report."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.errors import LedgerError, MediaError
from frdm.reporting import PAGE, treatment_report, write_report


def report(
    project: Annotated[Path, Parameter(help="The project, OUT.frdm, that `frdm restore` made.")],
    /,
    *,
    as_json: Annotated[bool, Parameter(name="--json", help="Print report.json's content instead of writing the page.")] = False,
    crops: Annotated[int, Parameter(help="Repairs that the page shows before and after.")] = 12,
) -> int:
    """Write the treatment report (report.json and report.html in the project) as the decisions stand now."""
    if as_json:
        print(as_text(jobs.report_data(project)))
        return 0
    page = write_page(project, crops=crops)
    record = write_report(project / "report.json", as_text(jobs.report_data(project)) + "\n")
    print(f"Report: {page} and {record}")
    return 0


def as_text(data: Mapping[str, object]) -> str:
    """A report as JSON."""
    return json.dumps(data, ensure_ascii=False, indent=1)


def write_page(project: Path, *, crops: int = 12) -> Path:
    """Write a project's report.html; its path. Where the scan is no longer at its place, without pictures, saying so on stderr."""
    data = jobs.report_data(project)
    try:
        shown = list(jobs.crops(project, crops))
    except (LedgerError, MediaError) as error:
        shown = []
        print(f"frdm: the report shows no pictures: {error}", file=sys.stderr)
    return write_report(project / PAGE, treatment_report(data, shown))
