"""Scan + overlay = render, by hands that share no code with frdm: OpenImageIO reads the files, numpy lays one over the other."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import OpenImageIO
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mended
import tiny
from frdm import jobs
from frdm.errors import LedgerError, OutputError, RecipeError, SettingsChanged
from frdm.film import Box, Encoding, Frame, MendedFrame, Patch, ScanInfo, Span
from frdm.jobs.overlays import OverlayKind, laid_over, overlay, require_representable
from frdm.jobs.pictures_out import export_mattes, export_overlays
from frdm.recipe import Recipe
from frdm.rendering import composite
from mended import run

FRAMES = 5  # of the films here: four with repairs, one without (mended.mended_frame)


def finish(steps: Any) -> Any:
    """Run an export to its end; its last step."""
    (*_, last) = steps
    return last


def stored(path: Path, *, straight: bool = False) -> np.ndarray:
    """A picture as it lies in its file, (height, width, channels), by OpenImageIO."""
    hints = OpenImageIO.ImageSpec()
    if straight:
        hints["oiio:UnassociatedAlpha"] = 1
    file = OpenImageIO.ImageInput.open(str(path), hints)
    assert file is not None, OpenImageIO.geterror()
    pixels = file.read_image(str(file.spec().format))
    file.close()
    return np.atleast_3d(np.asarray(pixels))


def ten_bits(path: Path) -> np.ndarray:
    """The codes of a 10-bit DPX, three to a word, (48, 64, 3): OpenImageIO would spread them over sixteen bits."""
    data = path.read_bytes()
    order = ">" if data[:4] == b"SDPX" else "<"
    words = np.frombuffer(data, f"{order}u4", 48 * 64, int(np.frombuffer(data, f"{order}u4", 1, 4)[0]))
    return np.stack([words >> 22 & 1023, words >> 12 & 1023, words >> 2 & 1023], axis=-1).reshape(48, 64, 3)


def over(scan: np.ndarray, above: np.ndarray, *, premultiplied: bool) -> np.ndarray:
    """Porter and Duff's over in float64; both on the scale 0 … 1."""
    alpha = above[..., 3:].astype(np.float64)
    colour = above[..., :3] if premultiplied else above[..., :3] * alpha
    return np.asarray(colour + (1 - alpha) * scan)


def write(folder: Path, suffix: str, pictures: np.ndarray, *, bits: int | None = None) -> Path:
    """Numbered pictures by OpenImageIO, typed as the arrays are; `bits` of them used."""
    folder.mkdir()
    for number, picture in enumerate(pictures, 1001):
        kind = {"float16": "half", "float32": "float"}.get(str(picture.dtype), str(picture.dtype))
        spec = OpenImageIO.ImageSpec(picture.shape[1], picture.shape[0], picture.shape[2], kind)
        if bits is not None:
            spec["oiio:BitsPerSample"] = bits
        path = str(folder / f"reel.{number:07d}{suffix}")
        out: Any = OpenImageIO.ImageOutput.create(path)
        assert out.open(path, spec) and out.write_image(np.ascontiguousarray(picture)) and out.close(), out.geterror()
    return folder


def drawn(kind: str, folder: Path) -> Path:
    """A film in one of the forms that archives keep."""
    grey = tiny.film(FRAMES, height=48, width=64)
    colour = np.stack([grey, 0.9 * grey, 1 - grey], axis=-1)
    if kind == "png 8":
        return write(folder, ".png", tiny.codes(colour))
    if kind == "grey png 16":
        return tiny.write_png(folder, tiny.codes(grey, 16))
    if kind == "tiff 16":
        return write(folder, ".tif", tiny.codes(colour, 16))
    if kind == "dpx 10":
        return write(folder, ".dpx", tiny.codes(colour, 10) << 6, bits=10)
    if kind == "exr half":
        return write(folder, ".exr", (4 * colour - 0.1).astype(np.float16))
    return write(folder, ".exr", (4 * colour - 0.1).astype(np.float32))


KINDS = ["png 8", "grey png 16", "tiff 16", "dpx 10", "exr half", "exr float"]


def mend_evenly(source: Any, span: Span, *, info: ScanInfo, recipe: object, given: object, **_: object) -> Iterator[MendedFrame]:
    """As `mended.fake_mend`, but the first repair of a frame has one matte for all its planes, as frdm's own have in RGB."""
    for item in mended.fake_mend(source, span, info=info, recipe=recipe, given=given):
        repairs = [replace(r, patch=even(r.patch)) if r.id.endswith("-000") else r for r in item.repairs]
        yield replace(item, repairs=tuple(repairs))


def even(patch: Patch) -> Patch:
    return Patch(patch.box, (patch.mattes[0],) * len(patch.mattes), patch.codes)


