"""Every form of film through a whole restoration: what no repair covers comes out as it went in, and `verify` sees every tampering.

Looked at from outside, with `oiiotool`, `ffmpeg` and `ffprobe`, wherever these are installed.
"""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import mended
import tiny
from e2e.films import FORMS, FRAMES, STILLS, Form
from frdm import jobs
from frdm.film import Frame, MendedFrame, ScanInfo, Span
from frdm.jobs import Summary
from frdm.media.scan import open_scan
from frdm.recipe import Recipe
from mended import run

OIIOTOOL, FFMPEG, FFPROBE = (shutil.which(name) for name in ("oiiotool", "ffmpeg", "ffprobe"))
pytestmark = pytest.mark.skipif(FFMPEG is None, reason="the ffmpeg command, which draws the movies, is not installed")
RECIPE = Recipe(span=2)
EACH = [pytest.param(form, id=form.name, marks=() if form.quick else pytest.mark.slow) for form in FORMS]


def idle_mend(source: Any, span: Span, *, info: ScanInfo, recipe: object, given: object, **_: object) -> Iterator[MendedFrame]:
    """As `frdm.mending.mend` on a film without defects."""
    for frame in source.frames(span.start, span.stop):
        yield MendedFrame(frame, (), (), 0.01)


@pytest.fixture
def sound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.jobs.analysis.mend", idle_mend)


@pytest.fixture
def damaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.jobs.analysis.mend", mended.fake_mend)


def restored(scan: Path, out: Path, **more: Any) -> Summary:
    return run(jobs.restore(scan, out, recipe=RECIPE, **more))


def frames(path: Path) -> list[Frame]:
    with open_scan(path) as film:
        return list(film.frames())


def same(ours: Path, theirs: Path) -> bool:
    """Whether two films hold the same codes, NaNs included."""
    pairs = zip(frames(ours), frames(theirs), strict=True)
    return all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for a, b in pairs for x, y in zip(a.planes, b.planes, strict=True))


def told(*command: str | Path) -> str:
    """What a program prints."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True, stdin=subprocess.DEVNULL).stdout


def hashes(film: Path) -> list[str]:
    """A digest a frame, by a program that isn't frdm."""
    if film.is_dir():
        assert OIIOTOOL
        return [told(OIIOTOOL, "--hash", path).rpartition("SHA-1:")[2].strip() for path in sorted(film.iterdir())]
    assert FFMPEG
    lines = told(FFMPEG, "-v", "error", "-i", film, "-map", "0:v:0", "-f", "framemd5", "-").splitlines()
    return [line.rpartition(",")[2].strip() for line in lines if not line.startswith("#")]


def probed(film: Path) -> dict[str, Any]:
    """Size, form, rate and shape of a movie's picture, by ffprobe."""
    assert FFPROBE
    entries = "stream=width,height,pix_fmt,r_frame_rate,color_range,color_space,nb_read_packets"
    data = json.loads(
        told(FFPROBE, "-v", "error", "-select_streams", "v:0", "-count_packets", "-show_entries", entries, "-of", "json", film)
    )
    (stream,) = data["streams"]
    stream.pop("side_data_list", None)  # bit rates
    # yuvj says with the pixel format what colour_range says with a tag; full range is RGB's own
    full = None if stream["pix_fmt"].startswith(("rgb", "bgr", "gbr")) else stream.get("color_range")
    return {**stream, "pix_fmt": stream["pix_fmt"].replace("yuvj", "yuv"), "color_range": full}


