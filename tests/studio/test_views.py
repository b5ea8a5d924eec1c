"""Pictures of frames: the right part, the right light, the right colours."""

import numpy as np
import pytest

import mended
import tiny
from frdm.display import look as as_seen
from frdm.film import WHOLE, Box, Defect, Encoding, Frame, Patch, Provenance
from frdm.jobs.layers import Layer, laid_over
from frdm.ledger.patches import StoredPatch
from frdm.ledger.records import RepairRow
from frdm.studio import views
from frdm.studio.colours import KIND, SOURCE

HEIGHT, WIDTH = 30, 44
ENCODINGS = [
    Encoding("y", 10, white=1023.0),
    Encoding("rgb", 8),
    Encoding("rgb", 10, transfer="log", black=95.0, white=685.0),
    Encoding("rgb", 16, floating=True, transfer="linear", white=1.0, extra=("alpha",)),
    Encoding("ycbcr", 10, subsampling=(2, 2), black=64.0, white=940.0),
    Encoding("ycbcr", 8, subsampling=(2, 1), black=16.0, white=235.0),
]
NAMES = [f"{e.layout}{e.bits}{e.transfer}{e.subsampling[0]}{e.subsampling[1]}" for e in ENCODINGS]


def whole() -> Box:
    return Box(0, 0, 0, HEIGHT, WIDTH)


def a_layer(encoding: Encoding, box: Box, *, provenance: Provenance | None = None, status: str = "accepted") -> Layer:
    """An opaque repair of white noise."""
    patch = mended.a_patch(np.random.default_rng(1), box, encoding, soft=False)
    opaque = Patch(box, tuple(np.full_like(matte, WHOLE) for matte in patch.mattes), patch.codes)
    mask = np.ones((box.bottom - box.top, box.right - box.left), np.bool_)
    made = provenance or Provenance("neighbours", (1,), trust=0.9)
    defect = Defect("hair", "dark", box, mask, 0.9)
    row = RepairRow(
        1, 1, "000000-000", 1, 1, "f", 0, box, box, defect.kind, "dark", 0.9, None, made, box.area, "accepted", status  # type: ignore[arg-type]
    )  # fmt: skip
    return Layer(row, StoredPatch(opaque, box, mask))


@pytest.mark.parametrize("encoding", ENCODINGS, ids=NAMES)
def test_a_whole_frame_is_shown_as_it_looks(encoding: Encoding) -> None:
    frame = tiny.random_frame(np.random.default_rng(2), encoding, height=HEIGHT, width=WIDTH)
    shown = views.shown(frame, encoding, views.Look(whole(), (HEIGHT, WIDTH)))
    assert int(np.abs(shown.astype(int) - as_seen(frame, encoding)).max()) <= 1


@pytest.mark.parametrize("encoding", ENCODINGS, ids=NAMES)
def test_a_part_is_that_part_of_the_whole_at_any_place(encoding: Encoding) -> None:
    frame = tiny.random_frame(np.random.default_rng(3), encoding, height=HEIGHT, width=WIDTH)
    full = views.shown(frame, encoding, views.Look(whole(), (HEIGHT, WIDTH))).astype(int)
    for top, left, bottom, right in ((0, 0, 7, 9), (3, 5, 20, 24), (11, 1, 30, 44)):
        part = views.shown(frame, encoding, views.Look(Box(0, top, left, bottom, right), (bottom - top, right - left))).astype(int)
        inner = np.abs(part - full[top:bottom, left:right])[2:-2, 2:-2]  # at the edges colour is spread from outside of the part
        assert inner.max() <= 1


def test_magnified_pixels_keep_their_edges() -> None:
    encoding = ENCODINGS[0]
    frame = tiny.random_frame(np.random.default_rng(4), encoding, height=HEIGHT, width=WIDTH)
    part = views.Look(Box(0, 4, 6, 10, 16), (6, 10))
    once = views.shown(frame, encoding, part)
    large = views.shown(frame, encoding, views.Look(part.box, (24, 40)))
    assert np.array_equal(large, once.repeat(4, axis=0).repeat(4, axis=1))


def test_a_reduced_frame_is_the_mean_of_its_codes() -> None:
    encoding = Encoding("y", 8)
    plane = np.zeros((20, 40), np.uint8)
    plane[::2] = 200
    small = views.shown(Frame(0, (plane,)), encoding, views.Look(Box(0, 0, 0, 20, 40), (10, 20)))
    assert set(np.unique(small)) == {100}