@pytest.mark.parametrize("kind", KINDS)
def test_scan_and_overlay_are_the_render(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setattr("frdm.jobs.analysis.mend", mend_evenly)
    scan, out = drawn(kind, tmp_path / "scan"), tmp_path / "out"
    run(jobs.restore(scan, out, recipe=Recipe(transfer="log" if kind == "dpx 10" else None)))
    project = tmp_path / "out.frdm"
    jobs.decide(project, "reject", ids=["000001-001"])
    run(jobs.render(project))
    assert sum(stored(a).tobytes() != stored(b).tobytes() for a, b in zip(files(scan), files(out), strict=True)) == FRAMES - 1
    for form in ("exr",) if kind.startswith("exr") else ("exr", "png"):
        for alpha in ("whole", "soft"):
            place = tmp_path / f"{form} {alpha}"
            last = finish(export_overlays(project, place, form=form, alpha=alpha))  # type: ignore[arg-type]
            assert (last.phase, last.frames, last.note) == ("done", FRAMES, "")
            assert [path.name for path in files(place)] == [f"{path.stem}.{form}" for path in files(scan)]
            alphas = [compare(*three, kind=kind, alpha=alpha) for three in zip(files(scan), files(place), files(out), strict=True)]
            assert not alphas[3].any(), "a frame without repairs hides nothing"
            assert np.unique(alphas).size > 2 if alpha == "soft" else np.unique(alphas).tolist() == [0, 1]


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def compare(below: Path, above: Path, wanted: Path, *, kind: str, alpha: str) -> np.ndarray:
    """Assert that the picture `above` over the one `below` is the one `wanted`, as docs/exports.md says; the alpha of `above`, 0 … 1."""
    read = ten_bits if kind == "dpx 10" else stored
    codes, picture, render = read(below), stored(above, straight=True), read(wanted)
    top = 1023.0 if kind == "dpx 10" else 1.0 if kind.startswith("exr") else float(np.iinfo(codes.dtype).max)
    upper = picture / (float(np.iinfo(picture.dtype).max) if above.suffix == ".png" else 1.0)
    assert (picture[upper[..., 3] == 0] == 0).all()
    made = over(codes / np.float64(top), upper, premultiplied=above.suffix == ".exr") * top
    render = np.broadcast_to(render, made.shape)
    if kind == "exr float" and alpha == "soft":
        assert np.abs(made - render).max() <= 2.0**-21 * max(np.abs(codes).max(), np.abs(render).max())
    else:
        assert np.array_equal(made.astype(render.dtype) if kind.startswith("exr") else np.rint(made), render)
    return np.asarray(upper[..., 3])


def test_another_programs_own_over_gives_the_render(tmp_path: Path, restored: tuple[Path, Path], scan: Path) -> None:
    """OpenImageIO's `over`, in float32."""
    finish(export_overlays(restored[1], tmp_path / "over", form="exr"))
    algorithms = OpenImageIO.ImageBufAlgo
    for below, above, wanted in zip(files(scan), files(tmp_path / "over"), files(restored[0]), strict=True):
        grey = OpenImageIO.ImageBuf(str(below))
        opaque = algorithms.channels(grey, (0, 0, 0, 1.0), ("R", "G", "B", "A"))
        made = algorithms.over(OpenImageIO.ImageBuf(str(above)), opaque).get_pixels(OpenImageIO.FLOAT)
        assert made.dtype == np.float32 and (made[..., 3] == 1).all()
        assert np.array_equal(np.rint(made[..., :3] * 65535), np.broadcast_to(stored(wanted), (*made.shape[:2], 3)))


ENCODINGS = [
    Encoding("y", 8),
    Encoding("rgb", 8),
    Encoding("rgb", 10),
    Encoding("rgb", 12),
    Encoding("rgb", 16),
    Encoding("y", 16, floating=True),
    Encoding("rgb", 16, floating=True),
    Encoding("rgb", 32, floating=True, extra=("alpha",)),
]


def patched(seed: int, encoding: Encoding) -> tuple[Frame, list[Patch]]:
    """A frame of noise with patches that overlap, some with a matte of its own for each plane."""
    rng = np.random.default_rng(seed)
    frame = tiny.random_frame(rng, encoding, height=24, width=32)
    patches = []
    for number in range(int(rng.integers(1, 4))):
        top, left = int(rng.integers(0, 14)), int(rng.integers(0, 20))
        patch = mended.a_patch(rng, Box(0, top, left, top + 9, left + 11), encoding)
        patches.append(patch if number % 2 else even(patch))
    return frame, patches


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(ENCODINGS), st.sampled_from(["whole", "soft"]), st.sampled_from(["exr", "png"]))
def test_an_over_gives_the_render_in_every_encoding(seed: int, encoding: Encoding, alpha: Any, form: Any) -> None:
    if encoding.floating and form == "png":
        return
    frame, patches = patched(seed, encoding)
    kind = OverlayKind(encoding, form, alpha)
    picture = overlay(frame, patches, kind)
    render, changed = composite(frame, patches, encoding)
    assert changed is not None
    assert np.array_equal(picture[..., 3] > 0, np.logical_or.reduce(changed))
    scan, wanted = (np.stack([f.planes[p % encoding.pictures] for p in range(3)], axis=-1) for f in (frame, render))
    top = 1.0 if encoding.floating else float(2**encoding.bits - 1)
    scale = float(np.iinfo(picture.dtype).max) if form == "png" else 1.0
    made = over(scan / np.float64(top), picture / np.float64(scale), premultiplied=form == "exr") * top
    if not encoding.floating:
        assert np.array_equal(np.rint(made), wanted)
    elif encoding.bits == 16:
        assert np.array_equal(made.astype(np.float16), wanted)
    else:
        limit = np.maximum(np.abs(scan), np.abs(wanted)).max() * 2.0**-20
        assert np.array_equal(made, wanted) if alpha == "whole" else np.abs(made - wanted).max() <= limit


