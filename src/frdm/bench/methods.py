"""Methods of the benchmark: each is a command that takes a folder of frames and fills another; ours, plain ones, ffmpeg, peers.

A command's words may hold {frames} (folder of the scan's frames, 00000.png …), {out} (folder for the same names), {work} (a folder of its
own, removed after), {case} and {mask} (the truth, for methods that are given it), {mattes} (folder for what a method says that it touched),
{video} (the scan as a lossless movie), {width}, {height}, {count}; and a peer's own, such as {python}.
"""

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from frdm.bench.machine import REFERENCES, RESTORING, digest
from frdm.bench.oracle import TRUE_MASK
from frdm.bench.reference import BLIND
from frdm.errors import BenchError

FFMPEG = "format=gbrp,tpad=start=1:stop=1:start_mode=clone:stop_mode=clone,tmedian=radius=1,atadenoise=s=5,hqdn3d=2:2:4:4"
OURS = "frdm"


@dataclass(frozen=True, slots=True)
class Method:
    """One row of the table: a command, what it is given, and how its frames are taken."""

    name: str
    title: str
    command: tuple[str, ...]
    truth: bool = False  # is given the true mask: no restorer, a ceiling
    collect: str = "{out}/*.png"  # pattern, or one movie: the restored frames in order
    multiple: int = 1  # height and width are padded to a multiple of it (edges repeated), and cropped again
    folder: str = "{work}"  # where it runs
    makes_out: bool = False  # makes {out} itself and refuses one that is there
    edition: str = ""  # changes when its code does: then old results are not kept
    settings: Mapping[str, str] = field(default_factory=dict)  # a peer's own placeholders
    about: Mapping[str, str] = field(default_factory=dict)  # source, licence, version …

    @property
    def mattes(self) -> bool:
        """Whether it says what it touched."""
        return any("{mattes}" in word for word in self.command)

    def told(self) -> str:
        """The command as the table tells it: the user's places left out."""
        program = "python" if self.command[0] == sys.executable else Path(self.command[0]).name
        return " ".join((program, *self.command[1:]))


def reference(name: str) -> Method:
    """A plain method of ours."""
    plain = {**BLIND, **TRUE_MASK}[name]
    command = (sys.executable, "-m", "frdm.bench.worker", name, "{case}", "{out}")
    return Method(name, plain.title, command, truth=plain.truth, edition=digest(REFERENCES))


def ours(extra: Sequence[str] = (), *, name: str = OURS) -> Method:
    """`frdm restore` as a user runs it, with further options."""
    command = (sys.executable, "-m", "frdm", "restore", "{frames}", "-o", "{out}", "--mattes", "{mattes}", *extra)
    title = " ".join(("frdm restore", *extra))
    return Method(name, title, command, makes_out=True, edition=digest(RESTORING))


def ffmpeg() -> Method:
    """The chain of ffmpeg's filters that guides to restoration give. Raises `BenchError` where there is no ffmpeg."""
    command = (ffmpeg_program(), "-v", "error", "-i", "{frames}/%05d.png", "-vf", FFMPEG, "-start_number", "0", "{out}/%05d.png")
    return Method("ffmpeg", "ffmpeg: tmedian, atadenoise, hqdn3d", command, edition=FFMPEG)


def ffmpeg_program() -> str:
    """The system's ffmpeg, or the one of imageio-ffmpeg. Raises `BenchError`."""
    found = shutil.which("ffmpeg")
    if found:
        return found
    try:
        from imageio_ffmpeg import get_ffmpeg_exe
    except ImportError:
        raise BenchError("ffmpeg: no such program found; install ffmpeg, or pip install 'frdm[bench]'") from None
    return str(get_ffmpeg_exe())


def plain_names() -> tuple[str, ...]:
    """The methods that run wherever frdm does, in the order of the table."""
    return (*BLIND, "ffmpeg", OURS, *TRUE_MASK)


def method_of(name: str, *, settings: Mapping[str, str], extra: Sequence[str] = (), label: str | None = None) -> Method:
    """A method by its name, or a peer by the name or file of its recipe; `settings` fills a peer's placeholders. Raises `BenchError`."""
    from frdm.bench.peers import load_peer, peer_names

    if name == OURS:
        return ours(extra, name=label or OURS)
    if name == "ffmpeg":
        return ffmpeg()
    if name in BLIND or name in TRUE_MASK:
        return reference(name)
    if name in peer_names() or Path(name).suffix == ".toml":
        return load_peer(name, settings=settings)
    known = ", ".join((*plain_names(), *peer_names()))
    raise BenchError(f"{name}: no such method; give one of {known}, or the TOML file of a peer's recipe")
