"""The hand's training: both stages learn, what is frozen stays, a stop leaves no trace, mistakes are one sentence."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import cv2
import torch
from hand_toy import MODEL, settings, write_windows

from frdm.cli import main
from frdm.cli.train_hand import ModelOptions, StepOptions, settings_of
from frdm.dataset.sources import Clip
from frdm.errors import DatasetError, RecipeError, WeightsError
from frdm.model.frdm import FrdmParams
from frdm.model.losses import LossParams
from frdm.train.hand import Run, numbers_from, read_checkpoint
from frdm.train.hand import train_hand as trained
from frdm.train.hand_data import TileSettings, Windows
from frdm.train.hand_parts import LatentDistance, Processes, built
from frdm.train.hand_scores import by_diffusion, by_regression, held, nothing, scored, telea
from frdm.train.hand_scoring import score
from frdm.train.hand_settings import drawn_time, rate_at, tiles_for
from frdm.train.hand_shipping import load_hand_run, ship_hand
from frdm.train.hand_watching import cut_curve, note
from model.small_models import TOY_PAPER, awake, write_backbone

TESTS = Path(__file__).parents[1]
Losses = list[tuple[str, ...]]


@pytest.fixture(scope="module")
def folder(clips: list[Clip], tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.set_num_threads(1)
    return write_windows(tmp_path_factory.mktemp("hand"), clips)


@pytest.fixture(scope="module")
def run_of(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A whole run of the second stage: its folder."""
    out = tmp_path_factory.mktemp("run")
    trained(folder, out, settings(strips=8), tell=lambda _: None)
    return out


def silent(line: str) -> None:
    """Say nothing."""


def batches(run: Run, folder: Path, steps: int) -> Any:
    """What the run learns from in so many steps."""
    windows, each = Windows(folder, "train", run.settings.tiles), run.settings.accumulate
    some = [windows.batch(number, run.settings.batch, run.settings.seed) for number in islice(numbers_from(run), steps * each)]
    return [some[at : at + each] for at in range(0, len(some), each)]


def curve(path: Path) -> Losses:
    with (path / "curve.csv").open(encoding="utf-8", newline="") as stream:
        return [tuple(row) for row in csv.reader(stream)]


@pytest.mark.parametrize("stage", ["preprocess", "frdm"])
def test_the_loss_falls(folder: Path, stage: Any) -> None:
    run = Run(settings(stage=stage, losses=LossParams(first=81.0), rate=3e-3, warmup=1, steps=20))
    (batch,) = batches(run, folder, 1)
    losses = [run.learn(batch)["total"] for _ in range(20)]
    assert losses[-1] < 0.6 * losses[0]


def test_every_weight_learns(folder: Path) -> None:
    run = Run(settings(tiles=replace(settings().tiles, heard=1.0)))
    awake(run.model)
    before = {name: one.detach().clone() for name, one in run.model.learning()}
    for batch in batches(run, folder, 2):
        run.learn(batch)
    still = [name for name, one in run.model.learning() if torch.equal(one, before[name])]
    assert still == [] and len(before) > 100
    assert any(not torch.equal(run.kept[name], one) for name, one in run.model.learning())


def test_in_the_first_stage_only_the_preprocess_module_learns(folder: Path) -> None:
    run = Run(settings(stage="preprocess"))
    before = {name: one.clone() for name, one in run.model.state_dict().items()}
    assert {name.split(".")[0] for name, _ in run.model.learning()} == {"preprocess"}
    for batch in batches(run, folder, 3):
        run.learn(batch)
    changed = {name for name, one in run.model.state_dict().items() if not torch.equal(one, before[name])}
    assert {name.split(".")[0] for name in changed} == {"preprocess"} and len(changed) > 30


