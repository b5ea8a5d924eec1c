"""Runs: what a method sees, that results are kept and made again as they must be, and that a failure stops nothing."""

import errno
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bench.cases import FRAMES, case_of
from frdm.bench import machine as bench_machine
from frdm.bench import running
from frdm.bench.case import Suite, open_suite, read_png
from frdm.bench.methods import Method, method_of
from frdm.bench.peers import load_peer
from frdm.bench.running import Asked, Step, results, run_suite
from frdm.bench.stage import laid_films, stage
from frdm.errors import BenchError

COPY = """
import shutil, sys, pathlib
frames, out = map(pathlib.Path, sys.argv[1:3])
out.mkdir(parents=True, exist_ok=True)
for path in frames.glob("*.png"):
    shutil.copy(path, out / path.name)
"""


def peer(folder: Path, script: str, *, more: str = "", command: str = '["{python}", "{here}/peer.py", "{frames}", "{out}"]') -> Method:
    """A peer of one script."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "peer.py").write_text(script)
    head = 'name = "copier"\ntitle = "copies"\nsource = "here"\nlicence = "none"\n'
    recipe = f'{head}command = {command}\n{more}\n[needs]\npython = "any Python"\n'
    (folder / "copier.toml").write_text(recipe)
    return load_peer(str(folder / "copier.toml"), settings={"copier.python": sys.executable})


def ran(suite: Path, out: Path, *methods: Method, **asked: bool) -> list[Step]:
    return list(run_suite(open_suite(suite), methods, Asked(out, **asked)))


def scores(out: Path, method: str, case: str) -> Mapping[str, float]:
    return json.loads((out / "results" / method / f"{case}.json").read_text())["scores"]


def test_a_run_scores_every_case_and_keeps_what_it_has(suite: Path, tmp_path: Path) -> None:
    methods = [method_of(name, settings={}) for name in ("input", "telea")]
    first = ran(suite, tmp_path, *methods)
    assert [(step.method, step.case, step.state) for step in first] == [
        (method, case, "done") for case in ("dirty", "still") for method in ("input", "telea")
    ]
    assert {step.state for step in ran(suite, tmp_path, *methods)} == {"kept"}
    assert {step.state for step in ran(suite, tmp_path, *methods, fresh=True)} == {"done"}
    found = results(tmp_path)
    assert all(one["seconds"] > 0 and one["peak"] > 2**20 and one["frames"] == FRAMES for one in found)
    assert scores(tmp_path, "telea", "dirty")["in_mask_db"] > scores(tmp_path, "input", "dirty")["in_mask_db"] + 3
    assert scores(tmp_path, "input", "dirty")["far_altered"] == 0
    assert not list(tmp_path.glob("work*"))


def test_a_killed_run_goes_on(suite: Path, tmp_path: Path) -> None:
    methods = [method_of("input", settings={})]
    steps = run_suite(open_suite(suite), methods, Asked(tmp_path))
    assert next(steps).state == "done"
    steps.close()  # type: ignore[attr-defined]
    (tmp_path / "work-999999999").mkdir()  # a process number that no system gives
    half = tmp_path / "results" / "input" / "still.json"
    half.write_text('{"half a')  # as a crash of the machine may leave it
    assert [step.state for step in run_suite(open_suite(suite), methods, Asked(tmp_path))] == ["kept", "done"]
    assert not list(tmp_path.glob("work*"))


def test_a_result_is_made_again_when_method_or_case_change(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copier = peer(tmp_path / "peer", COPY)
    assert {step.state for step in ran(suite, tmp_path / "out", copier)} == {"done"}
    assert {step.state for step in ran(suite, tmp_path / "out", peer(tmp_path / "peer", COPY))} == {"kept"}
    changed = peer(tmp_path / "peer", COPY + "\n# mended\n")
    assert {step.state for step in ran(suite, tmp_path / "out", changed)} == {"done"}
    monkeypatch.setattr(running, "digest", lambda parts: "another scorer")
    assert {step.state for step in ran(suite, tmp_path / "out", changed)} == {"done"}


def test_a_blind_method_sees_frames_and_nothing_else(suite: Path, tmp_path: Path) -> None:
    spy = f"""{COPY}
