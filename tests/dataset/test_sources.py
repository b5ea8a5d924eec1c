"""Clips and what SOURCES.csv says of them."""

from pathlib import Path

import numpy as np
import pytest

from frdm.dataset.sources import find_clips
from frdm.errors import DatasetError
from tiny import write_png


def folder(tmp_path: Path, table: str | None, *names: str) -> Path:
    for name in names:
        (tmp_path / name).write_bytes(b"")
    if table is not None:
        (tmp_path / "SOURCES.csv").write_text(table, encoding="utf-8")
    return tmp_path


def test_a_table_gives_source_licence_film_and_tags(tmp_path: Path) -> None:
    table = 'file,source,licence,film_id,description,tags,quality\nb.mp4,web,"CC BY, 4.0",bear,a bear,"animal, fur",4\na.mp4,,CC0,ant,,,\n'
    first, second = find_clips([folder(tmp_path, table, "a.mp4", "b.mp4", "unlisted.mp4")])
    assert (first.name, first.film, first.source, first.licence) == ("a", "ant", "unknown", "CC0")
    assert (second.licence, second.caption, second.tags, second.gauge) == ("CC BY, 4.0", "a bear", ("animal", "fur"), "unknown")
    assert second.more == {"quality": "4"}


def test_one_movie_of_a_folder_keeps_what_its_table_says(tmp_path: Path) -> None:
    place = folder(tmp_path, "file,source,licence,film_id\na.mp4,web,CC0,ant\n", "a.mp4", "b.mp4")
    assert [clip.film for clip in find_clips([place / "a.mp4", place / "b.mp4"])] == ["ant", "b"]


def test_folders_without_a_table(tmp_path: Path) -> None:
    movies = folder(tmp_path / "movies" if (tmp_path / "movies").mkdir() is None else tmp_path, None, "x.mkv", "y.mp4", ".hidden.mp4")
    frames = write_png(tmp_path / "reel", np.zeros((2, 8, 8), np.uint8))
    assert [clip.name for clip in find_clips([movies, frames])] == ["reel", "x", "y"]
    assert len(find_clips([movies, movies / "x.mkv"])) == 2, "named twice, taken once"


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,source,film_id\na.mp4,web,x\n", "no column licence"),
        ("file,source,licence,film_id\na.mp4,web,CC0,\n", "line 2: file or film_id is empty"),
        ("file,source,licence,film_id\nlost.mp4,web,CC0,x\n", "lost.mp4 is not in the folder"),
        ("file,source,licence,film_id\na.mp4,web,CC0,x\na.mp4,web,CC0,y\n", "line 3: a.mp4 is named twice"),
    ],
)
def test_a_table_that_says_too_little_is_refused(tmp_path: Path, table: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        find_clips([folder(tmp_path, table, "a.mp4")])


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such file"):
        find_clips([tmp_path / "lost"])
    with pytest.raises(DatasetError, match="no clip was named"):
        find_clips([])


def test_clips_of_one_name_in_two_folders_are_refused_not_lost(tmp_path: Path) -> None:
    for part in ("one", "two"):
        (tmp_path / part).mkdir()
    table = "file,source,licence,film_id\none/a.mp4,web,CC0,x\ntwo/a.mp4,web,CC0,y\n"
    with pytest.raises(DatasetError, match="a: two clips have this name"):
        find_clips([folder(tmp_path, table, "one/a.mp4", "two/a.mp4")])
