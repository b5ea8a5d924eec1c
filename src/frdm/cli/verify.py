"""`frdm verify`: the proof that nothing but the recorded repairs was changed."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.console import Console
from rich.progress import Progress

from frdm import jobs
from frdm.errors import VerifyError


def verify(
    scan: Annotated[Path, Parameter(help="The scan.")],
    restored: Annotated[Path, Parameter(help="The restored film.")],
    project: Annotated[Path, Parameter(help="The project, OUT.frdm.")],
    /,
    *,
    manifest: Annotated[tuple[str, ...], Parameter(help="Also write a manifest (repeat it): framemd5, md5, xxh128 or mhl.")] = (),
) -> int:
    """Prove, frame by frame, that every sample outside the recorded repairs equals the scan's.

    Exit code 1 with the first frame and place that differs, or when more of a frame was altered than the recipe allows.
    Of a lossy film the frames before encoding are proved and the codec's own error is measured.
    """
    console = Console(stderr=True)
    with Progress(console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("comparing", total=None)
        result = jobs.verify(scan, restored, project, manifests=manifest, watch=lambda done, of: bar.update(task, completed=done, total=of))
    if not result.ok:
        raise VerifyError(result.sentence)
    print(result.sentence)
    for path in result.written:
        print(f"Manifest: {path}")
    return 0
