"""Real pairs: our damage on a clean film, found again in spite of shift, gain, lost frames, other sizes, crops and tones."""

import json
import weakref
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from versions import SHOT, Versions, agreement, clean, codes, damaged, levels, moved, visible, written

from frdm.dataset.conforming import PairSettings
from frdm.dataset.pair_report import Report
from frdm.dataset.pair_samples import Source, common
from frdm.dataset.pairs import PairJob, pair
from frdm.dataset.shards import Pack
from frdm.errors import DatasetError, OutputError
from frdm.film import Frame
from frdm.media.scan import Scan, open_scan
from tiny import bytes_of, write_png

ALL = tuple(range(2 * SHOT))
LOST = 5


def paired(versions: Versions, out: Path, job: PairJob | None = None) -> tuple[Pack, Report]:
    lines: list[str] = []
    _, report = pair(versions.before, versions.after, out, job or PairJob(), tell=lines.append)
    return Pack(out), report


def score(pack: Pack) -> float:
    """IoU of all masks with what is visible of the damage, with 1-pixel tolerance."""
    total = np.zeros(2, int)
    for sample in pack:
        top, left, bottom, right = sample.about["area"]
        for at in range(len(sample)):
            assert sample.mask is not None
            truth = visible(damaged(), sample.about["first"] + at)[top:bottom, left:right]
            total += agreement(sample.mask[at], truth)
    return float(total[0] / total[1])


def assert_partners(report: Report, shows: Sequence[int], *, but: int = 0) -> None:
    wrong = [verdict for verdict in report.verdicts if verdict.after is not None and shows[verdict.after] != verdict.before]
    assert len(wrong) <= but, wrong


@pytest.fixture(scope="module")
def round_trip(tmp_path_factory: pytest.TempPathFactory) -> tuple[Versions, Pack, Report]:
    """The bar: 0.3 px shift, 2 % gain, one dropped frame."""
    place = tmp_path_factory.mktemp("trip")
    versions = written(place, [i for i in ALL if i != LOST], lambda picture, i: moved(picture, 0.3, -0.3) * np.float32(1.02))
    return versions, *paired(versions, place / "out")


def test_our_damage_is_found_again(round_trip: tuple[Versions, Pack, Report]) -> None:
    versions, pack, report = round_trip
    assert score(pack) >= 0.9
    assert_partners(report, versions.shows)
    assert report.kept == len(ALL) - 1


def test_the_lost_frame_is_named_with_the_reason(round_trip: tuple[Versions, Pack, Report]) -> None:
    _, pack, report = round_trip
    refused = [verdict for verdict in report.verdicts if verdict.reason]
    assert [verdict.before for verdict in refused] == [LOST] and refused[0].reason is not None and "no frame of AFTER" in refused[0].reason
    assert any(line.startswith(f"  BEFORE {LOST}: refused: no frame of AFTER") for line in report.lines())
    told = json.loads((pack.folder / "report.json").read_text())
    assert [row["before"] for row in told["frames"]] == list(ALL) and told["kept"] == len(ALL) - 1
    assert abs(told["frames"][0]["dx"] + 0.3) < 0.08 and told["frames"][0]["kept"]
    assert (pack.folder / "report.txt").read_text().splitlines() == report.lines()


def test_the_scan_stays_what_it_is_and_the_target_is_the_scan_but_for_defects(round_trip: tuple[Versions, Pack, Report]) -> None:
    _, pack, _ = round_trip
    for sample in pack:
        first = sample.about["first"]
        top, left, bottom, right = sample.about["area"]
        assert sample.degraded is not None and sample.matte is not None and sample.mask is not None
        np.testing.assert_array_equal(sample.degraded, damaged().degraded[first : first + len(sample), top:bottom, left:right])
        untouched = sample.matte == 0
        np.testing.assert_array_equal(sample.pristine[untouched], sample.degraded[untouched])
        truth = damaged().pristine[first : first + len(sample), top:bottom, left:right].astype(int)
        assert (
            np.abs(sample.pristine.astype(int) - truth)[sample.mask].mean()
            < 4
            < np.abs(sample.degraded.astype(int) - truth)[sample.mask].mean()
        )


def test_samples_end_at_cuts_and_refused_frames(round_trip: tuple[Versions, Pack, Report]) -> None:
    _, pack, _ = round_trip
    assert [(sample.about["first"], len(sample), sample.about["shot"]) for sample in pack] == [(0, LOST, 0), (LOST + 1, 2, 0), (8, 8, 1)]


