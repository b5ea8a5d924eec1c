"""The learned fill around its net: what the net is shown, what becomes of its answer, and when it is not believed. The net is a stand-in
that knows the clean film.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import tiny
from fills.test_neighbours import ground_of, window_of
from frdm.diffusion.schedule import Schedule
from frdm.errors import WeightsError
from frdm.fills.hand import HandSettings, fill_by_hand, view_of
from frdm.fills.hand_net import SEEN, Edges, HandNet, HandParams, LoadedHand, load_hand
from frdm.fills.hand_opening import open_hand
from frdm.fills.neighbours import Fill, site_of
from frdm.film import WHOLE, Box, Defect, Encoding, Frame
from frdm.recipe import Filling

PARAMS = HandParams(Schedule("cosine", "clean"), frames=5, side=96, factor=4, scale=2.0)
GREY, FAST = Encoding("y", 16, white=65535), HandSettings(steps=2)
Film = NDArray[np.float32]  # (T, H, W, 3), levels


class See:
    """The first file's stand-in: hands the tile on, and knows what the film shows there."""

    shapes = {"tags": (5,)}  # noqa: RUF012

    def __init__(self, clean: Film) -> None:
        self.clean, self.calls = np.pad(clean, [(0, 0), (0, 3), (0, 3), (0, 0)], mode="edge"), []

    def every(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        self.calls.append(inputs)
        out = {name: np.zeros((len(inputs["box"]), 1), np.float32) for name in SEEN}
        tiles = [self.clean[:, int(t) : int(b), int(left) : int(r)] for t, left, b, r in inputs["box"]]
        whole = inputs["box"][:, 3] - inputs["box"][:, 1] > PARAMS.side
        shown = [scan.transpose(1, 2, 3, 0) if small else tile for scan, tile, small in zip(inputs["degraded"], tiles, whole, strict=True)]
        out["local"] = np.stack([HandNet.encode(Coder, tile.transpose(3, 0, 1, 2)) for tile in shown])  # type: ignore[arg-type]
        return out


class Coder:
    """What `HandNet.encode` needs to know."""

    params = PARAMS


class Step:
    """The second file's stand-in: predicts what the first one knew."""

    shapes: dict[str, tuple[int, ...]] = {}  # noqa: RUF012

    def __init__(self, wrong: float = 0.0) -> None:
        self.wrong, self.calls = wrong, []

    def every(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        self.calls.append(inputs)
        return {"prediction": inputs["local"] + np.float32(4 * self.wrong)}


def hand(clean: Film, wrong: float = 0.0) -> LoadedHand:
    return LoadedHand(See(clean), Step(wrong), PARAMS, "abc")  # type: ignore[arg-type]


def levels_of(film: NDArray[np.float32]) -> Film:
    return np.repeat(film[..., None], 3, -1)


def mended(
    hole: tuple[int, int, int],
    *,
    by: Callable[[Film], LoadedHand] = hand,
    how: HandSettings = FAST,
    grain: float = 0.0,
    shape: tuple[int, int] = (161, 203),
) -> tuple[Fill, Film, list[Frame]]:
    """A dark square (top, left, size) on the middle of a grey film's five frames, its fill, and the film without it."""
    index = 2
    clean = tiny.film(5, height=shape[0], width=shape[1], grain=0.0, pan=1.5)
    film = clean + np.random.default_rng(3).normal(0, 1, clean.shape).astype(np.float32) * np.float32(grain)
    scanned = [tiny.codes(f, 16) for f in film]
    top, left, size = hole
    defect = Defect("dirt", "dark", Box(index, top, left, top + size, left + size), np.ones((size, size), bool), 1.0)
    scanned[index][defect.box.rows, defect.box.columns] = 0
    frames = [Frame(i, (c,)) for i, c in enumerate(scanned)]
    window = window_of(frames, GREY, index)
    made = fill_by_hand(window, defect, ground_of(window, defect, GREY), Filling(), hand=by(levels_of(clean)), how=how)
    return made, clean, frames


@pytest.mark.parametrize("hole", [(70, 90, 14), (0, 0, 9), (150, 192, 10), (20, 60, 90)], ids=["inside", "corner", "end", "several tiles"])
@pytest.mark.parametrize(
    "how", [FAST, HandSettings(3, "dpm", residual=True), HandSettings(2, "consistency", seed=7)], ids=lambda h: h.sampler
)
def test_what_the_net_made_of_the_hole_is_put_there(hole: tuple[int, int, int], how: HandSettings) -> None:
    made, clean, _ = mended(hole, how=how)
    assert made.patch is not None
    box = made.patch.box
    inside = made.patch.mattes[0] == WHOLE
    top, left, size = hole
    assert inside.sum() == size * size
    assert inside[top - box.top : top - box.top + size, left - box.left : left - box.left + size].all()
    got = made.patch.codes[0].astype(float) / 65535
    assert np.abs(got - clean[2][box.rows, box.columns])[inside].max() < 0.01
    assert made.provenance is not None
    assert (made.provenance.engine, made.provenance.weights, made.provenance.seed) == ("diffusion", "abc", how.seed)
    assert made.provenance.sources == (0, 1, 3, 4)
    assert made.provenance.trust > 0.9


def test_film_that_is_searched_at_half_its_size_is_mended_at_its_own() -> None:
    made, clean, _ = mended((500, 120, 31), grain=0.01, shape=(1063, 301))
    assert made.patch is not None
    inside, box = made.patch.mattes[0] == WHOLE, made.patch.box
    assert inside.sum() == 31 * 31
    miss = (made.patch.codes[0].astype(np.float32) / 65535 - clean[2][box.rows, box.columns])[inside]
    assert miss.std() == pytest.approx(0.01, rel=0.2)
    assert made.provenance is not None
    assert made.provenance.trust > 0.9
    wrong, _, _ = mended((500, 120, 31), by=lambda clean: hand(clean, wrong=0.15), grain=0.01, shape=(1063, 301))
    assert wrong.patch is None


def test_the_same_is_made_again() -> None:
    first, second = (mended((70, 90, 14), grain=0.01)[0].patch for _ in range(2))
    assert first is not None
    assert second is not None
    assert np.array_equal(first.codes[0], second.codes[0])


@pytest.mark.parametrize("grain", [0.005, 0.02])
def test_the_fill_has_the_films_grain(grain: float) -> None:
    made, clean, frames = mended((60, 80, 40), grain=grain)
    assert made.patch is not None
    inside, box = made.patch.mattes[0] == WHOLE, made.patch.box
    fine = (made.patch.codes[0].astype(np.float32) / 65535 - clean[2][box.rows, box.columns])[inside]
    other = (frames[1].planes[0].astype(np.float32) / 65535 - clean[1])[box.rows, box.columns][inside]
    assert 0.75 < (fine**2).mean() / (other**2).mean() < 1.25
    assert abs(np.corrcoef(fine, other)[0, 1]) < 0.1


def test_a_net_that_makes_sound_film_otherwise_is_not_believed() -> None:
    made, _, _ = mended((70, 90, 14), by=lambda clean: hand(clean, wrong=0.15))
    assert made.patch is None
    assert "the hand can't tell what it hides (trust 0." in made.reason
    assert made.provenance is not None
    assert made.provenance.engine == "diffusion"


def test_a_patch_that_is_brighter_than_the_film_around_it_is_not_believed() -> None:
    def too_bright(clean: Film) -> LoadedHand:
        shown = clean.copy()
        shown[:, 70:84, 90:104] += 0.15
        return hand(shown)

    made, _, _ = mended((70, 90, 14), by=too_bright, grain=0.01)
    assert made.patch is None
    assert made.provenance is not None
    assert made.provenance.trust < 0.2


def test_a_little_off_is_matched_to_the_rim() -> None:
    made, clean, _ = mended((70, 90, 14), by=lambda clean: hand(clean, wrong=0.01), grain=0.01)
    assert made.patch is not None
    inside = made.patch.mattes[0] == WHOLE
    miss = made.patch.codes[0].astype(float) / 65535 - clean[2][made.patch.box.rows, made.patch.box.columns]
    assert abs(miss[inside].mean()) < 0.003


def test_what_the_net_is_shown() -> None:
    stand_in: list[LoadedHand] = []

    def by(clean: Film) -> LoadedHand:
        stand_in.append(hand(clean))
        return stand_in[0]

    _, clean, frames = mended((70, 90, 14), by=by)
    see, step = stand_in[0].see, stand_in[0].step
    assert len(see.calls) == 1  # type: ignore[attr-defined]  # its tile does not change from step to step
    assert [float(call["t"][0]) for call in step.calls] == [1000, 500]  # type: ignore[attr-defined]
    shown = see.calls[0]  # type: ignore[attr-defined]
    top, left, bottom, right = (int(side) for side in shown["box"][0])
    assert (bottom - top, right - left) == (96, 96)
    assert top % 4 == left % 4 == 0
    assert top <= 70 - 16
    assert bottom >= 84 + 16
    assert shown["size"].tolist() == [[204, 204]]
    assert np.allclose(shown["degraded"][0, :, 2], frames[2].planes[0][top:bottom, left:right] / 65535, atol=1e-6)
    own = clean[2][top:bottom, left:right]
    for index in range(5):
        if index != 2:  # the film moves 1.5 px a frame, neighbours are brought to the centre
            lies = frames[index].planes[0][top:bottom, left:right] / 65535
            assert np.abs(shown["degraded"][0, 0, index] - own).mean() < np.abs(lies - own).mean() / 3
        assert shown["matte"][0, 0, index].sum() == (14 * 14 if index == 2 else 0)
    assert shown["matte"][0, 0, 2, 70 - top : 84 - top, 90 - left : 104 - left].all()
    assert shown["whole"].shape == (1, 3, 5, 96, 96)
    assert shown["whole"][0, 0, 2, :76].mean() == pytest.approx(frames[2].planes[0].mean() / 65535, abs=0.01)
    assert shown["tags"].tolist() == [[0] * 5]


def test_where_exposure_flickers_the_net_is_shown_neighbours_as_bright_as_the_centre() -> None:
    clean = np.repeat(tiny.film(1, height=161, width=203, grain=0.0), 5, 0)
    film = clean * np.float32([1.06, 0.95, 1.0, 1.05, 0.94])[:, None, None]
    film[2, 70:90, 90:110] += 0.1  # a slight veil, which does not disturb the motion
    window = window_of([Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(film)], GREY, 2)
    stand_in, defect = hand(levels_of(clean)), Defect("stain", "bright", Box(2, 70, 90, 90, 110), np.ones((20, 20), bool), 1.0)
    fill_by_hand(window, defect, ground_of(window, defect, GREY), Filling(), hand=stand_in, how=FAST)
    shown = stand_in.see.calls[0]  # type: ignore[attr-defined]
    top, left, bottom, right = (int(side) for side in shown["box"][0])
    away = shown["degraded"][0, 0, [0, 1, 3, 4]] - clean[2, top:bottom, left:right]
    inside = away[:, 70 - top : 90 - top, 90 - left : 110 - left]
    assert np.abs(away.mean((1, 2))).max() < 0.003 and np.abs(inside.mean((1, 2))).max() < 0.01  # they were 0.025 and more


@pytest.mark.parametrize(("index", "there"), [(0, [0, 1, 2, 3, 4]), (4, [0, 1, 2, 3, 4]), (2, [0, 1, 2, 3, 4])])
def test_at_the_ends_of_a_shot_the_nearest_frames_are_shown(index: int, there: list[int]) -> None:
    frames = [Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(tiny.film(5))]
    window = window_of(frames, GREY, index)
    defect = Defect("dirt", "dark", Box(index, 30, 40, 36, 46), np.ones((6, 6), bool), 1.0)
    seen = view_of(site_of(window, defect, ground_of(window, defect, GREY)), PARAMS)
    assert [frame.index for frame in seen.frames] == there
    assert seen.centre == index


def test_in_a_short_shot_the_last_frame_is_shown_again() -> None:
    frames = [Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(tiny.film(3))]
    window = window_of(frames, GREY, 2)
    defect = Defect("dirt", "dark", Box(2, 30, 40, 36, 46), np.ones((6, 6), bool), 1.0)
    seen = view_of(site_of(window, defect, ground_of(window, defect, GREY)), PARAMS)
    assert [frame.index for frame in seen.frames] == [0, 1, 2, 2, 2]
    assert seen.centre == 2


def test_where_the_damaged_frame_is_shown_again_its_damage_is_told_again() -> None:
    """Else its copies would pass for neighbours that agree with it, and the dirt would be put back."""
    clean = tiny.film(3, height=161, width=203)
    frames = [Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(clean)]
    window, stand_in = window_of(frames, GREY, 2), hand(levels_of(clean[[0, 1, 2, 2, 2]]))
    defect = Defect("dirt", "dark", Box(2, 70, 90, 76, 96), np.ones((6, 6), bool), 1.0)
    fill_by_hand(window, defect, ground_of(window, defect, GREY), Filling(), hand=stand_in, how=FAST)
    told = stand_in.see.calls[0]["matte"]  # type: ignore[attr-defined]
    assert told[0, 0].sum((1, 2)).tolist() == [0, 0, 36, 36, 36]


@pytest.mark.parametrize(
    "encoding",
    [
        Encoding("rgb", 8),
        Encoding("rgb", 10, transfer="log", black=95, white=685),
        Encoding("ycbcr", 10, subsampling=(2, 2), black=64, white=940),
        Encoding("rgb", 16, floating=True, transfer="linear", white=1.0),
    ],
    ids=lambda e: f"{e.layout} {e.bits}",
)
def test_every_plane_is_filled_at_its_own_size_and_depth(encoding: Encoding) -> None:
    from frdm.fills.levels import codes_of
    from frdm.fills.neighbours import to_codes

    grey = tiny.film(5, height=121, width=135, grain=0.002)
    clean = np.stack([grey, 0.9 * grey, 0.2 + 0.7 * grey], -1).astype(np.float32)
    frames = [Frame(i, tuple(to_codes(plane, encoding) for plane in codes_of(f.transpose(2, 0, 1), encoding))) for i, f in enumerate(clean)]
    defect = Defect("dirt", "dark", Box(2, 50, 60, 62, 72), np.ones((12, 12), bool), 1.0)
    damaged = [plane.copy() for plane in frames[2].planes]
    for plane, pixels in enumerate(damaged):
        pixels[defect.box.on_plane(encoding, plane)] = encoding.black if plane == 0 or encoding.layout == "rgb" else 512
    window = window_of([*frames[:2], Frame(2, tuple(damaged)), *frames[3:]], encoding, 2)
    made = fill_by_hand(window, defect, ground_of(window, defect, encoding), Filling(), hand=hand(clean), how=FAST)
    assert made.patch is not None
    for plane, (matte, codes) in enumerate(zip(made.patch.mattes, made.patch.codes, strict=True)):
        assert codes.dtype == encoding.dtype
        rows, columns = made.patch.box.on_plane(encoding, plane)
        truth = frames[2].planes[plane][rows, columns].astype(float)
        assert codes.shape == matte.shape == truth.shape
        inside = matte == WHOLE
        assert inside.any()
        assert np.abs(codes.astype(float) - truth)[inside].mean() < 0.02 * (encoding.white - encoding.black)


def test_a_frame_smaller_than_a_tile_is_held() -> None:
    frames = [Frame(i, (tiny.codes(f, 16),)) for i, f in enumerate(tiny.film(5, height=80))]
    window = window_of(frames, GREY, 2)
    defect = Defect("dirt", "dark", Box(2, 30, 40, 36, 46), np.ones((6, 6), bool), 1.0)
    made = fill_by_hand(window, defect, ground_of(window, defect, GREY), Filling(), hand=hand(levels_of(tiny.film(5))))
    assert made.patch is None
    assert made.reason == "the frame is smaller than a tile of the hand (96 px)"


def test_edges_go_to_the_right_neighbours_once() -> None:
    class Keeps(Step):
        shapes = {"left_0": (2,), "upper_0": (2,)}  # noqa: RUF012

        def every(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
            self.calls.append(inputs)
            marks = inputs["z"][:, 0, 0, 0, :1]
            return {"prediction": inputs["z"], "right_0": np.hstack([marks, marks + 0.5]), "lower_0": np.hstack([marks, marks + 0.25])}

    step = Keeps()
    net = HandNet(See(np.zeros((5, 200, 200, 3), np.float32)), step, PARAMS)  # type: ignore[arg-type]
    memory = net.memory()
    assert isinstance(memory, Edges)
    ask(net, memory, [((0, 0, 0), 1.0)])
    ask(net, memory, [((0, 0, 1), 2.0), ((0, 1, 0), 3.0), ((1, 1, 1), 9.0)])
    ask(net, memory, [((0, 1, 1), 4.0)])
    first, second, third = step.calls
    assert first["present"].tolist() == [[0, 0]]
    assert second["present"].tolist() == [[1, 0], [0, 1], [0, 0]]
    assert second["left_0"].tolist() == [[1, 1.5], [0, 0], [0, 0]]
    assert second["upper_0"].tolist() == [[0, 0], [1, 1.25], [0, 0]]
    assert third["left_0"].tolist() == [[3, 3.5]]
    assert third["upper_0"].tolist() == [[2, 2.25]]
    assert set(memory.right) == {(0, 0, 1), (1, 1, 1), (0, 1, 1)}


def ask(net: HandNet, memory: Edges, tiles: list[tuple[tuple[int, int, int], float]]) -> None:
    """Ask for tiles by their places; z of each is one number."""
    from frdm.diffusion.asking import Conditions

    count = len(tiles)
    pixels, latents = np.zeros((count, 3, 5, 96, 96), np.float32), np.zeros((count, 48, 5, 24, 24), np.float32)
    boxes = np.tile(np.float32([0, 0, 96, 96]), (count, 1))
    places = [place for place, _ in tiles]
    conditions = Conditions(pixels, latents, pixels, latents, boxes, (200.0, 200.0), [0] * count, None, places, memory)
    z = np.stack([np.full((48, 5, 24, 24), number, np.float32) for _, number in tiles])
    net.denoise(z, 500, conditions)


def test_without_weights_it_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.fills.hand_net.files", lambda name: tmp_path)
    load_hand.cache_clear()
    with pytest.raises(WeightsError, match="engine diffusion: no weights for it ship with this frdm; give --engine neighbours"):
        load_hand()
    with pytest.raises(WeightsError, match=r"hand_see\.onnx: can't be read"):
        open_hand(tmp_path)


def test_files_that_an_export_s_list_knows_otherwise_are_refused(tmp_path: Path) -> None:
    pytest.importorskip("onnx")
    from fills.toy_hand import write_hand

    write_hand(tmp_path)
    sums = {name: hashlib.sha256((tmp_path / f"{name}.onnx").read_bytes()).hexdigest() for name in ("hand_see", "hand_step")}
    listed = tmp_path / "weights.json"
    listed.write_text(json.dumps({name: {"sha256": one, "steps": 3} for name, one in sums.items()}), encoding="utf-8")
    assert open_hand(tmp_path).sha256 == " ".join(sums.values())
    listed.write_text(json.dumps({"hand_see": {"sha256": sums["hand_see"]}, "hand_step": {"sha256": "0" * 64}}), encoding="utf-8")
    with pytest.raises(
        WeightsError, match=r"hand_step\.onnx: sha256 \w{12}… found, 000000000000… wanted by weights\.json; fetch them again"
    ):
        open_hand(tmp_path)
    for text in ("{", "[]", '{"hand_see": {}}', '{"hand_see": "abc"}'):
        listed.write_text(text, encoding="utf-8")
        with pytest.raises(WeightsError, match=r"weights\.json: no list of weights with their sha256; export them again, or take it away"):
            open_hand(tmp_path)


@pytest.mark.parametrize("about", [{}, {"params": {}}, {"params": {"small": None}}, {"params": {"small": {"codec": {}}}}])
def test_weights_that_don_t_say_what_they_are_are_refused(about: dict[str, Any]) -> None:
    with pytest.raises(WeightsError, match="they don't say how they were made"):
        HandParams.of(about)


def toy_model() -> Any:
    """The smallest model there is."""
    from frdm.model.denoiser import SmallUNetParams
    from frdm.model.preprocess import PreprocessParams
    from frdm.model.state_space import StateSpaceParams
    from model.small_models import TOY, awake, toy

    small = replace(TOY.small, denoiser=SmallUNetParams((16,), 8, 32))  # type: ignore[type-var]
    preprocess = PreprocessParams((16,), state_space=StateSpaceParams(2, 4, 3))
    return awake(toy(replace(TOY, frames=2, side=16, small=small, preprocess=preprocess))).eval()


def torch_parts(model: Any) -> tuple[Any, Any]:
    """The model in torch, asked as ONNX Runtime asks its two files."""
    import torch

    from frdm.model.attention import Memory
    from frdm.model.frdm import Conditions, Where
    from frdm.model.guidance import Seen

    class Sees:
        shapes = {"tags": (5,)}  # noqa: RUF012

        @torch.no_grad()
        def every(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
            told = {name: torch.from_numpy(one) for name, one in inputs.items()}
            whole = model.see_whole(told["whole"], told["tags"])
            seen = model.see_tiles(told["degraded"], Where(told["box"], told["size"]), whole, told["matte"]).seen
            return {name: getattr(seen, name.removesuffix("_latent")).numpy() for name in SEEN}

    class Steps:
        shapes: dict[str, tuple[int, ...]] = {}  # noqa: RUF012

        @torch.no_grad()
        def every(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
            told = {name: torch.from_numpy(one) for name, one in inputs.items()}
            left, upper = (tuple(one for name, one in told.items() if name.startswith(side)) for side in ("left_", "upper_"))
            memory = Memory(left, upper, told["present"]) if left else None
            conditions = Conditions(Seen(*(told[name] for name in SEEN)), told["prompt"], ())
            made, edges = model.denoise_and_keep(told["z"], told["t"], conditions, memory)
            kept = {f"{side}_{k}": edge for side in ("right", "lower") for k, edge in enumerate(getattr(edges, side))}
            return {name: one.numpy() for name, one in {"prediction": made, **kept}.items()}

    see, step = Sees(), Steps()
    tile = np.zeros((1, 3, 2, 16, 16), np.float32)
    box = np.float32([[0, 0, 16, 16]])
    seen = see.every(degraded=tile, matte=tile[:, :1], whole=tile, tags=np.zeros((1, 5), np.int64), box=box, size=box[:, 2:])
    made = step.every(z=seen["local"], t=np.ones(1, np.float32), present=np.zeros((1, 2), np.float32), **seen)
    heard = {"right": "left", "lower": "upper"}
    Steps.shapes = {f"{heard[side]}_{k}": made[f"{side}_{k}"].shape[1:] for side in heard for k in range(len(made) // 2)}
    return see, step


def answers_as_torch_does(opened: LoadedHand, model: Any, *, within: float) -> None:
    """The hand's net and the model in torch make the same film of noise, neighbours' edges included."""
    from frdm.diffusion.asking import Footage, Inference
    from frdm.diffusion.inference import restore
    from frdm.model.net import TorchNet

    film = np.random.default_rng(1).random((3, 3, 32, 40)).astype(np.float32)
    matte = np.zeros((3, 32, 40), bool)
    matte[1, 14:18, 16:20] = True
    settings = Inference(tile=16, overlap=4, frames=2, frames_overlap=1, steps=2, sampler="ddim", context=8)
    shown = Footage(film, 0, 0, matte=matte)
    made, deaf = (restore(opened.net(), shown, replace(settings, cache=cache)) for cache in (True, False))
    assert np.abs(made - restore(TorchNet(model), shown, settings).numpy()).max() < within
    assert np.abs(made - deaf).max() > 1e-4
    assert np.abs(made - film)[:, matte].max() > 0.01


def test_the_hands_net_answers_as_torch_does() -> None:
    pytest.importorskip("torch")
    model = toy_model()
    opened = LoadedHand(*torch_parts(model), HandParams(model.params.schedule, 2, 16, 4, 2.0), "")
    answers_as_torch_does(opened, model, within=1e-5)


@pytest.mark.slow
def test_its_files_answer_as_torch_does(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("onnxscript")
    from frdm.model.export import export_frdm

    model = toy_model()
    export_frdm(model, tmp_path, {})
    opened = open_hand(tmp_path)
    assert opened.params == HandParams(model.params.schedule, 2, 16, 4, 2.0)
    answers_as_torch_does(opened, model, within=1e-3)