@pytest.mark.usefixtures("sound")
@pytest.mark.parametrize("form", EACH)
def test_a_film_without_defects_comes_out_as_it_went_in(form: Form, tmp_path: Path) -> None:
    scan, out = form.draw(tmp_path, FRAMES), tmp_path / form.out
    summary = restored(scan, out)
    assert (summary.frames, summary.mended, summary.altered) == (FRAMES, 0, 0)
    assert bool(summary.warnings) == form.lossy or form.name == "h264 to mkv"
    if scan.is_dir():
        assert [p.read_bytes() for p in sorted(out.iterdir())] == [p.read_bytes() for p in sorted(scan.iterdir())]
        assert [p.name for p in sorted(out.iterdir())] == [p.name for p in sorted(scan.iterdir())]
    elif form.name != "h264 to mp4":
        assert same(out, scan)
        if form.outside:
            assert hashes(out) == hashes(scan)
            assert len(hashes(out)) == FRAMES
        if FFPROBE and form.outside:
            assert probed(out) == probed(scan)
    result = jobs.verify(scan, out, tmp_path / f"{form.out}.frdm")
    assert result.ok, result.sentence
    assert result.lossless != form.lossy


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("form", EACH)
def test_what_no_matte_covers_is_the_scan(form: Form, tmp_path: Path) -> None:
    scan, out, mattes = form.draw(tmp_path, FRAMES), tmp_path / form.out, tmp_path / "mattes"
    before = tiny.bytes_of(scan)
    summary = restored(scan, out, mattes=mattes)
    assert tiny.bytes_of(scan) == before
    assert summary.mended == 2 * FRAMES
    masks = tiny.read_png(mattes) > 0
    if not form.lossy:
        covered(scan, out, masks)
    result = jobs.verify(scan, out, tmp_path / f"{form.out}.frdm")
    assert result.ok, result.sentence


def covered(scan: Path, out: Path, masks: Any) -> None:
    """All differences lie in the masks, and there are some."""
    with open_scan(scan) as film:
        info = film.info
    differing = 0
    for a, b in zip(frames(scan), frames(out), strict=True):
        for number, (x, y) in enumerate(zip(a.planes, b.planes, strict=True)):
            v, h = info.encoding.step(number)
            rows, columns = x.shape
            mask = np.zeros((rows * v, columns * h), bool)
            mask[: info.height, : info.width] = masks[a.index]
            mask = mask.reshape(rows, v, columns, h).any((1, 3))
            other = x.view(f"u{x.dtype.itemsize}") != y.view(f"u{y.dtype.itemsize}")
            assert not (other & ~mask).any(), (a.index, number)
            assert number < info.encoding.pictures or not other.any()
            differing += int(other.sum())
    assert differing > 0


@pytest.mark.skipif(OIIOTOOL is None, reason="oiiotool is not installed")
@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("form", [pytest.param(f, id=f.name, marks=() if f.quick else pytest.mark.slow) for f in STILLS])
def test_another_program_reads_what_frdm_wrote(form: Form, tmp_path: Path) -> None:
    """Repaired frames differ for oiiotool as well, in codes alone: type, channels and size stay."""
    scan, out = form.draw(tmp_path, 4), tmp_path / "out"
    restored(scan, out)
    equal = [a == b for a, b in zip(hashes(scan), hashes(out), strict=True)]
    assert equal == [False, False, False, True]  # the made-up repairs leave every fourth frame alone
    assert OIIOTOOL
    for name in [p.name for p in scan.iterdir()]:
        assert told(OIIOTOOL, "--info", scan / name).partition(":")[2] == told(OIIOTOOL, "--info", out / name).partition(":")[2]


LENGTHS = ["dpx 10 A RGB > log", "png 16 grey", "ffv1 422 10", "v210 mov", "h264 to mkv", "ffv1 grey 16"]


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("length", [1, 2])
@pytest.mark.parametrize("name", LENGTHS)
def test_shortest_films(name: str, length: int, tmp_path: Path) -> None:
    (form,) = [one for one in FORMS if one.name.startswith(name)][:1]
    scan, out = form.draw(tmp_path, length), tmp_path / form.out
    assert restored(scan, out).frames == length
    assert jobs.verify(scan, out, tmp_path / f"{form.out}.frdm").ok
    assert len(frames(out)) == length


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("name", ["dpx 10 A RGB > log", "tiff 16 RGB none", "ffv1 422 10"])
def test_side_by_side_is_the_same_bytes(name: str, tmp_path: Path) -> None:
    (form,) = [one for one in FORMS if one.name == name]
    scan = form.draw(tmp_path, 9)
    made = []
    for count in (1, 2, 3):
        out = tmp_path / str(count) / form.out
        restored(scan, out, jobs=count)
        made.append([list(tiny.bytes_of(out).values()), list(tiny.bytes_of(out.with_name(f"{out.name}.frdm") / "patches").values())])
    assert made[0] == made[1] == made[2]