def test_soft_alpha_is_the_matte_where_one_repair_lies_alone() -> None:
    encoding = Encoding("rgb", 16)
    rng = np.random.default_rng(3)
    frame = tiny.random_frame(rng, encoding, height=24, width=32)
    one, other = (mended.a_patch(rng, box, encoding) for box in (Box(0, 2, 2, 12, 12), Box(0, 8, 8, 20, 20)))
    patches = [even(one), even(other)]
    picture = overlay(frame, patches, OverlayKind(encoding, "png", "soft"))
    alone = picture[2:8, 2:12]
    assert np.array_equal(alone[..., 3], patches[0].mattes[0][:6])
    there = alone[..., 3] > 0
    assert np.array_equal(alone[there][:, 0], patches[0].codes[0][:6][there])
    crossed = (patches[0].mattes[0][6:, 6:] > 0) & (patches[1].mattes[0][:4, :4] > 0)
    assert crossed.any() and (picture[8:12, 8:12, 3][crossed] == 65535).all(), "two over each other are opaque, and so exact"


def test_an_overlay_in_float32_arithmetic_is_exact_when_whole() -> None:
    """What compositors do: all in float32, with alpha multiplied or not."""
    for encoding in (Encoding("rgb", 8), Encoding("rgb", 10), Encoding("rgb", 16)):
        frame, patches = patched(11, encoding)
        picture = overlay(frame, patches, OverlayKind(encoding, "exr", "whole"))
        render, _ = composite(frame, patches, encoding)
        top = np.float32(2**encoding.bits - 1)
        for plane in range(3):
            made = picture[..., plane] + (np.float32(1) - picture[..., 3]) * (frame.planes[plane] / top)
            assert made.dtype == np.float32
            assert np.array_equal(np.rint(made * top), render.planes[plane])


@pytest.mark.parametrize(
    ("encoding", "form", "says"),
    [
        (Encoding("ycbcr", 10, subsampling=(2, 1)), "exr", "4:2:2.*restore an RGB version"),
        (Encoding("ycbcr", 8, subsampling=(2, 2)), "png", "4:2:0.*frdm render, or export mattes"),
        (Encoding("rgb", 16, floating=True), "png", "floats.*overlay-exr"),
        (Encoding("y", 8, black=255.0, white=0.0), "png", "from white to black"),
    ],
)
def test_what_no_overlay_can_give_back_is_refused(encoding: Encoding, form: Any, says: str) -> None:
    info = ScanInfo(Path("film"), 64, 48, Fraction(24), 5, encoding, "exr")
    with pytest.raises(OutputError, match=says):
        require_representable(info, form)


def test_a_stored_pixel_is_what_laid_over_says() -> None:
    kind = OverlayKind(Encoding("rgb", 8), "png", "soft")
    pixel = np.array([[65535, 0, 32768, 32768]], np.uint16)
    made = laid_over(np.array([[0, 255, 100]], np.uint8), pixel, kind)
    half = 32768 / 65535
    assert np.allclose(made, [[255 * half, 255 * (1 - half), 255 * half * half + 100 * (1 - half)]])


def test_a_scan_that_is_no_number_is_told(tmp_path: Path, faked: None) -> None:
    pictures = np.full((2, 48, 64, 3), 0.5, np.float32)
    pictures[0] = np.nan
    scan = write(tmp_path / "scan", ".exr", pictures)
    run(jobs.restore(scan, tmp_path / "out"))
    assert "no number" in finish(export_overlays(tmp_path / "out.frdm", tmp_path / "over", form="exr")).note


