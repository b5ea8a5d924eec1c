"""Noise by place: the published generator, a normal law, and the same bits however it is asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from frdm.diffusion.noise import WORD, NoiseField, normal, philox

WHOLE = NoiseField(7, 120, 6).at(range(3, 8), range(40), range(60))


@pytest.mark.parametrize(
    ("counter", "key", "words"),  # philox4x32-10 in Random123's kat_vectors
    [
        ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        ((WORD,) * 4, (WORD, WORD), (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_the_generator_is_the_published_one(counter: tuple[int, ...], key: tuple[int, int], words: tuple[int, ...]) -> None:
    assert tuple(int(word) for word in philox(tuple(np.uint64(c) for c in counter), key)) == words


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_any_part_is_the_same_to_the_bit(data: st.DataObject) -> None:
    def part(start: int, stop: int) -> range:
        first = data.draw(st.integers(start, stop - 1))
        return range(first, data.draw(st.integers(first + 1, stop)))

    frames, rows, columns = part(3, 8), part(0, 40), part(0, 60)
    got = NoiseField(7, 120, 6).at(frames, rows, columns)
    assert np.array_equal(got, WHOLE[:, frames.start - 3 : frames.stop - 3, rows.start : rows.stop, columns.start : columns.stop])


def test_where_it_is_not_asked_for_it_costs_nothing_and_elsewhere_it_is_the_same() -> None:
    where = np.zeros((5, 40, 60), bool)
    where[2, 10:20, 30:35] = True
    got = NoiseField(7, 120, 6).at(range(3, 8), range(40), range(60), where=where)
    assert np.array_equal(got[:, where], WHOLE[:, where])
    assert not got[:, :2].any()
    assert not got[:, 2, :, :30].any()


def test_many_small_strips_are_one_field(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("frdm.diffusion.noise.AT_ONCE", 100)
    assert np.array_equal(NoiseField(7, 120, 6).at(range(3, 8), range(40), range(60)), WHOLE)


@pytest.mark.parametrize("other", [NoiseField(8, 120, 6), NoiseField(7, 121, 6)])
def test_another_seed_or_shot_is_another_field(other: NoiseField) -> None:
    got = other.at(range(3, 8), range(40), range(60))
    assert abs(np.corrcoef(got.ravel(), WHOLE.ravel())[0, 1]) < 0.01


def test_streams_frames_and_channels_are_independent() -> None:
    stream = NoiseField(7, 120, 6).at(range(3, 8), range(40), range(60), stream=1)
    fields = np.concatenate([WHOLE.reshape(30, -1), stream.reshape(30, -1)])
    together = np.corrcoef(fields) - np.eye(60)
    assert np.abs(together).max() < 5 / np.sqrt(2400)


def test_neighbouring_pixels_are_independent() -> None:
    assert abs((WHOLE[..., 1:] * WHOLE[..., :-1]).mean()) < 0.02
    assert abs((WHOLE[..., 1:, :] * WHOLE[..., :-1, :]).mean()) < 0.02


def test_the_law_is_normal() -> None:
    field = np.sort(NoiseField(0, 0, 16).at(range(2), range(100), range(200)).ravel().astype(float))
    wanted = {2: 1.0, 4: 3.0, 6: 15.0}
    for power, moment in wanted.items():
        assert (field**power).mean() == pytest.approx(moment, rel=0.03)
    assert abs(field.mean()) < 0.005
    for level, share in ((1.0, 0.158655), (2.0, 0.022750), (3.0, 0.001350)):
        assert (field > level).mean() == pytest.approx(share, rel=0.12)


def test_the_table_gives_what_the_law_allows() -> None:
    extremes = normal(np.array([0, WORD], np.uint64))
    assert extremes[0] == -extremes[1]
    assert 5.5 < extremes[1] < 6.5
