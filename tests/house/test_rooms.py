"""The import contract, and what must not be loaded or named."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "frdm").rglob("*.py"))
POSIX_ONLY = {"fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "posix", "syslog", "crypt"}
OWNERS = {"av": "media", "OpenImageIO": "media", "sqlite3": "ledger", "fastapi": "studio", "ray": "farm"}
BLIND = {  # rooms that must not know others: the eye not the generator, the main path neither files nor databases
    "defects": {"frdm.damage", "frdm.demo"},
    "fills": {"frdm.damage", "frdm.demo"},
    "mending.py": {"frdm.damage", "frdm.demo", "frdm.media", "frdm.ledger"},
}
# Written in two halves, so that this file does not name them itself.
PLACES = [a + b for a, b in (("/wor", "k/"), ("/ho", "me/"), ("/ro", "ot/"), ("/Use", "rs/"), ("C:", "\\Users"), ("index-", "url"))]


def imports(path: Path) -> set[str]:
    """The top names of everything that a file imports, at load or later."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module.split(".")[0])
    return found


def test_imports_go_downwards_only() -> None:
    command = [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_file_imports_only_what_its_room_may(path: Path) -> None:
    room = path.relative_to(ROOT / "src" / "frdm").parts[0]
    assert not imports(path) & POSIX_ONLY
    for name, owner in OWNERS.items():
        assert name not in imports(path) or room == owner, f"{name} belongs to {owner}"


def rooms_imported(path: Path) -> set[str]:
    """`frdm.ROOM` for every room that a file imports, at load or later."""
    nodes = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
    return {".".join((node.module or "").split(".")[:2]) for node in nodes}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_arrays_are_read_in_one_place(path: Path) -> None:
    """`frdm/arrays.py` says why."""
    found = re.findall(r"\b(?:npy?\.(?:load|read_array)|ast\.literal_eval)\(", path.read_text(encoding="utf-8"))
    assert not found or path.name == "arrays.py"


@pytest.mark.parametrize("room", sorted(BLIND))
def test_the_main_path_is_blind_to_what_it_must_not_know(room: str) -> None:
    place = ROOT / "src" / "frdm" / room
    files = [place] if place.is_file() else sorted(place.rglob("*.py"))
    assert files, f"{room} is gone: mend this test"
    assert not {name for path in files for name in rooms_imported(path)} & BLIND[room]


def loaded_by(statement: str) -> set[str]:
    """The top names in sys.modules after a statement in a fresh interpreter."""
    code = f"{statement}\nimport sys; print(' '.join({{name.split('.')[0] for name in sys.modules}}))"
    return set(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split())


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = {"numpy", "cv2", "av", "OpenImageIO", "torch", "scenedetect", "opentimelineio", "jinja2", "pydantic", "sqlite3"}
    assert not loaded_by("import frdm.cli; frdm.cli.main(['--help'])") & heavy


def test_torch_is_not_loaded_to_restore() -> None:
    assert "torch" not in loaded_by("import frdm.jobs, frdm.cli")


def tracked() -> list[Path]:
    """Every file that is or would be in the repository."""
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("not a git checkout")
    return [ROOT / name for name in listed.stdout.splitlines() if (ROOT / name).is_file()]


def test_nothing_names_a_machine() -> None:
    told = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", "ignore")
        told += [f"{path.relative_to(ROOT)}: {place}" for place in PLACES if place in text]
    assert not told


def test_no_film_lies_in_the_repository() -> None:
    film = re.compile(r"\.(dpx|exr|mov|mkv|mxf|avi|tiff?|cin)$", re.IGNORECASE)
    assert not [path for path in tracked() if film.search(path.name)]