@pytest.mark.slow
def test_around_a_backbone_what_is_frozen_stays(folder: Path, tmp_path: Path) -> None:
    backbone = write_backbone(tmp_path / "backbone")
    how = settings(params=TOY_PAPER, tiles=tiles_for(TOY_PAPER), backbone=str(backbone), last_time=0.0, recompute=True, rate=1e-3)
    how = replace(how, tiles=replace(how.tiles, factor=2, heard=0.0))
    run = Run(how)
    awake(run.model)
    before = {name: one.clone() for name, one in run.model.state_dict().items()}
    learning = {name for name, _ in run.model.learning()}
    for batch in batches(run, folder, 2):
        run.learn(batch)
    changed = {name for name, one in run.model.state_dict().items() if not torch.equal(one, before[name])}
    assert changed == learning and not any(name.startswith("backbone") for name in changed)
    first = replace(how, stage="preprocess")
    model, perceptual = built(first)
    assert isinstance(perceptual, LatentDistance) and not any(one.requires_grad for one in perceptual.parameters())
    picture = torch.rand(2, 3, 32, 32, requires_grad=True)
    perceptual(picture, picture.detach().flip(3)).backward()
    assert picture.grad is not None and picture.grad.abs().sum() > 0 and perceptual(picture, picture).item() == 0
    with pytest.raises(WeightsError, match=r"predicts noise .*, the model is built for velocity"):
        built(replace(how, params=replace(TOY_PAPER, schedule=replace(TOY_PAPER.schedule, predicts="velocity"))))
    with pytest.raises(WeightsError, match="no backbone given"):
        built(replace(how, backbone=None))
    assert model.preprocess is not None


KILLED = """
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
from frdm.train.hand import train_hand
from hand_toy import settings
train_hand(Path(sys.argv[1]), Path(sys.argv[2]), settings(steps=10_000, checkpoint=0.0))
"""


@pytest.mark.slow
def test_a_killed_run_goes_on_to_the_same_losses_and_weights(folder: Path, tmp_path: Path) -> None:
    """The process is killed while it learns, most likely between two checkpoints or inside of one."""
    paths = os.pathsep.join([str(TESTS), str(TESTS / "train"), os.environ.get("PYTHONPATH", "")])
    command = [sys.executable, "-c", KILLED, str(folder), str(tmp_path)]
    with subprocess.Popen(command, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}) as process:
        path, patience = tmp_path / "checkpoint.pt", time.monotonic() + 120
        while not (path.is_file() and read_checkpoint(path)["step"] >= 3):
            assert process.poll() is None and time.monotonic() < patience
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    killed, whole = (Run(settings(steps=10_000), windows=12) for _ in range(2))
    killed.load(path)
    steps = killed.step + 3
    losses = [[run.learn(batch) for batch in batches(run, folder, steps - run.step)][-3:] for run in (killed, whole)]
    assert losses[0] == losses[1]
    assert all(torch.equal(one, whole.kept[name]) for name, one in killed.kept.items())


def test_a_stopped_run_writes_the_same_curve(folder: Path, run_of: Path, tmp_path: Path) -> None:
    run = Run(settings(), windows=12)
    for batch in batches(run, folder, 5):
        run.learn(batch)
    run.recent = run.recent[4:]  # rows were written after steps 2 and 4
    run.save(tmp_path / "checkpoint.pt")
    (tmp_path / "curve.csv").write_text((run_of / "curve.csv").read_text(encoding="utf-8"), encoding="utf-8")  # rows of later steps too
    trained(folder, tmp_path, settings(), tell=silent)
    assert curve(tmp_path) == curve(run_of) and [row[0] for row in curve(tmp_path)] == ["step", "2", "4", "6", "8"]
    one, other = (read_checkpoint(path / "checkpoint.pt")["kept"] for path in (tmp_path, run_of))
    assert all(torch.equal(value, other[name]) for name, value in one.items())


