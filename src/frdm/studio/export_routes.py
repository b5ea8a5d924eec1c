"""What other programs take from the project: the record and its markers as files, as the decisions stand now."""

import shutil
import tempfile
from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from fastapi.responses import FileResponse
from starlette.background import BackgroundTask

from frdm.jobs.exporting import export_ledger
from frdm.jobs.markers import Wanted, export_markers
from frdm.jobs.project import SUFFIX
from frdm.studio import asking
from frdm.studio.desk import Desk

Form = Literal["json", "csv", "otio", "edl", "resolve"]
ENDINGS: dict[Form, str] = {"json": ".json", "csv": ".csv", "otio": ".otio", "edl": ".edl", "resolve": "-resolve.edl"}


def routes(desk: Desk) -> APIRouter:
    """The routes on one desk."""
    router = APIRouter(prefix="/api")

    @router.get("/export/{form}")
    def export(form: Form, query: Annotated[asking.ExportQuery, Query()]) -> FileResponse:
        """A file for the browser to save; it lies in a temporary folder until it is sent."""
        with desk.project():
            folder = Path(tempfile.mkdtemp(prefix="frdm-export-"))
        out = folder / f"{desk.folder.resolve().name.removesuffix(SUFFIX)}{ENDINGS[form]}"
        try:
            if form == "json" or form == "csv":
                export_ledger(desk.folder, out, form)
            else:
                export_markers(desk.folder, out, form, wanted=Wanted(query.per, tuple(query.status)))
        except BaseException:
            shutil.rmtree(folder)
            raise
        return FileResponse(out, media_type="application/octet-stream", filename=out.name, background=BackgroundTask(shutil.rmtree, folder))

    return router
