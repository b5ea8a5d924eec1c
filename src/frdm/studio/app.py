"""The whole of what is served: the page's files, the API, and the sentences of whatever is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import as_file, files

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from frdm import __version__
from frdm.errors import FrdmError, RecipeError
from frdm.studio import defect_routes, export_routes, frame_routes, job_routes, paint_routes, project_routes
from frdm.studio.desk import Desk
from frdm.studio.guard import Door, Guard, refusal
from frdm.studio.telling import NotThereError

NO_JSON = "the request isn't JSON; send JSON"
SPOKEN = {
    400: NO_JSON,  # nothing else of a request is refused before a route has seen it
    404: "there is nothing at this address; the page's own links lead somewhere",
    405: "this address isn't asked in this way; docs/studio-api.md has the ways",
}


def make_app(desk: Desk, door: Door | None = None) -> FastAPI:
    """The application on one desk, behind its door; closing it closes the desk."""

    @asynccontextmanager
    async def living(_: FastAPI) -> AsyncIterator[None]:
        yield
        desk.close()

    app = FastAPI(title="frdm studio", version=__version__, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None, lifespan=living)
    for room in (project_routes, defect_routes, frame_routes, paint_routes, job_routes, export_routes):
        app.include_router(room.routes(desk))
    _add_refusals(app)
    with as_file(files("frdm.studio") / "page") as page:
        app.mount("/", StaticFiles(directory=page, html=True))
    app.add_middleware(Guard, door=door or Door())
    return app


def _add_refusals(app: FastAPI) -> None:
    """Every refusal is one sentence in one shape."""

    @app.exception_handler(FrdmError)
    def refused(_: Request, error: FrdmError) -> JSONResponse:
        status = 404 if isinstance(error, NotThereError) else 422 if isinstance(error, RecipeError) else 409
        return refusal(status, type(error).__name__.removesuffix("Error") + "Error", " ".join(str(error).split()))

    @app.exception_handler(RequestValidationError)
    def misunderstood(_: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        malformed = first["type"] == "json_invalid"
        place = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        sentence = NO_JSON if malformed else f"{place}: {first['msg']}; see docs/studio-api.md for what is understood"
        return refusal(400 if malformed else 422, "Value", sentence)

    @app.exception_handler(HTTPException)
    def not_served(_: Request, error: HTTPException) -> JSONResponse:
        kind = "Value" if error.status_code == 400 else "Http"
        return refusal(error.status_code, kind, SPOKEN.get(error.status_code, str(error.detail)))