work = frames.parents[1]
seen = sorted(str(path.relative_to(work)) for path in work.rglob("*"))
pathlib.Path(r"{tmp_path}/seen").write_text("\\n".join(seen))
"""
    list(run_suite(Suite(suite, (case_of(suite, "dirty"),)), [peer(tmp_path / "peer", spy)], Asked(tmp_path / "out")))
    seen = {line.replace("\\", "/") for line in (tmp_path / "seen").read_text().splitlines()}
    assert {line for line in seen if line.endswith(".png") and line.startswith("clips")} == {
        f"clips/film/{n:05d}.png" for n in range(FRAMES)
    }
    assert not [line for line in seen if "clean" in line or "mask" in line or "dirty" in line]


def test_a_method_that_fails_is_told_and_the_others_go_on(suite: Path, tmp_path: Path) -> None:
    broken = peer(tmp_path / "peer", "import sys; sys.exit('no weights here')")
    steps = ran(suite, tmp_path / "out", broken, method_of("input", settings={}))
    assert [step.state for step in steps] == ["failed", "done"] * 2
    assert "no weights here" in steps[0].said
    assert [step.state for step in ran(suite, tmp_path / "out", broken)] == ["failed"] * 2, "a failure is tried again"


def test_a_second_run_that_fails_leaves_nothing_behind(mixed: Path, tmp_path: Path) -> None:
    once = (
        COPY
        + f"""
flag = pathlib.Path(r"{tmp_path}/ran")
sys.exit("tired") if flag.exists() else flag.touch()
"""
    )
    [step] = run_suite(Suite(mixed, (case_of(mixed, "old"),)), [peer(tmp_path / "peer", once)], Asked(tmp_path / "out"))
    assert (step.state, "tired" in step.said) == ("failed", True)
    assert not list((tmp_path / "out").glob("work*"))


def test_a_digest_follows_learnt_files_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a detector that has learnt anew keeps the scores of the old one."""
    monkeypatch.setattr(bench_machine, "PACKAGE", tmp_path)
    (tmp_path / "defects" / "__pycache__").mkdir(parents=True)
    (tmp_path / "defects" / "trees.npz").write_bytes(b"old")
    before = bench_machine.digest(("defects",))
    (tmp_path / "defects" / "__pycache__" / "x.pyc").write_bytes(b"never mind")
    assert bench_machine.digest(("defects",)) == before
    (tmp_path / "defects" / "trees.npz").write_bytes(b"new")
    assert bench_machine.digest(("defects",)) != before


def test_digests_name_what_there_is() -> None:
    parts = (*bench_machine.SCORING, *bench_machine.REFERENCES, *bench_machine.RESTORING)
    assert not [part for part in parts if not (bench_machine.PACKAGE / part).exists()]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("pass", "0 frames came out, 5 wanted"),
        (COPY.replace('glob("*.png")', 'glob("*0.png")'), "1 frames came out"),
        (COPY + "\nfor p in out.glob('*.png'): p.write_bytes(b'')", "no picture can be read"),
    ],
)
def test_what_a_peer_leaves_is_checked(suite: Path, tmp_path: Path, script: str, told: str) -> None:
    [step, *_] = ran(suite, tmp_path / "out", peer(tmp_path / "peer", script))
    assert step.state == "failed"
    assert told in step.said


def test_sizes_are_padded_for_peers_and_cropped_again(suite: Path, tmp_path: Path) -> None:
    measure = f"""{COPY}
import struct
data = next(frames.glob("*.png")).read_bytes()
pathlib.Path(r"{tmp_path}/size").write_text(str(struct.unpack(">II", data[16:24])))
"""
    method = peer(tmp_path / "peer", measure, more="multiple = 50")
    case = case_of(suite, "dirty")
    restored = stage(method, case, tmp_path / "work")
    assert (tmp_path / "size").read_text() == "(150, 100)"
    for name in case.names:
        assert np.array_equal(read_png(restored.frames / name), read_png(case.path("damaged", name)))


def test_frames_are_collected_from_where_a_peer_puts_them(suite: Path, tmp_path: Path) -> None:
    elsewhere = COPY.replace("out.mkdir", 'out = out / "deep" / "er"\nout.mkdir')
    restored = stage(peer(tmp_path / "peer", elsewhere, more='collect = "{out}/**/*.png"'), case_of(suite, "dirty"), tmp_path / "work")
    assert len(list(restored.frames.glob("*.png"))) == FRAMES