def test_two_batches_a_step_are_one_of_both(folder: Path) -> None:
    weights = []
    for batch, accumulate in ((2, 1), (1, 2)):
        how = settings(batch=batch, accumulate=accumulate, tiles=replace(settings().tiles, heard=0.0))
        run = Run(how)
        losses = [run.learn(one)["total"] for one in batches(run, folder, 2)]
        weights.append((losses, dict(run.model.learning())))
    assert weights[0][0] == pytest.approx(weights[1][0], rel=1e-5)
    assert all(torch.allclose(one, weights[1][1][name], atol=2e-4) for name, one in weights[0][1].items())


def test_recomputing_changes_nothing(folder: Path) -> None:
    found = []
    for recompute in (False, True):
        run = Run(settings(recompute=recompute))
        found.append([run.learn(batch)["total"] for batch in batches(run, folder, 3)])
    assert found[0] == pytest.approx(found[1], rel=1e-5)


def test_samples_and_settings_lie_beside_the_curve(run_of: Path) -> None:
    sheet = cv2.imread(str(run_of / "samples-000008.png"))
    assert sheet is not None and sheet.shape[1] == 4 * MODEL.side and sheet.shape[0] % MODEL.side == 0 and sheet.std() > 5
    assert json.loads((run_of / "settings.json").read_text(encoding="utf-8"))["params"]["side"] == MODEL.side
    rows = curve(run_of)
    scores = [row[rows[0].index("held dB")] for row in rows[1:]]
    assert [bool(one) for one in scores] == [False, True, False, True]


def test_rows_that_are_done_again_are_taken_out(tmp_path: Path) -> None:
    path = tmp_path / "curve.csv"
    for step in (2, 4, 6):
        note(path, {"step": float(step), "total": 0.5})
    path.write_text(path.read_text(encoding="utf-8") + "8,0.", encoding="utf-8")  # killed while it wrote
    cut_curve(path, 4)
    assert [row[0] for row in curve(tmp_path)] == ["step", "2", "4"]


def test_times_are_even_but_for_those_at_the_last() -> None:
    random = np.random.default_rng(0)
    found = np.array([drawn_time(random, 0.4) for _ in range(4000)])
    assert np.mean(found == 1000) == pytest.approx(0.4, abs=0.03) and found.min() >= 1
    assert found[found < 1000].mean() == pytest.approx(500, abs=25)
    rates = [rate_at(step, settings(steps=100, warmup=10, rate=1.0, last=0.1)) for step in range(101)]
    assert rates[0] == pytest.approx(0.1) and max(rates) == rates[9] == 1.0 and rates[100] == pytest.approx(0.1)


# Scores -------------------------------------------------------------------------------------------------------------------------------


def test_scores_are_of_defects_alone(folder: Path) -> None:
    how = settings()
    tiles = held(folder, how, 6)
    model, _ = built(how)
    rows = scored(
        tiles,
        {
            "nothing": nothing,
            "telea": telea,
            "truth": lambda few: [tile.clean[:, tile.centre] for tile in few],
            "first": by_regression(model.eval(), how),
            "both": by_diffusion(model, how, 1),
        },
    )
    assert rows["truth"]["dB"] == 100 and rows["truth"]["texture"] == pytest.approx(1, abs=0.05)
    assert rows["nothing"]["dB"] + 3 < rows["telea"]["dB"] and rows["nothing"]["dB"] + 3 < rows["first"]["dB"] < 60
    assert rows["both"]["dB"] == pytest.approx(rows["first"]["dB"], abs=1e-3)  # before it has learned, the model is its first stage


def test_a_run_is_scored_as_a_table(run_of: Path, folder: Path) -> None:
    lines = list(score(run_of / "checkpoint.pt", folder, steps=(1, 2), most=4))
    assert lines[0].endswith("8 steps; 4 windows of held-out films, inside of the defects of their centre frames")
    names = ["the film as it is", "Telea", "the two nearest frames", "preprocess module alone", "diffusion, 1 step", "diffusion, 2 steps"]
    assert [line.split(" | ")[0].removeprefix("| ") for line in lines[4:]] == names


# Mistakes -----------------------------------------------------------------------------------------------------------------------------