@pytest.mark.parametrize("encoding", [ENCODINGS[0], ENCODINGS[4]], ids=["y", "ycbcr"])
def test_gamma_and_log_lift_what_is_dark_and_keep_black_and_white(encoding: Encoding) -> None:
    steps = np.linspace(encoding.black, encoding.white, 32).astype(np.uint16)[None].repeat(4, axis=0)
    chroma = (np.full((2, 16), 512, np.uint16),) * 2 if encoding.layout == "ycbcr" else ()
    frame, box = Frame(0, (steps, *chroma)), Box(0, 0, 0, 4, 32)
    plain, gamma, log = (
        views.shown(frame, encoding, views.Look(box, (4, 32), *how))[0, :, 0].astype(int)
        for how in (("display", 1.0), ("display", 2.0), ("log", 1.0))
    )
    for lifted in (gamma, log):
        assert (lifted[0], lifted[-1]) == (0, 255)
        assert (np.diff(lifted) >= 0).all()
        assert (lifted[4:28] > plain[4:28] + 10).all()


def test_channels_are_shown_alone() -> None:
    encoding = Encoding("rgb", 8, extra=("alpha",))
    frame = tiny.random_frame(np.random.default_rng(5), encoding, height=HEIGHT, width=WIDTH)
    for name, plane in zip(("r", "g", "b", "alpha"), frame.planes, strict=True):
        shown = views.shown(frame, encoding, views.Look(whole(), (HEIGHT, WIDTH), channels=name))
        assert np.array_equal(shown, plane[..., None].repeat(3, axis=2))


def test_a_difference_is_grey_where_nothing_changed_and_shows_the_sign() -> None:
    encoding = Encoding("y", 8)
    frame = Frame(0, (np.full((HEIGHT, WIDTH), 100, np.uint8),))
    plane = frame.planes[0].copy()
    plane[4, 5], plane[6, 7] = 105, 95
    shown = views.difference(frame, Frame(0, (plane,)), encoding, views.Look(whole(), (HEIGHT, WIDTH)), gain=8)
    assert (shown[4, 5, 0], shown[6, 7, 0]) == (168, 88)
    assert np.count_nonzero(shown[..., 0] != views.GREY) == 2
    assert (views.difference(frame, frame, encoding, views.Look(whole(), (10, 12)), gain=8) == views.GREY).all()


def test_an_overlay_is_coloured_by_kind_exactly_where_mattes_are() -> None:
    encoding, box = Encoding("y", 8), Box(0, 5, 6, 11, 15)
    veil = views.overlay([a_layer(encoding, box)], [(Box(0, 20, 20, 24, 26), "dirt")], views.Look(whole(), (HEIGHT, WIDTH)))
    inside = np.zeros((HEIGHT, WIDTH), np.bool_)
    inside[box.rows, box.columns] = True
    frame = (veil[..., :3] == KIND["dirt"]).all(-1) & (veil[..., 3] > 0)
    assert (veil[inside, :3] == KIND["hair"]).all()
    assert np.array_equal(veil[..., 3] > 0, inside | frame)
    assert frame.any()
    assert not frame[20:24, 20:26].any()  # around the held place, not on it


def test_small_marks_stay_visible_in_a_reduced_picture() -> None:
    big = Box(0, 0, 0, 400, 400)
    veil = views.overlay([a_layer(Encoding("y", 8), Box(0, 200, 200, 203, 203))], [], views.Look(big, (50, 50)))
    assert veil[..., 3].max() > 80


@pytest.mark.parametrize(
    ("made", "name"),
    [
        (Provenance("neighbours", (1, 2)), "one frame later"),
        (Provenance("neighbours", (-1,)), "one frame earlier"),
        (Provenance("reveal", (-3,)), "earlier"),
        (Provenance("across"), "the frame itself"),
        (Provenance("diffusion", seed=1), "generated"),
        (Provenance("imported"), "other"),
    ],
)
def test_provenance_tells_where_pixels_came_from(made: Provenance, name: str) -> None:
    box = Box(0, 5, 6, 11, 15)
    veil = views.provenance([a_layer(Encoding("y", 8), box, provenance=made)], views.Look(whole(), (HEIGHT, WIDTH)))
    assert (veil[box.rows, box.columns, :3] == SOURCE[name]).all()
    assert np.count_nonzero(veil[..., 3]) == box.area


def test_fills_laid_on_the_scan_are_the_restored_frame() -> None:
    encoding, box = Encoding("y", 8), Box(0, 5, 6, 11, 15)
    frame = tiny.random_frame(np.random.default_rng(6), encoding, height=HEIGHT, width=WIDTH)
    layer = a_layer(encoding, box)
    info = mended_info(encoding)
    after = laid_over(frame, [layer], info)
    look = views.Look(whole(), (HEIGHT, WIDTH))
    mixed = views.laid_on(views.shown(frame, encoding, look), views.fills(after, [layer], encoding, look))
    assert np.array_equal(mixed, views.shown(after, encoding, look))


def mended_info(encoding: Encoding):  # type: ignore[no-untyped-def]
    from fractions import Fraction
    from pathlib import Path

    from frdm.film import ScanInfo

    return ScanInfo(Path("film"), WIDTH, HEIGHT, Fraction(24), 1, encoding, "png")
