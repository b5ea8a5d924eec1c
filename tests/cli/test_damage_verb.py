"""`frdm damage`: films of any kind in, the same kind out, the truth beside it."""

import errno
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

import tiny
from frdm.cli import main
from frdm.damage import truth
from frdm.damage.recipe import load_damage_recipe
from frdm.damage.reel import damage_reel
from frdm.film import KINDS

RECIPE = 'preset = "heavy"\nheight = 96\n'


@pytest.fixture
def film(tmp_path: Path) -> Path:
    grey = tiny.codes(tiny.film(5))
    return tiny.write_png(tmp_path / "clean", np.stack([grey, grey // 2 + 40, 255 - grey], -1))


@pytest.fixture
def recipe(tmp_path: Path) -> str:
    """Heavy damage without copying: what isn't in the mattes must be the scan's."""
    file = tmp_path / "bare.toml"
    off = "".join(f"{name} = [0, 0]\n" for name in ("blur", "grain", "fading", "flicker", "breathing", "weave", "scan_blur"))
    file.write_text(f"{RECIPE}[edge]\nsplices = 0\n[copying]\n{off}rescale = 0\njpeg = 0\nmpeg = 0\n", encoding="utf-8")
    return str(file)


def test_the_film_and_its_truth(film: Path, recipe: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    places = [tmp_path / name for name in ("out", "m", "target", "maps")]
    asked = ["damage", str(film), str(places[0]), "--recipe", recipe, "--seed", "7"]
    asked += ["--mattes", str(places[1]), "--pristine", str(places[2]), "--maps", str(places[3])]
    assert main(asked) == 0
    assert "5 frames" in capsys.readouterr().out
    clean, out, target = (tiny.read_png(folder) for folder in (film, places[0], places[2]))
    mattes = tiny.read_png(places[1])
    assert np.array_equal(clean, target)
    assert np.array_equal((out != clean).any(-1), mattes == 255) and set(np.unique(mattes)) == {0, 255}
    made = damage_reel(np.ascontiguousarray(clean), load_damage_recipe(recipe), seed=7)
    assert np.array_equal(made.degraded, out)
    assert np.array_equal(tiny.read_png(places[3] / "kinds"), made.kinds)
    assert np.array_equal(tiny.read_png(places[3] / "ids"), made.ids)
    polarity = np.stack([cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in sorted((places[3] / "polarity").glob("*.png"))])
    assert np.array_equal(np.sign(polarity.astype(int) - 128), made.polarity)
    matte = np.stack([cv2.imread(str(p), cv2.IMREAD_UNCHANGED) for p in sorted((places[3] / "matte").glob("*.png"))])
    assert matte.dtype == np.uint16 and np.abs(matte / 65535 - made.matte).max() < 1e-4
    told = json.loads((places[3] / "damage.json").read_text(encoding="utf-8"))
    assert told["seed"] == 7 and told["recipe"]["dirt"]["dust"] == 36 and told["legend"]["kinds"]["1"] == next(iter(KINDS))
    assert sorted(p.name for p in places[0].iterdir()) == sorted(p.name for p in film.iterdir())


def test_the_same_command_gives_the_same_bytes_and_a_range_the_same_frames(film: Path, tmp_path: Path) -> None:
    for name, more in (("a", []), ("b", []), ("c", ["--range", "2-3"])):
        assert main(["damage", str(film), str(tmp_path / name), "--seed", "5", *more]) == 0
    first, again, part = (tiny.bytes_of(tmp_path / name) for name in "abc")
    assert [*first.values()] == [*again.values()]
    assert [*part.values()] == [*first.values()][2:4]


def test_sixteen_bits_stay_sixteen_and_outside_the_mask_the_scans_own(recipe: str, tmp_path: Path) -> None:
    clean = tiny.codes(tiny.film(3), 16)
    film = tiny.write_png(tmp_path / "grey", clean)
    assert main(["damage", str(film), str(tmp_path / "out"), "--recipe", recipe, "--mattes", str(tmp_path / "m"), "--seed", "4"]) == 0
    out, mattes = tiny.read_png(tmp_path / "out"), tiny.read_png(tmp_path / "m")
    assert out.dtype == np.uint16 and (mattes > 0).any()
    assert np.array_equal(out != clean, mattes > 0)


@pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="needs ffmpeg")
def test_a_movie_of_limited_range_and_half_colour(recipe: str, tmp_path: Path) -> None:
    """Outside the mattes, grown by what one sample of colour covers, every code of every plane is the movie's own."""
    from frdm.media.scan import open_scan

    film = tmp_path / "clean.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=size=127x95:rate=24:duration=0.25"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-pix_fmt", "yuv420p", "-color_range", "tv", "-c:v", "ffv1", str(film)], check=True)
    asked = ["damage", str(film), str(tmp_path / "out.mkv"), "--recipe", recipe, "--mattes", str(tmp_path / "m"), "--seed", "3"]
    assert main([*asked, "--pristine", str(tmp_path / "target.mkv")]) == 0
    mattes = tiny.read_png(tmp_path / "m") > 0
    assert mattes.any()
    with open_scan(film) as a, open_scan(tmp_path / "out.mkv") as b, open_scan(tmp_path / "target.mkv") as c:
        assert a.info.encoding == b.info.encoding
        for before, after, target, matte in zip(a.frames(), b.frames(), c.frames(), mattes, strict=True):
            assert all(np.array_equal(p, q) for p, q in zip(before.planes, target.planes, strict=True))
            luma = before.planes[0] != after.planes[0]
            assert not (luma & ~matte).any() and luma.sum() > 0.5 * matte.sum()
            half = before.planes[1].shape
            padded = np.zeros((2 * half[0], 2 * half[1]), bool)
            padded[: matte.shape[0], : matte.shape[1]] = matte
            blocks = padded.reshape(half[0], 2, half[1], 2).any((1, 3))
            for plane in (1, 2):
                assert not ((before.planes[plane] != after.planes[plane]) & ~blocks).any()


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert main(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("frdm: ") and said.count("\n") == 1
    return said


def test_nothing_is_ever_written_over(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = tiny.bytes_of(film)
    assert "never written" in refused(["damage", str(film), str(film)], capsys)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("x", encoding="utf-8")
    for option in ("--mattes", "--pristine", "--maps"):
        assert "full" in refused(["damage", str(film), str(tmp_path / "out"), option, str(tmp_path / "full")], capsys)
    assert "full" in refused(["damage", str(film), str(tmp_path / "full")], capsys)
    assert "of its own" in refused(["damage", str(film), str(tmp_path / "out"), "--mattes", str(tmp_path / "out" / "m")], capsys)
    assert "of its own" in refused(["damage", str(film), str(tmp_path / "out"), "--pristine", str(tmp_path / "out")], capsys)
    assert tiny.bytes_of(film) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "full"]


def test_a_run_that_fails_leaves_nothing_so_that_it_can_be_run_again(film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["damage", str(film), str(tmp_path / "out"), "--mattes", str(tmp_path / "m"), "--maps", str(tmp_path / "maps")]
    with monkeypatch.context() as patched:
        patched.setattr("frdm.damage.truth._save", unlucky(truth._save))
        assert main(asked) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["clean"]
    assert main(asked) == 0
    assert len(list((tmp_path / "m").iterdir())) == 5


def unlucky(save: Callable[..., None]) -> Callable[..., None]:
    """The same, until the disk is full."""
    left = iter(range(7))

    def saved(path: Path, picture: np.ndarray) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        save(path, picture)

    return saved


def test_mistakes_are_one_sentence(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert "gone" in refused(["damage", str(tmp_path / "gone"), out], capsys)
    assert "light, medium" in refused(["damage", str(film), out, "--recipe", "awful"], capsys)
    assert "0 to 4" in refused(["damage", str(film), out, "--range", "3-9"], capsys)
    assert "seed" in refused(["damage", str(film), out, "--seed", "-1"], capsys)
    assert [path.name for path in tmp_path.iterdir()] == ["clean"]


def test_hairs_stand_for_the_shots_of_a_list(film: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recipe, shots = tmp_path / "hairs.toml", tmp_path / "shots.csv"
    recipe.write_text('preset = "none"\nheight = 96\n[gate]\nhairs = 8\n', encoding="utf-8")
    shots.write_text("0,2\n2,5\n", encoding="utf-8")
    asked = ["damage", str(film), str(tmp_path / "out"), "--recipe", str(recipe), "--shots", str(shots), "--maps", str(tmp_path / "maps")]
    assert main(asked) == 0
    numbers = [set(np.unique(ids)) for ids in tiny.read_png(tmp_path / "maps" / "ids")]
    assert numbers[0] == numbers[1] and numbers[2] == numbers[3] == numbers[4] and numbers[0] & numbers[2] == {0}
    asked[2], asked[-1] = str(tmp_path / "again"), str(tmp_path / "more")
    asked[asked.index("--shots") + 1] = "gone.csv"
    assert "gone.csv" in refused(asked, capsys)
    assert not (tmp_path / "again").exists()