def refused(scan: Path, out: Path) -> str:
    """What `verify` complains of."""
    result = jobs.verify(scan, out, out.with_name(f"{out.name}.frdm"))
    assert not result.ok
    return result.sentence


def flipped(path: Path, place: int) -> None:
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("index", [1, 3], ids=["repaired", "untouched"])
@pytest.mark.parametrize("place", [200, 1500, 2048 + 100, -3], ids=["creator", "orientation", "user area", "tail"])
def test_a_byte_beside_the_codes_of_a_dpx_is_found(index: int, place: int, tmp_path: Path) -> None:
    (form,) = [one for one in FORMS if one.name == "dpx 10 A RGB > log"]
    scan, out = form.draw(tmp_path, 4), tmp_path / "out"
    restored(scan, out)
    path = sorted(out.iterdir())[index]
    flipped(path, place)
    sentence = refused(scan, out)
    assert f"frame {index}: byte {place % path.stat().st_size} of {path.name}" in sentence


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("name", [one.name for one in FORMS if one.quick and ".mkv" not in one.out and ".mov" not in one.out])
def test_a_tampered_folder_is_found(name: str, tmp_path: Path) -> None:
    (form,) = [one for one in FORMS if one.name == name]
    scan, out = form.draw(tmp_path, 4), tmp_path / "out"
    restored(scan, out)
    files = sorted(out.iterdir())
    whole = [file.read_bytes() for file in files]
    files[1].write_bytes(whole[2])
    assert "frame 1, plane" in refused(scan, out)
    files[1].write_bytes(whole[1][: len(whole[1]) // 2])
    assert "frame 1 can't be read" in refused(scan, out)
    files[1].write_bytes(whole[1])
    files[3].write_bytes(sorted(scan.iterdir())[2].read_bytes())
    assert "frame 3, plane" in refused(scan, out)
    files[3].write_bytes(whole[3])
    files[3].unlink()
    assert "3 frames where the project has 4" in refused(scan, out)
    files[3].write_bytes(whole[3])
    assert jobs.verify(scan, out, tmp_path / "out.frdm").ok


@pytest.mark.usefixtures("damaged")
def test_a_film_of_another_depth_is_no_lossy_one(tmp_path: Path) -> None:
    (form,) = [one for one in FORMS if one.name == "png 16 grey"]
    scan, out = form.draw(tmp_path, 2), tmp_path / "out"
    restored(scan, out)
    picture = (tiny.read_png(out) >> 8).astype(np.uint8)
    names = [file.name for file in sorted(out.iterdir())]
    other = tiny.write_png(tmp_path / "other", picture, stem="a.")
    for name, file in zip(names, sorted(other.iterdir()), strict=True):
        file.replace(out / name)
    assert "8-bit black and white" in refused(scan, out)


@pytest.mark.usefixtures("damaged")
@pytest.mark.parametrize("name", ["ffv1 422 10", "v210 mov"])
def test_a_tampered_movie_is_found(name: str, tmp_path: Path) -> None:
    """One frame made by other hands in the middle of the film."""
    (form,) = [one for one in FORMS if one.name == name]
    scan, out = form.draw(tmp_path, 5), tmp_path / form.out
    restored(scan, out)
    assert FFMPEG
    other, codec = tmp_path / f"other{out.suffix}", name.split()[0]
    told(FFMPEG, "-v", "error", "-i", out, "-vf", "negate=enable='eq(n,2)'", "-c:v", codec, "-pix_fmt", "yuv422p10le", other)
    other.replace(out)
    assert "frame 2, plane Y" in refused(scan, out)
