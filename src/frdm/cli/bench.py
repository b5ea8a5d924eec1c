"""`frdm bench`: suites of cases, methods run over them, one table of what was mended and of the harm done."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
from cyclopts import App, Parameter

from frdm.bench.clean import CleanFilm, films_in
from frdm.demo.scene import Harbour, Mill, Stage, exposed
from frdm.display import Picture
from frdm.errors import BenchError

bench = App(name="bench", help="Score restorers: build suites, run methods over them, report.", default_parameter=Parameter(negative=""))


@bench.command
def build(
    out: Annotated[Path, Parameter(help="Folder of the suite; further builds into it add cases.")],
    /,
    *,
    suite: Annotated[str, Parameter(help="480p, 1080p, 2k, 4k or WIDTHxHEIGHT: clean film damaged by a seed; real; labels.")] = "480p",
    films: Annotated[tuple[Path, ...], Parameter(help="Films (repeat it); a folder of movies gives all. Default: the drawn one.")] = (),
    only: Annotated[tuple[str, ...], Parameter(help="Sorts of case: light, heavy, fast, colour, bw, video, lines, undamaged.")] = (),
    frames: Annotated[int, Parameter(help="Frames of a case.")] = 16,
    seed: Annotated[int, Parameter(help="Decides frames, damage and grain.")] = 1,
    recipe: Annotated[str | None, Parameter(help="Damage recipe (a preset or a TOML file) in place of each sort's own.")] = None,
    gauge: Annotated[str, Parameter(help="Of real film: 8 mm, 16 mm, 35 mm, home video …")] = "unknown",
    stock: Annotated[str, Parameter(help="Of real film: colour, black and white …")] = "unknown",
    licence: Annotated[str, Parameter(help="Of the films.")] = "",
) -> int:
    """Build a suite: clean film with damage of known truth, real film without, or frames that a person marked.

    Cases are folders of 8-bit PNG frames (clean, damaged, mask, ids, ideal; damaged alone; damaged and label) with a suite.json.
    """
    from frdm.bench.real import Strata, build_labelled, build_real
    from frdm.bench.synthetic import Wanted, build_synthetic, size_of

    if frames < 1:
        raise BenchError(f"--frames {frames}: at least one frame is wanted; give a larger number")
    strata = Strata(gauge, stock, licence)
    if suite == "real":
        built = build_real(out, films, strata, frames=frames)
    elif suite == "labels":
        built = build_labelled(out, films, strata)
    else:
        wanted = Wanted(size_of(suite), frames, seed, only, recipe)
        built = build_synthetic(out, suite, films_in(films, licence=licence) if films else drawn_films(3 * frames), wanted)
    for name in built:
        print(f"{name} built", flush=True)
    return 0


def drawn_films(length: int) -> list[CleanFilm]:
    """Two shots that the program draws, at any size."""

    def drawn(scene: type[Harbour] | type[Mill]) -> CleanFilm:
        def read(numbers: Sequence[int], size: tuple[int, int]) -> list[Picture]:
            stage = Stage(height=size[0], width=size[1], shot=length)
            shot = scene(stage)
            return [np.round(exposed(shot.frame(n), np.random.default_rng((stage.seed, n))) * 255).astype(np.uint8) for n in numbers]

        return CleanFilm(f"drawn {scene.__name__.lower()}", length, read, "drawn by frdm", "Apache-2.0")

    return [drawn(Harbour), drawn(Mill)]


@bench.command
def run(
    suite: Annotated[Path, Parameter(help="Folder of cases, with or without a suite.json.")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"], help="Folder of the results; a killed run goes on from what lies there.")],
    method: Annotated[
        tuple[str, ...],
        Parameter(
            help="Methods (repeat it): frdm, input, median, sdip, ffmpeg, telea, oracle-…, a peer, RECIPE.toml. Default: all but peers."
        ),
    ] = (),
    extra: Annotated[
        str, Parameter(help="Further options of `frdm restore`, in one word: --extra '--lines hold'.", allow_leading_hyphen=True)
    ] = "",
    label: Annotated[str | None, Parameter(help="The name of the frdm row, so that several settings stand side by side.")] = None,
    setting: Annotated[tuple[str, ...], Parameter(name="--set", help="What a peer needs, NAME=VALUE or PEER.NAME=VALUE (repeat it).")] = (),
    only: Annotated[tuple[str, ...], Parameter(help="Cases (repeat it). Default: all.")] = (),
    keep_frames: Annotated[bool, Parameter(help="Keep every restored frame under OUT/frames.")] = False,
    fresh: Annotated[bool, Parameter(help="Throw earlier results away.")] = False,
) -> int:
    """Run methods over a suite's cases, one at a time, and write the report. Results that are there and still valid are kept.

    Exit code 2 when a method failed on a case; the others' results stand.
    """
    import shlex

    from frdm.bench.case import Suite, open_suite
    from frdm.bench.methods import method_of, plain_names
    from frdm.bench.report import write_report_of
    from frdm.bench.running import Asked, run_suite

    opened = open_suite(suite)
    unknown = set(only) - {case.name for case in opened.cases}
    if unknown:
        raise BenchError(f"--only {', '.join(sorted(unknown))}: no such case in {suite}; look at its folders")
    cases = tuple(case for case in opened.cases if not only or case.name in only)
    settings = settings_of(setting)
    methods = [method_of(name, settings=settings, extra=shlex.split(extra), label=label) for name in method or plain_names()]
    failed = 0
    for step in run_suite(Suite(suite, cases, opened.about), methods, Asked(out, keep=keep_frames, fresh=fresh)):
        failed += step.state == "failed"
        print(f"{step.case}: {step.method}: {step.state}{f' ({step.said})' if step.said else ''}", flush=True)
    for path in write_report_of(out):
        print(f"Wrote {path}")
    return 2 if failed else 0


def settings_of(given: Sequence[str]) -> dict[str, str]:
    """NAME=VALUE words as a mapping. Raises `BenchError`."""
    for word in given:
        if "=" not in word:
            raise BenchError(f"--set {word}: NAME=VALUE wanted, such as --set python=/usr/bin/python3.12")
    return dict(word.split("=", 1) for word in given)


@bench.command
def report(out: Annotated[Path, Parameter(help="Folder of a run's results.")], /) -> int:
    """Write a run's report again: report.md, report.csv and report.html, with plots and places before and after."""
    from frdm.bench.report import write_report_of

    for path in write_report_of(out):
        print(f"Wrote {path}")
    return 0