@pytest.mark.slow
def test_the_same_films_give_the_same_bytes(round_trip: tuple[Versions, Pack, Report], tmp_path: Path) -> None:
    versions, pack, _ = round_trip
    paired(versions, tmp_path / "out")
    assert bytes_of(tmp_path / "out") == bytes_of(pack.folder)


def hard(picture: np.ndarray, index: int) -> np.ndarray:
    """Crop, larger size, weave, gamma, flicker, tint, grain of its own."""
    rng = np.random.default_rng(index)
    dx, dy = 256 * 0.03 + rng.normal(0, 0.5), 192 * 0.03 + rng.normal(0, 0.4)
    large = moved(np.asarray(picture, np.float32), dx, dy, scale=1 / 1.4, size=(round(256 * 0.94 * 1.4), round(192 * 0.94 * 1.4)))
    toned = np.clip(large, 0, 1) ** 0.9 * (1 + rng.normal(0, 0.04)) * np.array([1.02, 1, 0.96])
    return np.asarray(toned + rng.normal(0, 0.012, large.shape), np.float32)


def test_crop_size_weave_tone_flicker_tint_and_other_grain(tmp_path: Path) -> None:
    versions = written(tmp_path, [*range(2, 6), 6, *range(6, 11), *range(12, 16)], hard)
    pack, report = paired(versions, tmp_path / "out")
    assert score(pack) >= 0.85
    assert_partners(report, versions.shows)
    assert report.kept >= 12
    assert {verdict.before for verdict in report.verdicts if verdict.after is None} >= {0, 1, 11}
    assert report.alone() and "shown in no frame of BEFORE" in report.lines()[-1]
    height, width = pack[0].pristine.shape[1:3]
    assert 170 <= height <= 181 and 230 <= width <= 241, "trimmed to what AFTER shows"


@pytest.mark.slow
def test_a_smaller_version_gives_smaller_samples(tmp_path: Path) -> None:
    size = (160, 120)

    def smaller(picture: np.ndarray, index: int) -> np.ndarray:
        import cv2

        return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), np.float32)

    pack, report = paired(written(tmp_path, ALL, smaller), tmp_path / "out")
    assert report.kept == len(ALL)
    assert pack[0].pristine.shape[1] <= 120 and pack[0].pristine.shape[2] <= 160
    assert (
        0.3
        < np.mean([sample.mask.mean() for sample in pack if sample.mask is not None]) / np.mean([visible(damaged(), i).mean() for i in ALL])
        < 3
    )


def test_frames_that_show_something_else_are_refused(tmp_path: Path) -> None:
    def replaced(picture: np.ndarray, index: int) -> np.ndarray:
        out = picture.copy()
        if index == 10:
            out[20:170, 30:200] = 1 - out[20:170, 30:200]
        return out

    _, report = paired(written(tmp_path, ALL, replaced), tmp_path / "out")
    refused = {verdict.before: verdict.reason for verdict in report.verdicts if verdict.reason}
    assert set(refused) == {10}