def test_an_export_that_was_interrupted_goes_on_and_is_the_same(tmp_path: Path, restored: tuple[Path, Path]) -> None:
    project = restored[1]
    finish(export_overlays(project, tmp_path / "whole", form="png"))
    steps = export_overlays(project, tmp_path / "cut", form="png")
    for _ in range(3):
        next(steps)
    steps.close()  # type: ignore[attr-defined]
    staging = tmp_path / ".cut.partial"
    assert not (tmp_path / "cut").exists() and len(list(staging.glob("*.png"))) == 3
    kept = {path.name: path.stat().st_mtime_ns for path in staging.glob("*.png")}
    finish(export_overlays(project, tmp_path / "cut", form="png"))
    assert not staging.exists()
    assert kept.items() <= {path.name: path.stat().st_mtime_ns for path in (tmp_path / "cut").iterdir()}.items()
    assert [*tiny.bytes_of(tmp_path / "cut").values()] == [*tiny.bytes_of(tmp_path / "whole").values()]


def test_an_interrupted_export_of_other_decisions_is_begun_anew(tmp_path: Path, restored: tuple[Path, Path]) -> None:
    steps = export_overlays(restored[1], tmp_path / "over", form="png")
    next(steps)
    steps.close()  # type: ignore[attr-defined]
    jobs.decide(restored[1], "reject", below=1.1)
    finish(export_overlays(restored[1], tmp_path / "over", form="png"))
    assert not any(stored(path, straight=True).any() for path in (tmp_path / "over").iterdir())


def test_nothing_is_written_where_it_should_not_be(tmp_path: Path, scan: Path, restored: tuple[Path, Path]) -> None:
    out, project = restored
    before = tiny.bytes_of(scan) | tiny.bytes_of(out)
    for place, says in (
        (scan, "the film itself"),
        (scan / "over", "inside the film"),
        (out, "isn't empty"),
        (project / "o", "inside the project"),
    ):
        with pytest.raises(OutputError, match=says):
            finish(export_overlays(project, place, form="png"))
    (tmp_path / "file").write_text("mine")
    with pytest.raises(OutputError, match="a file of this name exists"):
        finish(export_mattes(project, tmp_path / "file"))
    assert (tmp_path / "file").read_text() == "mine"
    assert tiny.bytes_of(scan) | tiny.bytes_of(out) == before


def test_another_film_or_half_a_restoration_is_refused(tmp_path: Path, scan: Path, restored: tuple[Path, Path]) -> None:
    other = tiny.write_png(tmp_path / "other", tiny.codes(tiny.film(14, height=48, width=64, seed=8), 16))
    with pytest.raises(SettingsChanged, match="not the film"):
        finish(export_overlays(restored[1], tmp_path / "over", form="png", film=other))
    moved = scan.rename(tmp_path / "moved")
    with pytest.raises(LedgerError, match="lies there no more"):
        finish(export_overlays(restored[1], tmp_path / "over", form="png"))
    finish(export_overlays(restored[1], tmp_path / "over", form="png", film=moved))
    with pytest.raises(RecipeError, match="not a timecode"):
        finish(export_overlays(restored[1], tmp_path / "again", form="exr", film=moved, timecode="1:2:3"))
    half = jobs.restore(moved, tmp_path / "half", recipe=Recipe(span=3))
    for step in half:
        if step.frame > 8:
            break
    half.close()  # type: ignore[attr-defined]
    with pytest.raises(LedgerError, match="run the same frdm restore"):
        finish(export_overlays(tmp_path / "half.frdm", tmp_path / "third", form="png"))
    assert not (tmp_path / "third").exists()


def test_mattes_are_those_of_the_render(tmp_path: Path, restored: tuple[Path, Path]) -> None:
    jobs.decide(restored[1], "reject", kind="hair")
    run(jobs.render(restored[1], mattes=tmp_path / "by render"))
    finish(export_mattes(restored[1], tmp_path / "by export"))
    assert [*tiny.bytes_of(tmp_path / "by export").values()] == [*tiny.bytes_of(tmp_path / "by render").values()]


def test_exr_overlays_carry_the_timecode(tmp_path: Path, restored: tuple[Path, Path]) -> None:
    finish(export_overlays(restored[1], tmp_path / "over", form="exr", timecode="09:59:59:20"))
    found = []
    for path in sorted((tmp_path / "over").iterdir()):
        file = OpenImageIO.ImageInput.open(str(path))
        found.append(f"{file.spec().getattribute('smpte:TimeCode')[0]:08X}")
        assert file.spec().getattribute("FramesPerSecond") == (24, 1)
        file.close()
    assert found[:6] == ["09595920", "09595921", "09595922", "09595923", "10000000", "10000001"]