def test_a_peer_may_leave_its_frames_on_another_disk(suite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*names: object) -> None:
        raise OSError(errno.EXDEV, "Invalid cross-device link")

    for name in ("replace", "rename"):
        monkeypatch.setattr(os, name, refused)
    restored = stage(peer(tmp_path / "peer", COPY), case_of(suite, "dirty"), tmp_path / "work")
    assert len(list(restored.frames.glob("*.png"))) == FRAMES


def test_a_peer_may_take_and_leave_a_movie(suite: Path, tmp_path: Path) -> None:
    from frdm.bench.methods import ffmpeg_program

    ffmpeg = ffmpeg_program()
    command = f'["{ffmpeg}", "-v", "error", "-i", "{{video}}", "-c:v", "ffv1", "-pix_fmt", "bgr0", "{{out}}/film.mkv"]'.replace("\\", "/")
    method = peer(tmp_path / "peer", COPY, more='collect = "{out}/film.mkv"', command=command)
    case = case_of(suite, "dirty")
    restored = stage(method, case, tmp_path / "work")
    for name in case.names:
        assert np.array_equal(read_png(restored.frames / name), case.picture("damaged", name))


def test_real_film_and_labels_are_scored_by_what_there_is(mixed: Path, tmp_path: Path) -> None:
    paint = (
        COPY
        + """
import cv2
for path in out.glob("*.png"):
    picture = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
    picture[20:26, 30:36] = 128
    cv2.imwrite(str(path), picture)
"""
    )
    methods = [peer(tmp_path / "peer", paint), method_of("telea", settings={}), method_of("input", settings={})]
    steps = {(step.method, step.case): step for step in ran(mixed, tmp_path / "out", *methods)}
    assert steps["telea", "old"].state == "left out"
    old, marked = scores(tmp_path / "out", "copier", "old"), scores(tmp_path / "out", "copier", "marked")
    assert 0.2 < old["altered"] < 0.3  # 36 of 12,288 px, some of them grey already
    assert old["again"] == 0 and old["again_share"] == 0
    assert marked["pixel_precision"] == 1 and marked["defect_recall"] == 1
    assert scores(tmp_path / "out", "input", "marked")["defect_f1"] == 0
    assert (tmp_path / "out" / "sheets" / "old_copier.png").is_file()


def test_methods_and_peers_are_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="no such method; give one of input, median"):
        method_of("magic", settings={})
    with pytest.raises(BenchError, match=r"spotless: not given: --set python="):
        method_of("spotless", settings={})
    with pytest.raises(BenchError, match="is not there"):
        method_of("spotless", settings={"python": str(tmp_path / "none")})
    (tmp_path / "bad.toml").write_text('name = "x"\nwrong = 1\n')
    with pytest.raises(BenchError, match=r"bad.toml: title: Field required"):
        method_of(str(tmp_path / "bad.toml"), settings={})


def test_very_short_labelled_films_are_mirrored(mixed: Path, tmp_path: Path) -> None:
    from dataclasses import replace

    case = case_of(mixed, "marked")
    pair = replace(case, facts=replace(case.facts, single=False), names=case.names[:2])
    one, two = pair.names
    assert [(film.names, film.names[film.counted]) for film in laid_films(pair)] == [((two, one, two), (one,)), ((one, two, one), (two,))]
    [film] = laid_films(replace(pair, names=case.names[:3]))
    assert film.names == tuple(case.names[place] for place in (2, 1, 0, 1, 2, 1, 0))
    assert film.names[film.counted] == case.names[:3]
    restored = stage(peer(tmp_path / "peer", COPY), pair, tmp_path / "work")
    assert sorted(path.name for path in restored.frames.iterdir()) == list(pair.names)
    for name in pair.names:
        assert np.array_equal(read_png(restored.frames / name), read_png(pair.path("damaged", name)))
    known = case_of(mixed, "known")
    assert [film.names for film in laid_films(known)] == [known.names]
    assert len(laid_films(case)) == len(case.names), "single frames"
