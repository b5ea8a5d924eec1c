from fractions import Fraction
from pathlib import Path

import pytest

from frdm.errors import RecipeError
from frdm.film import Encoding, ScanInfo, Shot
from frdm.motion.shot_lists import read_shots


def film(length: int, rate: Fraction = Fraction(24)) -> ScanInfo:
    return ScanInfo(Path("film"), 64, 48, rate, length, Encoding("y", 8), "png")


def written(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "text",
    [
        "start,stop\n0,10\n10,25\n",
        "0,10\n10,25\n",
        "\ufeffname, start, stop\nfirst, 0, 10\nsecond, 10, 25\n\n",
        "Timecode List:,00:00:00.417\nScene Number,Start Frame,Start Timecode,End Frame\n1,1,00:00:00.000,10\n2,11,00:00:00.417,25\n",
        "Scene Number,Start Frame,Start Timecode,End Frame\n1,1,00:00:00.000,10\n2,11,00:00:00.417,25\n",
    ],
)
def test_csv(tmp_path: Path, text: str) -> None:
    assert read_shots(written(tmp_path, "list.csv", text), film(25)) == (Shot(0, 10), Shot(10, 25))


def test_frames_that_a_list_leaves_out_are_shots(tmp_path: Path) -> None:
    path = written(tmp_path, "list.csv", "2,5\n8,10\n")
    assert read_shots(path, film(12)) == (Shot(0, 2), Shot(2, 5), Shot(5, 8), Shot(8, 10), Shot(10, 12))


EDL = """TITLE: REEL 1
FCM: {fcm}

001  AX       V     C        00:00:00{s}00 00:00:02{s}00 01:00:00{s}00 01:00:02{s}00
* FROM CLIP NAME: ONE
002  AX       V     C        00:10:00{s}00 00:10:01{s}05 01:00:02{s}00 01:00:03{s}05
* FROM CLIP NAME: TWO
"""


@pytest.mark.parametrize(("rate", "base"), [(Fraction(24), 24), (Fraction(24000, 1001), 24), (Fraction(25), 25), (Fraction(18), None)])
def test_edl(tmp_path: Path, rate: Fraction, base: int | None) -> None:
    path = written(tmp_path, "reel.edl", EDL.format(fcm="NON-DROP FRAME", s=":"))
    if base is None:
        with pytest.raises(RecipeError, match="can't be read as a timeline"):
            read_shots(path, film(99, rate))
    else:
        assert read_shots(path, film(3 * base + 5, rate)) == (Shot(0, 2 * base), Shot(2 * base, 3 * base + 5))


def test_edl_in_drop_frame(tmp_path: Path) -> None:
    path = written(tmp_path, "reel.edl", EDL.format(fcm="DROP FRAME", s=";").replace("01:00:03;05", "01:00:03;05"))
    assert read_shots(path, film(95, Fraction(30000, 1001))) == (Shot(0, 60), Shot(60, 95))


def otio_file(folder: Path, rate: float) -> Path:
    otio = pytest.importorskip("opentimelineio")
    track = otio.schema.Track(kind="Video")
    for length in (10, 15):
        track.append(
            otio.schema.Clip(
                source_range=otio.opentime.TimeRange(otio.opentime.RationalTime(5, rate), otio.opentime.RationalTime(length, rate))
            )
        )
    timeline = otio.schema.Timeline()
    timeline.tracks.append(track)
    path = folder / "reel.otio"
    otio.adapters.write_to_file(timeline, str(path))
    return path


def test_otio(tmp_path: Path) -> None:
    assert read_shots(otio_file(tmp_path, 24), film(25, Fraction(24000, 1001))) == (Shot(0, 10), Shot(10, 25))


def test_otio_at_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="25 frames a second, the film 24"):
        read_shots(otio_file(tmp_path, 25), film(25))


@pytest.mark.parametrize(
    ("name", "text", "found"),
    [
        ("list.csv", "0,10\n10,30\n", "ends after the film's 25 frames"),
        ("list.csv", "0,10\n8,20\n", "begins before frame 10"),
        ("list.csv", "10,10\n", "is empty"),
        ("list.csv", "-3,10\n", "begins before frame 0"),
        ("list.csv", "", "holds no shot"),
        ("list.csv", "start,stop\n0,ten\n", "'0,ten', wanted two frame numbers"),
        ("list.csv", "5\n", "'5', wanted two frame numbers"),
        ("list.xml", "<a/>", "type '.xml' is not known"),
        ("list.otio", "{}", "can't be read as a timeline"),
        ("list.edl", "TITLE: NOTHING\n", "timeline|holds no shot"),
    ],
)
def test_a_bad_list_is_one_sentence(tmp_path: Path, name: str, text: str, found: str) -> None:
    with pytest.raises(RecipeError, match=found) as caught:
        read_shots(written(tmp_path, name, text), film(25))
    assert name in str(caught.value) and "\n" not in str(caught.value)


def test_a_list_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="no such shot list"):
        read_shots(tmp_path / "gone.csv", film(25))
