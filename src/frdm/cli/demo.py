"""`frdm demo`: a drawn film, dirtied, restored, compared with the truth."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from frdm import jobs
from frdm.cli.progress import follow
from frdm.cli.report import write_page
from frdm.cli.summary import print_summary
from frdm.demo.dirt import Dirtiness
from frdm.demo.scene import Stage
from frdm.demo.story import Places, draw, scored, show, told
from frdm.runtime.weights import find_weights


def demo(
    folder: Annotated[Path, Parameter(help="Where the demo's films and pictures go.")] = Path("frdm-demo"),
    /,
    *,
    frames: Annotated[int, Parameter(help="Frames of each of the film's two shots.")] = 24,
    height: Annotated[int, Parameter(help="Lines of the picture.")] = 480,
) -> int:
    """Draw a short film, dirty it with known truth, restore it as any film is restored, and show what came of it."""
    places, stage = Places(folder), Stage(height=height, width=height * 4 // 3, shot=frames)
    print(f"Drawing {stage.length} frames of {stage.width} × {stage.height} and dirtying them …")
    dirt = draw(places, stage, Dirtiness())
    net = find_weights("eye")
    print(f"Restoring it; defects are found by the net that ships, {net.version} ({net.about['weights']:,} weights, MODEL_CARD.md) …")
    summary = follow(jobs.restore(places.scan, places.restored, fresh=True))
    print_summary(summary)
    write_page(places.project)
    print("Against the truth:")
    for sentence in told(scored(places, dirt)):
        print(f"  {sentence}")
    show(places, dirt)
    print(f"Look at {places.wipe}, {places.still} and {places.sheet}.")
    return 0