@bench.command
def vram(
    *,
    model: Annotated[Literal["compact", "paper"], Parameter(help="compact, or paper (several GB of random weights).")] = "compact",
    size: Annotated[tuple[str, ...], Parameter(help="WIDTHxHEIGHT (repeat it).")] = ("2048x1556", "4096x3112"),
    frames: Annotated[int | None, Parameter(help="Frames of one window in time. Default: the model's own, 5 or 16.")] = None,
    steps: Annotated[int, Parameter(help="Steps of diffusion.")] = 4,
    cap: Annotated[str | None, Parameter(name="--vram", help="Memory of the graphics card that may be used, such as 24GiB.")] = None,
    device: Annotated[Literal["cpu", "cuda"], Parameter(help="cpu (resident memory is measured) or cuda.")] = "cpu",
    weights: Annotated[Path | None, Parameter(help="Folder of an exported hand, run by ONNX Runtime, in place of random weights.")] = None,
) -> int:
    """Measure what diffusion needs: peak memory and seconds a frame, whole frames, each size in a process of its own."""
    from frdm.bench.vram import HEAD, Asked, measure, sides
    from frdm.diffusion.planning import bytes_of

    if weights is not None and (model, device) != ("compact", "cpu"):
        raise BenchError(f"--weights {weights}: exported hands are compact and run here on the processor; leave --model and --device out")
    if cap is not None and device == "cpu":
        raise BenchError(
            f"--vram {cap}: a graphics card's memory is capped, a processor's is only measured; leave it out, or --device cuda"
        )
    if steps < 1 or (frames is not None and frames < 1):
        raise BenchError(f"--steps {steps}, --frames {frames}: 1 or more was wanted; give that")
    budget = None if cap is None else bytes_of(cap)
    print(HEAD, flush=True)
    for one in size:
        height, width = sides(one)
        length = frames or (16 if model == "paper" else 5)
        folder = None if weights is None else str(weights.resolve())
        print(measure(Asked(model, height, width, length, steps, device, budget, folder)).row(), flush=True)
    return 0


@bench.command
def peers() -> int:
    """List the peers whose recipes come with frdm: what they need, where their code is, under which licence."""
    from frdm.bench.peers import peer_names, read_peer

    for name in peer_names():
        recipe, _ = read_peer(name)
        print(f"{name}: {recipe.title}\n  {recipe.source}\n  licence: {recipe.licence}")
        for key, words in recipe.needs.items():
            print(f"  --set {name}.{key}=…: {words}")
        print(f"  {recipe.note}" if recipe.note else "")
    return 0
