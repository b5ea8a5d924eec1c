"""Write docs/cli.md from the verbs' own signatures: `make docs`. A house test says when it is out of date."""

import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cyclopts import App

from frdm.cli import VERBS, app

UNSAID = ("--no-", "--empty-")  # the library's own opposites, which frdm does not offer
PAGE = Path(__file__).parents[1] / "docs" / "cli.md"
HEAD = """# The command line

Written by `make docs` from the program itself. Every verb also explains itself: `frdm VERB --help`.

Exit codes: 0, all that was asked is done (for `restore`: every frame of the asked range was written); 1, `verify` found a
difference; 2, something that you can mend, said in one line on stderr; 130, interrupted: the same command goes on from there.
Without a terminal, progress is plain lines on stderr.
"""


def page() -> str:
    """The whole page."""
    return HEAD + "".join(section(name, command) for verb, _, _ in VERBS for name, command in leaves(verb))


def leaves(verb: str) -> Iterator[tuple[str, App]]:
    """(name, command) of a verb, or of every verb under it."""
    command = app(verb)[verb]
    if command.default_command is not None:
        yield verb, command
        return
    yield from ((f"{verb} {name}", command[name]) for name in command if not name.startswith("-"))


def section(verb: str, command: App) -> str:
    """One verb: usage, what it does, its arguments and options."""
    arguments = [argument for argument in command.assemble_argument_collection() if argument.show]
    said = inspect.cleandoc(command.default_command.__doc__ or "")
    given = " ".join(word(argument) for argument in arguments if is_positional(argument))
    rows = "".join(row(argument) for argument in arguments)
    return f"\n## frdm {verb}\n\n`frdm {verb} {given}`\n\n{said}\n\n| | default | meaning |\n|---|---|---|\n{rows}"


def is_positional(argument: Any) -> bool:
    return not any(name.startswith("-") for name in argument.names)


def word(argument: Any) -> str:
    """A positional argument as usage shows it."""
    name = argument.names[0].upper() if argument.names else ""
    return name if argument.required else f"[{name}]"


def row(argument: Any) -> str:
    """An argument's or option's line of the table; switches and what is left out have no default to show."""
    default = argument.field_info.default
    hidden = default in (None, inspect.Parameter.empty, ()) or default is False
    shown = "" if hidden else " ".join(map(str, default)) if isinstance(default, tuple) else str(default)
    names = ", ".join(f"`{name}`" for name in argument.names if not name.startswith(UNSAID))
    return f"| {names} | {shown} | {argument.parameter.help or ''} |\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
