"""The wheel in a clean place, and the demo and the README's tour with it: what a user gets."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEMO_SECONDS = 120

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clean environment's folder of programs, with frdm installed from its wheel."""
    place = tmp_path_factory.mktemp("wheel")
    run([sys.executable, "-m", "build", "--wheel", "--outdir", str(place), str(ROOT)], place)
    venv.create(place / "clean", with_pip=True)
    programs = place / "clean" / ("Scripts" if os.name == "nt" else "bin")
    wheel = next(place.glob("*.whl"))
    run([str(programs / "python"), "-m", "pip", "install", "-q", "-c", str(ROOT / "constraints.txt"), str(wheel)], place)
    return programs


def run(command: list[str], folder: Path, timeout: int = 900) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=timeout)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_runs_from_the_wheel(installed: Path, tmp_path: Path) -> None:
    said = run([str(installed / "frdm"), "demo", "d"], tmp_path, DEMO_SECONDS)
    found, missed = (int(re.search(rf"(\d+) {word}", said)[1]) for word in ("found", "missed"))  # type: ignore[index]
    assert found > 3 * missed
    gain = float(re.search(r"gained (-?[\d.]+) dB", said)[1])  # type: ignore[index]
    assert gain > 3
    assert float(re.search(r"altered: ([\d.]+) %", said)[1]) < 0.05  # type: ignore[index]
    for name in ("wipe.mp4", "wipe.png", "sheet.png", "restored.frdm/report.html"):
        assert (tmp_path / "d" / name).stat().st_size > 10_000


def test_the_wheel_needs_no_compiler_and_carries_its_data(installed: Path, tmp_path: Path) -> None:
    listed = run([str(installed / "python"), "-c", "import frdm, pathlib; print(pathlib.Path(frdm.__file__).parent)"], tmp_path)
    assert (Path(listed.strip()) / "templates" / "report.html").is_file()


def tour(document: str, part: str) -> list[str]:
    """The frdm commands of one part of a document."""
    text = (ROOT / document).read_text(encoding="utf-8").partition(f"## {part}\n")[2].partition("\n## ")[0]
    lines = [line.partition("#")[0].strip() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
    return [line for line in lines if line.startswith("frdm ")]


@pytest.mark.parametrize("part", ["A tour for a restorer", "A tour for the owner of home movies", "A tour for a researcher"])
def test_the_tours_of_the_readme_can_be_taken(part: str, tmp_path: Path) -> None:
    from fractions import Fraction

    import cv2

    from frdm.demo.dirt import Dirtiness
    from frdm.demo.scene import Stage
    from frdm.demo.story import Places, draw
    from frdm.media.proxy import write_proxy

    places = Places(tmp_path / "made")
    draw(places, Stage(height=120, width=160, shot=24), Dirtiness())
    shutil.copytree(places.scan, tmp_path / "reel1")
    shutil.copytree(places.clean, tmp_path / "clean")
    pictures = [cv2.imread(str(path))[..., ::-1] for path in sorted(places.scan.iterdir())]
    write_proxy(tmp_path / "holiday1974.mp4", pictures, rate=Fraction(18))
    for command in tour("README.md", part):
        words = re.sub(r"--at \d+", "--at 4", command).split()
        run([sys.executable, "-m", *words], tmp_path)
