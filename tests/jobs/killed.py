"""A job in a process of its own, killed at its n-th step that touches the disk: `killed.py FILM OUT [n [stills]]`. Exit code 9 when killed.

The steps: every rename, every commit of the ledger, every frame handed to the writer; killed before an even step, after an odd one.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any


def main(film: str, out: str, when: int, *, stills: bool = False) -> int:
    sys.path.insert(0, str(Path(__file__).parents[1]))
    import mended
    from frdm import jobs
    from frdm.jobs import analysis, recording
    from frdm.ledger.store import Ledger
    from frdm.recipe import Recipe

    analysis.mend = mended.fake_mend
    left = [when]

    def fatal(real: Callable[..., Any]) -> Callable[..., Any]:
        def step(*given: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] == 0 and when % 2 == 0:
                os._exit(9)
            result = real(*given, **more)
            if left[0] <= 0 and when % 2:
                os._exit(9)
            return result

        return step

    if when > 0:
        Path.replace = fatal(Path.replace)  # type: ignore[method-assign]
        Path.rename = fatal(Path.rename)  # type: ignore[method-assign]
        os.replace = fatal(os.replace)
        recording.Recorder.take = fatal(recording.Recorder.take)  # type: ignore[method-assign]
        Ledger.add_span = fatal(Ledger.add_span)  # type: ignore[method-assign]
        Ledger.finishing = fatal(Ledger.finishing)  # type: ignore[method-assign]
        Ledger.finish_output = fatal(Ledger.finish_output)  # type: ignore[method-assign]
    for _ in jobs.restore(film, out, recipe=Recipe(stills=True) if stills else Recipe(span=3), mattes=str(Path(out).parent / "mattes")):
        pass
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 0, stills="stills" in sys.argv[4:]))
