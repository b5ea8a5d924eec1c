"""What can be said of the page's files without a browser: words in one place, neutral greys, nothing from outside, short files."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "src" / "frdm" / "studio" / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))
STYLES = sorted(PAGE.rglob("*.css"))
WORDS = ("words.js", "names.js")
HEX = re.compile(r"#[0-9a-fA-F]{3,8}\b")


def luminance(colour: str) -> float:
    """Relative luminance of a grey. Source: WCAG 2.2 relative luminance."""
    level = int(colour[1:3], 16) / 255
    return level / 12.92 if level <= 0.04045 else ((level + 0.055) / 1.055) ** 2.4


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def spoken() -> dict[str, str]:
    """All words as a table."""
    text = "\n".join((PAGE / name).read_text(encoding="utf-8") for name in WORDS)
    return dict(re.findall(r'^  "?([a-z][\w. -]*?)"?: "((?:[^"\\]|\\.)*)",$', text, re.MULTILINE))


@pytest.mark.parametrize("path", sorted(p for p in PAGE.rglob("*") if p.is_file()), ids=lambda path: path.name)
def test_a_file_is_short_and_asks_nobody_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text.splitlines()) <= 400
    assert not re.findall(r"https?://(?!www\.w3\.org/2000/svg)", text)


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_every_colour_of_the_page_is_a_neutral_grey(path: Path) -> None:
    colours = HEX.findall(path.read_text(encoding="utf-8"))
    assert colours
    assert not [c for c in colours if not c[1:3] == c[3:5] == c[5:7]]
    assert not re.findall(r"\b(?:rgba?|hsla?|oklch|lab)\(", path.read_text(encoding="utf-8"))


def test_colours_drawn_by_scripts_are_neutral_too() -> None:
    found = [(path.name, c) for path in SCRIPTS for c in HEX.findall(path.read_text(encoding="utf-8"))]
    assert not [(name, c) for name, c in found if len(c) in (7, 9) and not c[1:3] == c[3:5] == c[5:7]]


def test_text_stands_out_enough_from_every_ground() -> None:
    named = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", (PAGE / "style" / "base.css").read_text(encoding="utf-8")))
    grounds = [named[name] for name in ("surround", "ground", "panel", "raised")]
    for text in ("dim", "text", "bright"):
        assert min(contrast(named[text], ground) for ground in grounds) >= 4.5, text
    assert contrast(named["on"], named["on-text"]) >= 4.5
    assert contrast(named["rim"], named["raised"]) >= 3  # the edge of a field


def test_every_word_is_there_and_none_is_left_over() -> None:
    words = spoken()
    assert len(words) > 200
    markup = (PAGE / "index.html").read_text(encoding="utf-8")
    scripts = "\n".join(path.read_text(encoding="utf-8") for path in SCRIPTS if path.name not in WORDS)
    asked = set(re.findall(r'say\(\s*"([^"]+)"', scripts)) | set(re.findall(r'data-(?:word|name|hint)="([^"]+)"', markup))
    assert asked - set(words) == set()
    families = {found.split("${")[0] for found in re.findall(r"say\(`([^`]+)`", scripts)} | set(re.findall(r'named\("([^"]+)"', scripts))
    quoted = set(re.findall(r'"([^"\n]+)"', scripts))
    unused = [
        name
        for name in words
        if name not in asked | quoted | {"lang"} and not any(name.startswith(family) for family in families if family)
    ]
    assert [name for name in unused if name not in ("undo.none", "undo.told", "undo.alone", "redo.none", "redo.told", "redo.alone")] == []


def test_every_command_has_a_name_and_no_two_share_a_key() -> None:
    text = (PAGE / "commands.js").read_text(encoding="utf-8")
    words = spoken()
    ids = re.findall(r'group: "\w+",\s+id: "([\w-]+)"', text)
    assert len(ids) > 35
    assert not [name for name in ids if f"do.{name}" not in words]
    keys = [key for row in re.findall(r"keys: \[([^\]]+)\]", text) for key in re.findall(r'"([^"]+)"', row)]
    assert len(keys) == len(set(keys))


def test_markup_has_no_words_of_its_own() -> None:
    body = (PAGE / "index.html").read_text(encoding="utf-8").partition("<body>")[2]
    assert re.sub(r"<[^>]*>", "", body).strip() == ""
    assert " style=" not in body
    assert "onclick" not in body


def test_every_module_is_asked_for_at_once() -> None:
    body = (PAGE / "index.html").read_text(encoding="utf-8")
    early = re.findall(r'<link rel="modulepreload" href="([\w.]+)">', body)
    assert sorted([*early, "main.js"]) == [path.name for path in SCRIPTS]
