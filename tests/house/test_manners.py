"""Sizes of files and functions, and that every `Source:` leads somewhere."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = sorted((ROOT / "src" / "frdm").rglob("*.py"))
NAMES = [path.relative_to(ROOT).as_posix() for path in SOURCES]
LONGEST_FILE = 400
LONGEST_FUNCTION = 40
MOST_PARAMETERS = 6
VERBS = {"restore", "decide"}  # the Python API's own, which take the command's options


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function's own work: its signature and docstring don't count."""
    first = function.body[1] if ast.get_docstring(function) and len(function.body) > 1 else function.body[0]
    return (function.end_lineno or first.lineno) - first.lineno + 1


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_a_file_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= LONGEST_FILE
    assert not text.strip() or ast.get_docstring(ast.parse(text)), "a file begins with what it is"


@pytest.mark.parametrize("path", SOURCES, ids=NAMES)
def test_no_function_is_long(path: Path) -> None:
    assert not [f"{f.name}: {length(f)} lines" for f in functions(path) if length(f) > LONGEST_FUNCTION]


def test_nine_functions_of_ten_are_quite_short() -> None:
    lengths = sorted(length(f) for path in SOURCES for f in functions(path))
    assert lengths[int(0.9 * len(lengths))] <= 25


@pytest.mark.parametrize("path", [p for p in SOURCES if "cli" not in p.parts], ids=lambda p: p.relative_to(ROOT).as_posix())
def test_no_function_takes_many_parameters(path: Path) -> None:
    def count(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        every = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        return len([a for a in every if a.arg not in ("self", "cls")])

    assert not [f"{f.name}: {count(f)}" for f in functions(path) if count(f) > MOST_PARAMETERS and f.name not in VERBS]


def test_every_source_tag_leads_somewhere() -> None:
    pages = [ROOT / "docs" / name for name in ("sources.md", "paper.md")]
    text = "\n".join(page.read_text(encoding="utf-8") for page in pages if page.exists())
    headings = tuple(re.findall(r"^#+ (.+?)\s*$", text, re.MULTILINE))
    tags = [(path.name, tag) for path in SOURCES for tag in re.findall(r"Source: (.+)", path.read_text(encoding="utf-8"))]
    lost = [f"{name}: {tag}" for name, tag in tags if not any(re.match(re.escape(heading) + r"\b", tag) for heading in headings)]
    assert not lost, "give them headings in docs/sources.md"
