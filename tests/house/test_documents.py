"""The documents name every verb, option and setting, and the README's commands are commands."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from frdm.cli import VERBS, app
from frdm.recipe import Recipe

ROOT = Path(__file__).parents[2]
HELP_SECONDS = 0.5


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def leaves() -> list[str]:
    """Every verb that does something, those under `bench` and `dataset` by both of their words."""
    found = []
    for verb, _, _ in VERBS:
        command = app()[verb]
        under = [name for name in command if not name.startswith("-")] if command.default_command is None else []
        found += [f"{verb} {name}" for name in under] or [verb]
    return found


def options(verb: str) -> set[str]:
    """The long options of a verb."""
    command = app()
    for word in verb.split():
        command = command[word]
    arguments = command.assemble_argument_collection()
    return {name for argument in arguments for name in argument.names if re.match(r"--(?!no-|empty-)", name)}


@pytest.mark.parametrize("verb", leaves())
def test_every_verb_and_option_is_documented(verb: str) -> None:
    manual = text("docs/cli.md")
    section = manual.partition(f"\n## frdm {verb}\n")[2].partition("\n## ")[0]
    assert section, f"docs/cli.md has no section for {verb}: run `make docs`"
    assert not [option for option in options(verb) if f"`{option}`" not in section]


def settings(kind: type, prefix: str = "") -> set[str]:
    """The dotted names of every setting of a recipe."""
    found: set[str] = set()
    for field in dataclasses.fields(kind):
        inner = field.default_factory if dataclasses.is_dataclass(field.default_factory) else None
        found |= settings(inner, f"{prefix}{field.name}.") if inner else {prefix + field.name}  # type: ignore[arg-type]
    return found


def test_every_setting_is_documented() -> None:
    manual = text("docs/recipe.md")
    assert not [name for name in sorted(settings(Recipe)) if f"`{name}`" not in manual]


def commands(name: str) -> list[str]:
    """The lines of a document's shell blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", text(name), re.DOTALL)
    return [line.split("  #")[0].strip() for block in blocks for line in block.splitlines() if line.strip()]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_the_commands_of_a_document_are_commands(document: str) -> None:
    rules = set(re.findall(r"^([a-z-]+):", text("Makefile"), re.MULTILINE))
    for line in commands(document):
        words = shlex.split(line)
        if words[0] == "make":
            assert set(words[1:]) <= rules, line
        elif words[0] == "frdm":
            app().parse_args(words[1:], exit_on_error=False, print_error=False)


def test_help_comes_at_once() -> None:
    def once() -> float:
        began = os.times()
        done = subprocess.run([sys.executable, "-m", "frdm", "--help"], capture_output=True, text=True)
        assert done.returncode == 0
        assert all(name in done.stdout for name, _, _ in VERBS)
        ended = os.times()  # the processor's time: the clock on the wall tells how busy the machine is
        return ended.children_user + ended.children_system - began.children_user - began.children_system

    assert min(once() for _ in range(3)) <= HELP_SECONDS


def test_the_five_files_of_the_way_in_exist() -> None:
    named = re.findall(r"`(src/frdm/[a-z_/]+\.py)`", text("README.md"))
    assert len(named) >= 5
    assert all((ROOT / name).is_file() for name in named)
