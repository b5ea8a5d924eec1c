"""Synthetic suites: the truth is the truth, the same seed gives the same bytes, and what can't be made is refused."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from bench.cases import case_of
from frdm.bench.case import open_suite
from frdm.bench.clean import CleanFilm, black_and_white, brought, busyness, film_from, films_in
from frdm.bench.scoring import measured_frame
from frdm.bench.synthetic import SORTS, Wanted, build_synthetic, size_of
from frdm.display import Picture
from frdm.errors import BenchError
from frdm.metrics.restoration import total
from tiny import bytes_of, codes, film, write_png

SIZE = (96, 128)


def clean(length: int = 12, *, pan: float = 1.0, colour: bool = True) -> CleanFilm:
    """A drawn film of any size."""

    def read(numbers: Sequence[int], size: tuple[int, int]) -> list[Picture]:
        pictures = codes(film(length, height=size[0], width=size[1], pan=pan, grain=0.0))
        tint = np.array([1.0, 0.8, 0.6] if colour else [1.0, 1.0, 1.0])
        return [np.round(pictures[number][..., None] * tint).astype(np.uint8) for number in numbers]

    return CleanFilm(f"pan {pan}", length, read)


def built(out: Path, *films: CleanFilm, only: tuple[str, ...] = (), seed: int = 1, frames: int = 3) -> Path:
    list(build_synthetic(out, "tiny", films or (clean(),), Wanted(SIZE, frames, seed, only)))
    return out


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("synthetic"))


def test_every_sort_is_there_with_its_strata(suite: Path) -> None:
    cases = {case.name.removeprefix("tiny_"): case for case in open_suite(suite).cases}
    assert set(cases) == {sort.name for sort in SORTS}
    assert {case.facts.gauge for case in cases.values()} == {"8 mm", "16 mm", "35 mm", "home video"}
    assert cases["bw"].facts.stock == "black and white"
    assert black_and_white([cases["bw"].picture("clean", "00000.png")])
    assert not black_and_white([cases["colour"].picture("clean", "00000.png")])
    assert all(case.facts.seed is not None and case.facts.kind == "reference" for case in cases.values())


def test_undamaged_means_undamaged(suite: Path) -> None:
    case = case_of(suite, "tiny_undamaged")
    for name in case.names:
        assert np.array_equal(case.picture("clean", name), case.picture("damaged", name))
        assert not case.plane("mask", name).any()


@pytest.mark.parametrize("sort", ["heavy", "bw", "lines", "fast", "colour"])
def test_damage_lies_inside_the_mask(suite: Path, sort: str) -> None:
    case = case_of(suite, f"tiny_{sort}")
    painted = 0
    for name in case.names:
        mask, ids = case.plane("mask", name) > 0, case.plane("ids", name)
        change = np.abs(case.picture("clean", name).astype(int) - case.picture("damaged", name)).max(axis=-1)
        assert change[~mask].max(initial=0) <= 8, "what is blurred after the paint is faint outside"
        assert (ids[mask] > 0).mean() > 0.99 if mask.any() else True
        painted += int(mask.sum())
    assert painted or sort in ("bw", "fast", "colour")


def test_standing_lines_keep_their_numbers(suite: Path) -> None:
    case = case_of(suite, "tiny_lines")
    numbers = [set(np.unique(case.plane("ids", name))) - {0} for name in case.names]
    assert all(number >= 1000 for one in numbers for number in one)
    assert numbers[0] & numbers[-1]


def test_the_ideal_has_true_content_and_other_grain(suite: Path) -> None:
    case = case_of(suite, "tiny_heavy")
    score = total([measured_frame(case.truth(name, case.picture("ideal", name))) for name in case.names])
    assert score.ideal_db is not None and score.damaged_db is not None
    assert score.ideal_db > score.damaged_db + 8
    assert score.texture is not None and 0.7 < score.texture < 1.4
    inside = np.stack([case.picture("ideal", n).astype(float) - case.picture("clean", n) for n in case.names])
    assert 0.3 < inside.std() < 20, "other grain, not the same"


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two, other = (built(tmp_path / name, only=("heavy",), seed=seed) for name, seed in (("a", 1), ("b", 1), ("c", 2)))
    parts = ("clean", "damaged", "mask", "ids", "ideal")
    same = [bytes_of(one / "tiny_heavy" / part) == bytes_of(two / "tiny_heavy" / part) for part in parts]
    assert all(same)
    assert bytes_of(one / "tiny_heavy" / "damaged") != bytes_of(other / "tiny_heavy" / "damaged")


def test_fast_motion_is_taken_from_the_busiest_film(tmp_path: Path) -> None:
    slow, quick = clean(pan=0.2), clean(pan=3.0)
    assert busyness(quick, SIZE) > 3 * busyness(slow, SIZE)
    seen: list[Sequence[int]] = []

    def watched(numbers: Sequence[int], size: tuple[int, int]) -> list[Picture]:
        seen.append(numbers)
        return quick.read(numbers, size)

    built(tmp_path, slow, CleanFilm("quick", quick.length, watched), only=("fast",))
    assert np.diff(list(seen[-1])).tolist() == [3, 3]


def test_a_short_film_says_how_fast_it_was_made(tmp_path: Path) -> None:
    for length, said in ((12, "one frame of 3"), (5, "one frame of 2")):
        built(tmp_path / str(length), clean(length), only=("fast", "light"))
        cases = {case.name: case.facts.tags for case in open_suite(tmp_path / str(length)).cases}
        assert cases == {"tiny_fast": ("fast motion", said), "tiny_light": ()}


def test_a_users_films_are_read_scaled_and_cropped(tmp_path: Path) -> None:
    folder = write_png(tmp_path / "mine", codes(film(4, height=120, width=160)))
    [one] = films_in([folder])
    assert one.length == 4
    [picture] = film_from(folder).read((2,), SIZE)
    assert picture.shape == (*SIZE, 3)
    with pytest.raises(BenchError, match="enlarged film proves nothing"):
        film_from(folder).read((0,), (480, 848))
    square = brought(np.zeros((200, 400, 3), np.uint8), (100, 100), folder)
    assert square.shape == (100, 100, 3)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ({"only": ("magic",)}, "no such sort of case"),
        ({"frames": 99}, "12 frames found, 99 wanted"),
    ],
)
def test_what_cannot_be_made_is_refused(tmp_path: Path, words: dict[str, object], told: str) -> None:
    with pytest.raises(BenchError, match=told):
        built(tmp_path, **words)  # type: ignore[arg-type]


def test_colour_is_not_made_of_black_and_white(tmp_path: Path) -> None:
    with pytest.raises(BenchError, match="black and white found"):
        built(tmp_path, clean(colour=False), only=("colour",))


def test_sizes_have_names() -> None:
    assert size_of("2k") == (1556, 2048)
    assert size_of("640x480") == (480, 640)
    with pytest.raises(BenchError, match="not known"):
        size_of("8k")


def test_a_case_built_again_has_its_own_frames_alone(tmp_path: Path) -> None:
    for frames in (3, 2):
        built(tmp_path, only=("light",), frames=frames)
    case = case_of(tmp_path, "tiny_light")
    assert len(case.names) == 2
    assert all(len(list((case.folder / role).glob("*.png"))) == 2 for role in ("clean", "mask", "ids", "ideal"))
