"""`verify` proves what is so and finds a single sample that isn't."""

import hashlib
import json
import shutil
import subprocess
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import mended
import tiny
from frdm import jobs
from frdm.errors import LedgerError, RecipeError, SettingsChanged
from frdm.film import Encoding, Frame, ScanInfo
from frdm.jobs.manifests import FrameMd5
from frdm.ledger.store import Ledger
from frdm.media.scan import open_scan
from frdm.recipe import Recipe
from mended import FRAMES, run


def alter(folder: Path, index: int, place: tuple[int, int], by: int = 1) -> None:
    """Change one sample of one frame."""
    path = sorted(folder.glob("*.png"))[index]
    picture = tiny.read_png(folder)[index].copy()
    picture[place] ^= by
    tiny.write_png(folder, [picture], first=int(path.stem[-5:]))


def outside_and_inside(scan: Path, index: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """A place that no repair of a frame touches, and one that its last repair fills."""
    with open_scan(scan) as film:
        item = mended.mended_frame(film.frame(index), film.info)
    patch = item.repairs[-1].patch
    row, column = np.argwhere(patch.mattes[0] > 0)[0]
    return (47, 63), (patch.box.top + int(row), patch.box.left + int(column))


def test_a_true_film_is_proved(scan: Path, restored: tuple[Path, Path]) -> None:
    seen: list[tuple[int, int]] = []
    result = jobs.verify(scan, *restored, watch=lambda frame, frames: seen.append((frame, frames)))
    assert result.ok and result.lossless and result.first is None
    assert result.frames == FRAMES
    assert seen == [(n, FRAMES) for n in range(1, FRAMES + 1)]
    assert "all 14 frames equal the scan" in result.sentence


def test_one_sample_outside_is_found(scan: Path, restored: tuple[Path, Path]) -> None:
    place, _ = outside_and_inside(scan, 5)
    alter(restored[0], 5, place)
    result = jobs.verify(scan, *restored)
    assert not result.ok
    assert result.first is not None
    assert (result.first.frame, result.first.plane, (result.first.row, result.first.column)) == (5, "Y", place)
    assert not result.first.inside
    assert abs(result.first.wanted - result.first.found) == 1
    assert "frame 5, plane Y, row 47, column 63" in result.sentence
    assert result.frames == 6  # it stops there


def test_one_sample_inside_is_found(scan: Path, restored: tuple[Path, Path]) -> None:
    _, place = outside_and_inside(scan, 5)
    alter(restored[0], 5, place)
    first = jobs.verify(scan, *restored).first
    assert first is not None and first.inside
    assert (first.frame, (first.row, first.column)) == (5, place)


def test_a_missing_frame_is_found(scan: Path, restored: tuple[Path, Path]) -> None:
    sorted(restored[0].iterdir())[-1].unlink()
    result = jobs.verify(scan, *restored)
    assert not result.ok
    assert "13 frames where the project has 14" in result.sentence


def test_digests_that_were_changed_are_found(scan: Path, restored: tuple[Path, Path]) -> None:
    path = restored[1] / "report.json"
    report = json.loads(path.read_text("utf-8"))
    report["frames"]["rows"][4][report["frames"]["columns"].index("restored_outside")] = "0" * 32
    path.write_text(json.dumps(report), "utf-8")
    result = jobs.verify(scan, *restored)
    assert not result.ok
    assert "frame 4" in result.sentence and "report.json" in result.sentence
    path.unlink()
    with pytest.raises(LedgerError, match="frdm report"):
        jobs.verify(scan, *restored)


def test_a_decision_after_the_film_does_not_count(scan: Path, restored: tuple[Path, Path]) -> None:
    jobs.decide(restored[1], "reject", kind="dirt")
    assert jobs.verify(scan, *restored).ok


def test_another_scan_proves_nothing(scan: Path, restored: tuple[Path, Path]) -> None:
    with pytest.raises(SettingsChanged, match="not the film"):
        jobs.verify(restored[0], *restored)


def test_an_unfinished_project_proves_nothing(scan: Path, recipe: Recipe, faked: None) -> None:
    run(jobs.restore(scan, scan.with_name("out"), recipe=recipe, dry_run=True))
    with pytest.raises(LedgerError, match="no film was finished"):
        jobs.verify(scan, scan, scan.with_name("out.frdm"))


@pytest.mark.usefixtures("faked")
def test_a_frame_altered_above_the_cap_fails(scan: Path) -> None:
    out = scan.with_name("out")
    run(jobs.restore(scan, out, recipe=Recipe(span=3, most_altered=0.02)))
    result = jobs.verify(scan, out, scan.with_name("out.frdm"))
    with Ledger(scan.with_name("out.frdm")) as ledger:
        most = max(row.altered for row in ledger.frames())
    assert result.worst_altered == pytest.approx(most)
    assert most > 0.02
    assert not result.ok
    assert "above the recipe's 2.00%" in result.sentence


@pytest.mark.usefixtures("faked")
def test_a_lossless_movie_is_proved_from_its_file(scan: Path, recipe: Recipe) -> None:
    out = scan.with_name("out.mkv")
    run(jobs.restore(scan, out, recipe=recipe))
    result = jobs.verify(scan, out, scan.with_name("out.mkv.frdm"))
    assert result.ok and result.lossless, result.sentence


@pytest.mark.usefixtures("faked")
@pytest.mark.parametrize(("form", "jobs_at_once"), [("yuv420p", 1), ("yuv422p10le", 3), ("gbrp", 1)])
def test_movies_of_odd_size_and_halved_chroma(tmp_path: Path, recipe: Recipe, form: str, jobs_at_once: int) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    film, out = tmp_path / "film.mkv", tmp_path / "out.mkv"
    source = ["-f", "lavfi", "-i", "testsrc2=size=65x49:rate=24:duration=0.5"]
    subprocess.run(["ffmpeg", "-v", "error", *source, "-pix_fmt", form, "-c:v", "ffv1", str(film)], check=True)
    summary = run(jobs.restore(film, out, recipe=recipe, mattes=tmp_path / "mattes", jobs=jobs_at_once))
    assert summary.mended > 0
    result = jobs.verify(film, out, tmp_path / "out.mkv.frdm", manifests=("framemd5",))
    assert result.ok and result.lossless, result.sentence
    assert [p.name for p in sorted((tmp_path / "mattes").iterdir())] == [f"{n:06d}.png" for n in range(12)]
    call = ["ffmpeg", "-v", "error", "-i", str(out), "-pix_fmt", form, "-f", "framemd5", "-"]
    theirs = subprocess.run(call, capture_output=True, text=True, check=True)
    mine = (tmp_path / "out.mkv.frdm" / "out.mkv.framemd5").read_text()
    assert [digest for _, digest in sums(theirs.stdout)] == [digest for _, digest in sums(mine)]
    mattes = tiny.read_png(tmp_path / "mattes") > 0
    with open_scan(film) as before, open_scan(out) as after:
        for a, b in zip(before.frames(), after.frames(), strict=True):
            untouched = ~mattes[a.index]
            assert np.array_equal(a.planes[0][untouched], b.planes[0][untouched])
            v, h = before.info.encoding.step(1)
            for plane in (1, 2):
                kept = np.kron(a.planes[plane] == b.planes[plane], np.ones((v, h), np.bool_))[:49, :65]
                assert kept[untouched].all()


@pytest.mark.usefixtures("faked")
def test_a_lossy_movie_is_proved_before_encoding_and_its_error_told(tmp_path: Path, recipe: Recipe) -> None:
    film = tiny.write_png(tmp_path / "scan", tiny.codes(tiny.film(6, height=48, width=64), 8))
    out = tmp_path / "out.mp4"
    run(jobs.restore(film, out, recipe=recipe, codec="h264"))
    result = jobs.verify(film, out, tmp_path / "out.mp4.frdm")
    assert result.ok, result.sentence
    assert not result.lossless
    assert "before encoding" in result.sentence


@pytest.mark.usefixtures("restored")
def test_manifests_agree_with_other_tools(scan: Path) -> None:
    out, project = scan.with_name("out"), scan.with_name("out.frdm")
    result = jobs.verify(scan, out, project, manifests=("framemd5", "md5", "xxh128"))
    assert [path.name for path in result.written] == ["out.framemd5", "out.md5", "out.xxh128"]
    for line in (project / "out.md5").read_text().splitlines():
        digest, name = line.split("  ")
        assert hashlib.md5((project / name).read_bytes()).hexdigest() == digest
    assert len((project / "out.md5").read_text().splitlines()) == FRAMES
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    call = ["ffmpeg", "-v", "error", "-i", str(out / "frame_%05d.png"), "-pix_fmt", "gray16le", "-f", "framemd5", "-"]
    theirs = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert sums(theirs) == sums((project / "out.framemd5").read_text())


def sums(text: str) -> list[tuple[str, str]]:
    """(size, digest) of each frame."""
    rows = [line.split(",") for line in text.splitlines() if not line.startswith("#")]
    return [(row[-2].strip(), row[-1].strip()) for row in rows]


def test_framemd5_of_colour_agrees_with_ffmpeg(tmp_path: Path) -> None:
    if shutil.which("ffmpeg") is None:
        pytest.skip("ffmpeg is not here")
    picture = np.random.default_rng(1).integers(0, 256, (6, 10, 3)).astype(np.uint8)
    tiny.write_png(tmp_path / "a", [picture])
    mine = FrameMd5(ScanInfo(tmp_path, 10, 6, Fraction(24), 1, Encoding("rgb", 8), "png"))
    mine.add(Frame(0, tuple(np.ascontiguousarray(picture[..., n]) for n in range(3))))
    call = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "a" / "frame_00001.png"), "-pix_fmt", "gbrp", "-f", "framemd5", "-"]
    theirs = subprocess.run(call, capture_output=True, text=True, check=True).stdout
    assert sums(mine.write(tmp_path / "mine").read_text()) == sums(theirs)


def test_an_mhl_is_written_or_its_library_asked_for(scan: Path, restored: tuple[Path, Path]) -> None:
    try:
        import ascmhl  # noqa: F401
    except ImportError:
        with pytest.raises(RecipeError, match=r"frdm\[mhl\]"):
            jobs.verify(scan, *restored, manifests=("mhl",))
        return
    result = jobs.verify(scan, *restored, manifests=("mhl",))
    assert any(path.suffix == ".mhl" for path in result.written[-1].iterdir())
    assert jobs.verify(scan, *restored).ok


def test_an_unknown_manifest_is_refused(scan: Path, restored: tuple[Path, Path]) -> None:
    with pytest.raises(RecipeError, match="crc32"):
        jobs.verify(scan, *restored, manifests=("crc32",))
