"""DeepRemaster on one movie: its program writes frames into tmp/output below where it runs and throws them away at its end.

`python deepremaster.py REPO MOVIE OUT --mindim 480` runs remaster.py in a folder of its own with the code's files at hand, with an
ffmpeg and a tidying that do nothing, and moves the frames to OUT.
It works at a shorter side of `--mindim` px: the film's own leaves it unscaled.
"""

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

SHIM = "import shutil, subprocess, sys, runpy; shutil.rmtree = lambda *a, **k: None; subprocess.call = lambda *a, **k: 0; "
RUN = SHIM + "program = sys.argv[1]; sys.argv = sys.argv[1:]; runpy.run_path(program, run_name='__main__')"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("repo", "movie", "out"):
        parser.add_argument(name)
    parser.add_argument("--mindim", default="480")
    asked = parser.parse_args()
    repo, frames = Path(asked.repo), Path(asked.repo) / "tmp" / "output"
    shutil.rmtree(frames.parent, ignore_errors=True)
    program = [str(repo / "remaster.py"), "--input", asked.movie, "--disable_colorization", "--mindim", asked.mindim]
    command = [sys.executable, "-c", RUN, *program]
    done = subprocess.run(command, cwd=repo, check=False)
    if done.returncode:
        return done.returncode
    out = Path(asked.out)
    out.mkdir(parents=True, exist_ok=True)
    for index, path in enumerate(sorted(frames.glob("*.png"))):
        shutil.move(path, out / f"{index:05d}.png")
    shutil.rmtree(frames.parent, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
