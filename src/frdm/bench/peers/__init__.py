"""Other people's restorers, run out of process by a written recipe: a TOML file with a command template, what it needs, source and licence.

name = "spotless"                      # of the row and of the folder of results
title = "SpotLess (VapourSynth)"
source = "https://…"                   # where its code is
licence = "…"                          # of its code and weights, as its authors state it
command = ["{python}", "{here}/spotless.py", "{frames}", "{out}"]      # placeholders: frdm.bench.methods; {here}: the recipe's folder
collect = "{out}/*.png"                # the restored frames: a pattern, or one movie
folder = "{repo}"                      # where it runs; left out: a folder of its own
multiple = 8                           # sizes that it can take; left out: any
truth = true                           # it is given the true mask: no restorer, a ceiling
version = ["{python}", "-c", "…"]      # prints one line that goes into the table
note = "…"
[needs]                                # what the user gives with --set NAME=VALUE, and in words what that is
python = "a Python 3.12 with …"
[defaults]                             # values of settings that may be left out
"""

import subprocess
import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from frdm.bench.methods import Method
from frdm.errors import BenchError

HERE = Path(str(files(__name__)))


class PeerRecipe(BaseModel):
    """A peer's recipe as its file has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    title: str
    source: str
    licence: str
    command: tuple[str, ...]
    collect: str = "{out}/*.png"
    folder: str = "{work}"
    multiple: int = 1
    truth: bool = False
    version: tuple[str, ...] = ()
    note: str = ""
    needs: dict[str, str] = {}
    defaults: dict[str, str] = {}


def peer_names() -> tuple[str, ...]:
    """The peers whose recipes come with frdm."""
    return tuple(sorted(path.stem for path in HERE.glob("*.toml")))


def read_peer(name: str) -> tuple[PeerRecipe, Path]:
    """A peer's recipe by name or file, and the folder it lies in. Raises `BenchError`."""
    path = Path(name) if Path(name).suffix == ".toml" else HERE / f"{name}.toml"
    try:
        return PeerRecipe.model_validate(tomllib.loads(path.read_text(encoding="utf-8"))), path.resolve().parent
    except OSError as error:
        raise BenchError(f"{path}: the recipe can't be read ({error.strerror}); peers at hand are {', '.join(peer_names())}") from None
    except tomllib.TOMLDecodeError as error:
        raise BenchError(f"{path}: no TOML ({error}); mend the recipe") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise BenchError(f"{path}: {place}: {first['msg']}; docs/bench.md shows a recipe") from None


def load_peer(name: str, *, settings: Mapping[str, str]) -> Method:
    """A peer as a method, its placeholders filled from `settings` (names may be given as PEER.NAME). Raises `BenchError`."""
    recipe, here = read_peer(name)
    own = {key.removeprefix(f"{recipe.name}."): value for key, value in settings.items()}
    values = recipe.defaults | {key: own[key] for key in (*recipe.needs, *recipe.defaults) if key in own} | {"here": str(here)}
    missing = [f"--set {key}=… ({words})" for key, words in recipe.needs.items() if key not in values]
    if missing:
        raise BenchError(f"{recipe.name}: not given: {'; '.join(missing)}; its code: {recipe.source}")
    for key in recipe.needs:
        values[key] = existing(values[key], f"{recipe.name}: {key} ({recipe.needs[key]})")
    about = {"source": recipe.source, "licence": recipe.licence, "note": recipe.note, "version": version_of(recipe, values)}
    return Method(
        recipe.name,
        recipe.title,
        recipe.command,
        truth=recipe.truth,
        collect=recipe.collect,
        multiple=recipe.multiple,
        folder=recipe.folder,
        edition=edition(recipe, here, about["version"]),
        settings=values,
        about={key: value for key, value in about.items() if value},
    )


def existing(place: str, what: str) -> str:
    """The whole path of something a peer needs; a name without folders may also be a program. Raises `BenchError`."""
    import shutil

    path = Path(place).expanduser()
    if path.exists():
        return str(path.absolute())
    if shutil.which(place):
        return place
    raise BenchError(f"{what}: {place} is not there; give its path with --set")


def version_of(recipe: PeerRecipe, values: Mapping[str, str]) -> str:
    """What the peer says of its version. Raises `BenchError` where it can't be asked: then it can't run either."""
    if not recipe.version:
        return ""
    command = [filled(word, values) for word in recipe.version]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BenchError(f"{recipe.name}: {command[0]} can't be asked for its version ({error}); look at what --set gave") from None
    if done.returncode:
        last = " ".join(done.stderr.split())[-300:]
        raise BenchError(f"{recipe.name}: does not start: {last}; needs {'; '.join(recipe.needs.values())}")
    return " ".join(done.stdout.split())


def filled(word: str, values: Mapping[str, Any]) -> str:
    """A word of a command with its placeholders filled; other braces stay."""
    for key, value in values.items():
        word = word.replace("{" + key + "}", str(value))
    return word


def edition(recipe: PeerRecipe, here: Path, version: str) -> str:
    """Changes when the recipe, a script beside it that it names, or the peer's version does."""
    import xxhash

    scripts = [here / word.partition("{here}/")[2] for word in recipe.command if "{here}/" in word]
    parts = [recipe.model_dump_json(), version, *(path.read_text(encoding="utf-8") for path in scripts if path.is_file())]
    return xxhash.xxh3_64("\0".join(parts).encode()).hexdigest()
