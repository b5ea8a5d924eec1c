"""Sound, tags, chapters, timecode, times and the pixels' shape go along with the picture."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from opentimelineio import opentime

from frdm.media.movie import open_movie
from frdm.media.movie_packets import timecode_after
from frdm.media.movie_writer import open_movie_writer
from media.movie_author import ffmpeg, needs_ffmpeg, packets, restore, same_codes, soft_movie, times

pytestmark = needs_ffmpeg


@pytest.mark.parametrize(
    ("sound", "outs"),
    [("pcm_s24le", (".mkv", ".mov", ".avi", ".mxf")), ("aac", (".mkv", ".mov", ".mp4")), ("libmp3lame", (".mkv", ".avi", ".mp4"))],
)
def test_sound_packets_go_through(tmp_path: Path, sound: str, outs: tuple[str, ...]) -> None:
    film = soft_movie(
        tmp_path / "scan.mov", "-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-c:a", sound, "-metadata:s:a:0", "language=ger", sound=True
    )
    heard = b"".join(packets(film, "audio"))
    for suffix in outs:
        out = tmp_path / f"out{suffix}"
        writer = restore(film, out)
        copied = b"".join(packets(out, "audio"))
        if suffix == ".mxf":  # fills its last unit up
            copied = copied[: len(heard)]
        assert heard.endswith(copied) and len(heard) - len(copied) <= (0 if sound.startswith("pcm") else 1500), suffix
        assert not any("left out" in warning for warning in writer.warnings)
        if suffix not in (".avi", ".mxf"):
            with av.open(str(out)) as container:
                assert container.streams.audio[0].language in ("deu", "ger")


def test_sound_stays_in_step(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", "-c:a", "pcm_s16le", "-af", "adelay=250", sound=True)
    restore(film, tmp_path / "out.mkv")
    assert first_sounds(film) == first_sounds(tmp_path / "out.mkv")
    restore(film, tmp_path / "part.mkv", part=(6, 20))
    offset = first_sounds(film, after=Fraction(6, 24))[0] - Fraction(6, 24)
    assert abs(first_sounds(tmp_path / "part.mkv")[0] - offset) <= Fraction(2, 1000)
    with av.open(str(tmp_path / "part.mkv")) as container:
        last = [packet.pts * packet.time_base for packet in container.demux(audio=0) if packet.size][-1]
    assert last < Fraction(14, 24)


def first_sounds(path: Path, after: Fraction = Fraction(0)) -> list[Fraction]:
    with av.open(str(path)) as container:
        found = [packet.pts * packet.time_base for packet in container.demux(audio=0) if packet.size]
    return [time for time in found if time >= after][:3]


def test_what_a_container_cannot_hold_is_said(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mkv", "-c:v", "ffv1", "-c:a", "flac", sound=True)
    writer = restore(film, tmp_path / "out.mxf")
    assert writer.warnings == ("audio stream 1 (flac) is left out, as MXF (Material eXchange Format) can't hold it",)


def probe(path: Path) -> dict[str, object]:
    tool = shutil.which("ffprobe")
    if tool is None:
        pytest.skip("the ffprobe command is not installed")
    done = subprocess.run(
        [tool, "-v", "error", "-of", "json", "-show_streams", "-show_format", "-show_chapters", path], capture_output=True, check=True
    )
    found: dict[str, object] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize("suffix", [".mkv", ".mov", ".mp4", ".mxf"])
def test_tags_go_through(tmp_path: Path, suffix: str) -> None:
    colours = "setsar=4/3,setparams=color_primaries=bt2020:color_trc=bt709:colorspace=bt2020nc:range=tv"
    film = soft_movie(
        tmp_path / "scan.mov",
        "-c:v",
        "prores_ks",
        "-pix_fmt",
        "yuv422p10le",
        "-vf",
        colours,
        "-r",
        "24000/1001",
        "-timecode",
        "01:00:00:12",
        "-metadata",
        "title=Der müde Tod",
    )
    restore(film, tmp_path / f"out{suffix}", part=(4, 24))
    found = probe(tmp_path / f"out{suffix}")
    stream = found["streams"][0]  # type: ignore[index]
    assert (stream["color_primaries"], stream["color_transfer"], stream["color_space"]) == ("bt2020", "bt709", "bt2020nc")
    assert stream["color_range"] == "tv"
    assert "24000/1001" in (stream["r_frame_rate"], stream["avg_frame_rate"])
    assert stream["sample_aspect_ratio"] == "4:3"
    tags = {key.lower(): value for key, value in {**found["format"].get("tags", {}), **stream.get("tags", {})}.items()}  # type: ignore[attr-defined]
    assert tags["timecode"] == "01:00:00:16"
    assert tags.get("title") == "Der müde Tod" or suffix == ".mxf"


@pytest.mark.parametrize("aspect", ["4/3", "16/15", "8/9", "59/54", "2"])
def test_anamorphic_pixels_in_matroska(tmp_path: Path, aspect: str) -> None:
    film = soft_movie(
        tmp_path / "scan.mov", "-c:v", "prores_ks", "-pix_fmt", "yuv422p10le", "-vf", f"setsar={aspect}", frames=3, sound=True
    )
    out = tmp_path / "out.mkv"
    restore(film, out)
    same_codes(film, out)
    with open_movie(out) as copy:
        assert copy.info.pixel_aspect == Fraction(aspect)
        assert copy.info.length == 3
    assert packets(out, "audio")
    done = subprocess.run(
        [shutil.which("ffmpeg") or "", "-v", "warning", "-err_detect", "crccheck", "-i", out, "-f", "null", "-"],
        capture_output=True,
        check=True,
    )
    assert b"matroska" not in done.stderr and b"CRC" not in done.stderr
    assert 'sample_aspect_ratio": "' + aspect.replace("/", ":") in json.dumps(probe(out)) or aspect == "2"


def test_field_order_goes_through(tmp_path: Path) -> None:
    filters = ("-vf", "tinterlace=interleave_top,setfield=tff", "-top", "1", "-field_order", "tt")
    film = soft_movie(tmp_path / "scan.mkv", *filters, "-c:v", "ffv1", frames=4)
    with open_movie(film, fields=True) as scan:
        assert scan.field_order > 1
        with open_movie_writer(scan, tmp_path / "out.mkv", start=0, stop=4) as writer:
            for frame in scan.frames():
                writer.write(frame, None)
            writer.finish()
    with open_movie(tmp_path / "out.mkv", fields=True) as copy:
        assert copy.field_order == scan.field_order


def test_rotation_goes_through(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "plain.mp4", "-c:v", "libx264", "-pix_fmt", "yuv420p", frames=3)
    turned = tmp_path / "turned.mp4"
    with av.open(str(film)) as source, av.open(str(turned), "w") as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        stream.set_display_rotation(90)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                output.mux(packet)
    for out in ("out.mov", "out.mkv"):
        restore(turned, tmp_path / out)
        with av.open(str(tmp_path / out)) as container:
            assert next(container.decode(video=0)).rotation == 90


def test_chapters_go_through(tmp_path: Path) -> None:
    notes = tmp_path / "notes.txt"
    parts = "".join(f"[CHAPTER]\nTIMEBASE=1/1000\nSTART={n * 250}\nEND={n * 250 + 250}\ntitle=Reel {n}\n" for n in range(4))
    notes.write_text(";FFMETADATA1\n" + parts)
    film = soft_movie(tmp_path / "film.mkv", "-c:v", "ffv1")
    ffmpeg("-i", film, "-i", notes, "-map_metadata", "1", "-map_chapters", "1", "-c", "copy", tmp_path / "scan.mkv")
    restore(tmp_path / "scan.mkv", tmp_path / "out.mkv")
    assert chapters(tmp_path / "out.mkv") == chapters(tmp_path / "scan.mkv") == [(n * 0.25, n * 0.25 + 0.25, f"Reel {n}") for n in range(4)]
    restore(tmp_path / "scan.mkv", tmp_path / "part.mkv", part=(9, 18))
    assert chapters(tmp_path / "part.mkv") == [(0, 0.125, "Reel 1"), (0.125, 0.375, "Reel 2")]


def chapters(path: Path) -> list[tuple[float, float, str]]:
    with av.open(str(path)) as container:
        return [
            (float(c["start"] * c["time_base"]), float(c["end"] * c["time_base"]), c["metadata"]["title"]) for c in container.chapters()
        ]  # type: ignore[operator]


def varying(path: Path, gaps: Sequence[int]) -> Path:
    """A film whose frames stay for different numbers of milliseconds."""
    random = np.random.default_rng(1)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25, width=16, height=16, pix_fmt="gray")
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.codec_context.framerate = Fraction(0)
        time = 0
        for gap in gaps:
            memory = av.VideoFrame.from_ndarray(random.integers(0, 256, (16, 16), np.uint8), "gray")
            memory.pts, memory.time_base, memory.duration = time, Fraction(1, 1000), gap
            output.mux(stream.encode(memory))
            time += gap
        output.mux(stream.encode(None))
    return path


def test_varying_times_are_kept(tmp_path: Path) -> None:
    film = varying(tmp_path / "scan.mkv", [40, 80, 40, 33, 200, 41, 40])
    assert len(set(np.diff(times(film)))) > 2
    for suffix in (".mkv", ".mov"):
        restore(film, tmp_path / f"out{suffix}", codec="ffv1" if suffix == ".mkv" else "png")
        assert times(tmp_path / f"out{suffix}") == times(film), suffix
    writer = restore(film, tmp_path / "out.avi")
    assert any("varying rate" in warning for warning in writer.warnings)
    restore(film, tmp_path / "part.mkv", part=(2, 5))
    assert times(tmp_path / "part.mkv") == [time - times(film)[2] for time in times(film)[2:5]]


def test_a_range(tmp_path: Path) -> None:
    film = soft_movie(tmp_path / "scan.mp4", "-c:v", "libx264", "-g", "9", "-bf", "2", "-pix_fmt", "yuv420p", sound=True)
    writer = restore(film, tmp_path / "out.mkv", part=(5, 17))
    same_codes(film, tmp_path / "out.mkv", start=5)
    assert [round(time * 24) for time in times(tmp_path / "out.mkv")] == list(range(12))
    assert [warning for warning in writer.warnings if "cut to the range" in warning]


@pytest.mark.parametrize(
    ("timecode", "rate"),
    [
        ("00:00:59:28", "24000/1001"),
        ("00:00:59:20", "25"),
        ("00:00:59;28", "30000/1001"),
        ("23:59:59;28", "30000/1001"),
        ("00:09:59;58", "60000/1001"),
    ],
)
def test_timecodes_count_as_opentimelineio_does(timecode: str, rate: str) -> None:
    fraction = Fraction(rate)
    nominal = float(fraction)
    if rate == "24000/1001":
        timecode = timecode.replace(":28", ":20")
    for frames in (0, 1, 2, 3, 1798, 17982, 107892, 2589407):
        start = opentime.from_timecode(timecode, nominal)
        day = (
            opentime.from_timecode(
                "23:59:59;29" if rate == "30000/1001" else "23:59:59;59" if ";" in timecode else f"23:59:59:{round(nominal) - 1}", nominal
            ).value
            + 1
        )
        wanted = opentime.to_timecode(opentime.RationalTime((start.value + frames) % day, nominal), nominal)
        assert timecode_after(timecode, frames, fraction) == wanted
