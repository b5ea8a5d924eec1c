"""`frdm studio`: look at what was found and mended, decide, mend by hand."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm.errors import RecipeError

PORT = 8350


def studio(
    place: Annotated[Path, Parameter(help="A project, OUT.frdm, or a film.")],
    /,
    *,
    host: Annotated[str, Parameter(help="Where it is served; any other than this machine's own needs the printed token.")] = "127.0.0.1",
    port: Annotated[int, Parameter(help="0: any that is free.")] = PORT,
    no_browser: Annotated[bool, Parameter(help="Open no browser.")] = False,
) -> int:
    """Open a project in the browser: shots, defects, before and after; accept, reject, undo, paint; run and render.

    All that is decided lies in the project at once, and can be undone. The film changes with the next render. The page asks nothing of
    any other machine.
    """
    if not 0 <= port <= 65535:
        raise RecipeError(f"--port {port}: found no port, wanted 0 to 65535; leave it out for {PORT}")
    try:
        from frdm.studio.serving import serve
    except ModuleNotFoundError as error:
        raise RecipeError(f"frdm studio needs {error.name}, which is not installed; install it with pip install 'frdm[studio]'") from None
    serve(place, host=host, port=port, browser=not no_browser)
    return 0