def test_a_run_of_other_settings_is_refused(run_of: Path, folder: Path, tmp_path: Path) -> None:
    for changed, sentence in (
        ({"rate": 1e-4}, "made with rate = 0.002, asked for 0.0001"),
        ({"params": replace(MODEL, adds=False)}, "made with params.adds = True, asked for False"),
    ):
        with pytest.raises(DatasetError, match=sentence):
            trained(folder, run_of, settings(**changed), tell=silent)
    with pytest.raises(DatasetError, match="learned from 12 windows, 13 found"):
        Run(settings(), windows=13).load(run_of / "checkpoint.pt")
    with pytest.raises(DatasetError, match="made by 1 processes, 2 found"):
        other = Run(settings(), windows=12)
        other.processes = Processes(count=2)
        other.load(run_of / "checkpoint.pt")
    (tmp_path / "checkpoint.pt").write_bytes(b"nothing")
    with pytest.raises(DatasetError, match="give a checkpoint of the hand"):
        trained(folder, tmp_path, settings(), tell=silent)
    torch.save({"net": 1}, tmp_path / "checkpoint.pt")
    with pytest.raises(DatasetError, match="a checkpoint of something else"):
        read_checkpoint(tmp_path / "checkpoint.pt")
    with pytest.raises(DatasetError, match="windows of 3 frames found, 5 wanted"):
        trained(folder, tmp_path / "new", settings(params=replace(MODEL, frames=5)), tell=silent)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["score-hand", "RUN", "--data", "DATA", "--steps", "0"], "1 or more was wanted"),
        (["score-hand", "RUN", "--data", "DATA", "--most", "0"], "1 or more was wanted"),
        (["score-hand", "RUN", "--data", "DATA", "--device", "cuda:97"], "--device cuda:97"),
        (["frdm", "--data", "DATA", "--out", "OUT", "--device", "tpu"], "--device tpu"),
        (["frdm", "--data", "DATA", "--out", "OUT", "--batch", "0"], "1 or more"),
        (["eye", "--data", "DATA", "--out", "OUT", "--device", "tpu"], "--device tpu"),
        (["film-windows", "DATA", "--out", "OUT", "--processes", "0"], "1 or more was wanted"),
        (["windows", "DATA", "--out", "OUT", "--files", "0"], "1 or more was wanted"),
        (["export-hand", "RUN", "--out", "OUT", "--half"], "--half: nothing is kept for torch"),
        (["frdm", "--data", "OUT", "--out", "OUT"], "no files train-*.npy in it"),
        (["frdm", "--data", "DATA", "--out", "OUT", "--size", "paper", "--backbone", "OUT"], "tiles of 512 px wanted"),
    ],
)
def test_mistakes_on_the_command_line_are_one_sentence(
    words: list[str], sentence: str, run_of: Path, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = {"RUN": run_of / "checkpoint.pt", "DATA": folder, "OUT": tmp_path / "out"}
    assert main(["train", *(str(places.get(word, word)) for word in words)]) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said and len(said.splitlines()) == 1
    assert not (tmp_path / "out").exists()


def test_a_file_too_large_leaves_nothing_behind(run_of: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxscript")
    monkeypatch.setattr("frdm.train.hand_shipping.MOST", 1000)
    with pytest.raises(DatasetError, match="train a smaller model"):
        ship_hand(run_of / "checkpoint.pt", tmp_path, name="hand", data="", licence="")
    assert list(tmp_path.iterdir()) == []


def test_a_model_around_a_backbone_is_not_told_to_name_one_for_nothing(tmp_path: Path) -> None:
    state = {"settings": json.dumps({"stage": "frdm", "params": asdict(TOY_PAPER)}), "kept": {}, "step": 1, "processes": 1}
    torch.save(state, tmp_path / "checkpoint.pt")
    with pytest.raises(DatasetError, match="size paper found, which does not leave torch; keep it with --keep FILE"):
        ship_hand(tmp_path / "checkpoint.pt", tmp_path, name="hand", data="", licence="")


def test_weights_of_another_shape_are_told(run_of: Path, tmp_path: Path) -> None:
    state = read_checkpoint(run_of / "checkpoint.pt")
    name, value = next(iter(state["kept"].items()))
    torch.save({**state, "kept": {name: value[..., None]}}, tmp_path / "checkpoint.pt")
    with pytest.raises(DatasetError, match="made by another frdm"):
        load_hand_run(tmp_path / "checkpoint.pt")


def test_windows_of_another_length_are_not_scored(folder: Path) -> None:
    with pytest.raises(DatasetError, match="windows of 3 frames found, 5 wanted"):
        held(folder, settings(params=replace(MODEL, frames=5)), 4)


def test_what_is_not_installed_is_said(monkeypatch: pytest.MonkeyPatch, folder: Path, tmp_path: Path, capsys: Any) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(DatasetError, match="bitsandbytes is not installed; pip install it, or take adamw"):
        Run(settings(optimiser="adamw8bit"))
    assert main(["train", "frdm", "--data", str(folder), "--out", str(tmp_path)]) == 2
    assert "torch is not installed" in capsys.readouterr().err


def test_the_command_line_makes_these_settings() -> None:
    how = settings_of("frdm", 10, ModelOptions(without=("memory", "texture")), StepOptions())
    assert how.params.size == "compact" and not how.params.modules.memory and not how.params.modules.texture and how.tiles.heard == 0
    assert how.precision == "fp32" and how.params.schedule.predicts == "clean" and how.params.adds
    assert settings_of("frdm", 10, ModelOptions(predicts="velocity"), StepOptions()).params.adds is False
    first = settings_of("preprocess", 10, ModelOptions(), StepOptions(device="cuda"))
    assert first.rate == how.rate == 4e-4  # docs/frdm-training.md
    assert first.precision == "bf16" and first.batch == 4 and first.losses.first == 81
    paper = settings_of("frdm", 10, ModelOptions(size="paper"), StepOptions())
    assert paper.losses == LossParams() and not paper.tiles.mattes.told and paper.tiles.side == 512 and paper.last_time == 0
    assert FrdmParams.paper() == paper.params
    with pytest.raises(RecipeError, match="module 'memry'"):
        settings_of("frdm", 10, ModelOptions(without=("memry",)), StepOptions())
    with pytest.raises(DatasetError, match="1 or more"):
        settings_of("frdm", 0, ModelOptions(), StepOptions())
    assert TileSettings().side == FrdmParams.compact().side == 96


TWO = """
import sys
from dataclasses import replace
from pathlib import Path
from frdm.train.hand import train_hand
from hand_toy import settings
how = settings(batch=1)
train_hand(Path(sys.argv[1]), Path(sys.argv[2]), replace(how, tiles=replace(how.tiles, heard=0.0)), tell=print)
"""


@pytest.mark.slow
def test_two_processes_learn_what_one_does(folder: Path, tmp_path: Path) -> None:
    how = settings(tiles=replace(settings().tiles, heard=0.0))
    trained(folder, tmp_path / "one", how, tell=silent)
    paths = os.pathsep.join([str(TESTS), str(TESTS / "train"), os.environ.get("PYTHONPATH", "")])
    (tmp_path / "two.py").write_text(TWO, encoding="utf-8")
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone"]
    command = [*launch, str(tmp_path / "two.py"), str(folder), str(tmp_path / "two")]
    subprocess.run(command, env={**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, check=True, capture_output=True, timeout=300)
    one, two = (read_checkpoint(tmp_path / name / "checkpoint.pt") for name in ("one", "two"))
    assert two["processes"] == 2 and one["step"] == two["step"] == 8
    assert all(torch.allclose(value, two["kept"][name], atol=1e-3) for name, value in one["kept"].items())
    first, second = ([float(row[1]) for row in curve(tmp_path / name)[1:]] for name in ("one", "two"))
    assert first == pytest.approx(second, rel=0.02)