def test_films_that_are_not_one_are_refused(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    other = [codes(moved(rng.random((12, 16, 3)).astype(np.float32), 0, 0, scale=1 / 16, size=(256, 192))) for _ in range(8)]
    versions = Versions(write_png(tmp_path / "a", clean()), write_png(tmp_path / "b", other), ())
    with pytest.raises(DatasetError, match="two versions of one film"):
        paired(versions, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_grey_and_colour_are_paired_in_grey(tmp_path: Path) -> None:
    made = damaged()
    before = write_png(tmp_path / "before", made.degraded[:6])
    grey = [codes(levels(picture) @ np.array([0.2126, 0.7152, 0.0722], np.float32)) for picture in made.pristine[:6]]
    pack, report = paired(Versions(before, write_png(tmp_path / "after", grey), tuple(range(6))), tmp_path / "out")
    assert report.kept == 6 and pack[0].pristine.shape[3] == 1


@pytest.mark.slow
def test_the_target_may_be_the_whole_of_after(round_trip: tuple[Versions, Pack, Report], tmp_path: Path) -> None:
    versions, _, _ = round_trip
    pack, _ = paired(
        versions, tmp_path / "out", PairJob(target="after", source=Source("reel", "archive", "CC0", "16mm", "a harbour"), frames=4)
    )
    sample = pack[0]
    assert sample.degraded is not None and (sample.pristine != sample.degraded).mean() > 0.2 and not sample.maps
    assert (sample.film, sample.about["licence"], sample.about["tags"]["gauge"], sample.about["caption"]) == (
        "reel",
        "CC0",
        "16mm",
        "a harbour",
    )
    assert max(len(each) for each in pack) == 4


def test_a_place_that_is_taken_is_refused_first(round_trip: tuple[Versions, Pack, Report], tmp_path: Path) -> None:
    versions, _, _ = round_trip
    (tmp_path / "out").mkdir()
    with pytest.raises(OutputError, match="exists"):
        paired(versions, tmp_path / "out")


@pytest.mark.slow
def test_strict_settings_refuse_everything_in_a_sentence(round_trip: tuple[Versions, Pack, Report], tmp_path: Path) -> None:
    versions, _, _ = round_trip
    with pytest.raises(DatasetError, match="no sample came of it"):
        paired(versions, tmp_path / "out", PairJob(PairSettings(most_noise=0.0)))


def test_the_trimmed_picture_holds_only_what_is_seen() -> None:
    seen = np.ones((50, 80), bool)
    seen[:3] = seen[:, 75:] = False
    seen[3:6, 0:2] = False
    rows, columns = common(seen)
    assert seen[rows, columns].all() and (rows.stop - rows.start) * (columns.stop - columns.start) > 0.85 * 50 * 80
    assert common(np.zeros((5, 5), bool))[0] == slice(2, 2) or seen[common(np.zeros((5, 5), bool))].size == 0


def test_a_video_of_both_versions_side_by_side(tmp_path: Path) -> None:
    made = damaged()
    both = np.concatenate([made.degraded[:6], made.pristine[:6]], axis=2)
    video = write_png(tmp_path / "both", both)
    pack, report = paired(Versions(video, video, tuple(range(6))), tmp_path / "out", PairJob(areas=("left", "right")))
    assert report.kept == 6 and score(pack) > 0.97
    top, left, bottom, right = pack[0].about["area"]
    np.testing.assert_array_equal(pack[0].degraded, made.degraded[:6, top:bottom, left:right])


@pytest.mark.parametrize(
    ("area", "said"), [("middle", "wanted left"), ("0,0,600,20", "doesn't lie in"), ("300,0,100,100", "doesn't lie in")]
)
def test_an_area_that_is_none_is_refused(tmp_path: Path, area: str, said: str) -> None:
    reel = write_png(tmp_path / "reel", clean()[:2])
    with pytest.raises(DatasetError, match=said):
        paired(Versions(reel, reel, ()), tmp_path / "out", PairJob(areas=(area, None)))


@pytest.mark.slow
def test_only_a_few_frames_are_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from frdm.dataset import pairs as room

    alive, most = [0], [0]

    class Watching:
        """A film whose frames are counted while anyone holds them."""

        def __init__(self, scan: Scan) -> None:
            self._scan, self.info = scan, scan.info

        def frames(self, start: int = 0, stop: int | None = None) -> Iterator[Frame]:
            for frame in self._scan.frames(start, stop):
                yield watched(frame)

        def frame(self, index: int) -> Frame:
            return watched(self._scan.frame(index))

        def __enter__(self) -> "Watching":
            return self

        def __exit__(self, *_: object) -> None: ...

    def gone() -> None:
        alive[0] -= 1

    def watched(frame: Frame) -> Frame:
        plane = Watched(frame.planes[0].shape, frame.planes[0].dtype)
        plane[:] = frame.planes[0]
        weakref.finalize(plane, gone)
        alive[0] += 1
        most[0] = max(most[0], alive[0])
        return Frame(frame.index, (plane, *frame.planes[1:]))

    monkeypatch.setattr(room, "open_area", lambda path, _, transfer: Watching(open_scan(path, transfer=transfer)))
    film = np.concatenate([clean(), clean()[:, ::-1], clean()[:, :, ::-1]])
    reel = write_png(tmp_path / "reel", film)
    _, report = paired(Versions(reel, reel, ()), tmp_path / "out")
    assert report.kept == len(film) == 48
    assert 0 < most[0] <= 8


class Watched(np.ndarray):
    """An array that can be referred to weakly."""
