"""`frdm compare`: a wipe between two films."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from frdm.cli.settings import frames_in
from frdm.media.scan import open_scan
from frdm.pictures import film_wipe


def compare(
    before: Annotated[Path, Parameter(help="The film on the left: a movie or a folder of numbered frames.")],
    after: Annotated[Path, Parameter(help="The film on the right.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="wipe.mp4: moving; wipe.png: a still.")] = Path("wipe.mp4"),
    frames: Annotated[str | None, Parameter(name="--range", help="Frames FIRST-LAST, counted from 0; a still shows the first.")] = None,
    labels: Annotated[tuple[str, str], Parameter(help="What is written left and right.")] = ("before", "after"),
    transfer: Annotated[
        Literal["video", "srgb", "log", "linear"] | None, Parameter(help="What the codes mean, where the films can't say.")
    ] = None,
) -> int:
    """Make a wipe between two films of one size, moving (.mp4) or still (.png)."""
    with open_scan(before, transfer=transfer) as left, open_scan(after, transfer=transfer) as right:
        length = min(left.info.length, right.info.length)
        film_wipe(left, right, out, frames=frames_in(frames, length, where=after), labels=labels)
    print(f"Wrote {out}")
    return 0
