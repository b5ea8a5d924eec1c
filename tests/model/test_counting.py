"""Bytes that are alive at once, counted on shapes."""

import pytest

pytest.importorskip("torch")

import torch
from torch.nn import functional

from frdm.model.counting import Alive, Count, fused, on_shapes


def test_what_is_alive_at_once_is_counted() -> None:
    alive = Alive()
    with torch.device("meta"), alive:
        kept = torch.zeros(1000)
        assert (alive.now, alive.peak) == (4000, 4000)
        view = kept[10:].view(99, 10)
        assert alive.now == 4000
        passing = kept + 1
        assert alive.now == 8000
        del passing
        assert (alive.now, alive.peak) == (4000, 8000)
        del kept, view
        assert alive.now == 0


def test_the_peak_is_that_of_each_piece_of_work() -> None:
    def work(count: Count) -> int:
        first, before = count(lambda: torch.zeros(256))
        assert before == 1024
        second, peak = count(lambda: (first + 1) * 2)  # the sum is gone when the product is there
        assert peak == 3 * 1024
        assert count(lambda: None)[1] == 2 * 1024
        assert count(lambda: second[::2])[1] == 2 * 1024
        query = torch.zeros(1, 1, 64, 16)
        _, peak = count(lambda: functional.scaled_dot_product_attention(query, query, query))
        return peak - 2 * 1024 - query.nbytes

    assert on_shapes(work) == 64 * 16 * 4


def test_attention_keeps_no_scores_there_and_back() -> None:
    alive, one = Alive(), 4 * 640 * 16  # bytes of a query; the scores would be 4 · 640²
    with torch.device("meta"), alive:
        query, key, value = (torch.zeros(1, 1, 640, 16, requires_grad=True) for _ in range(3))
        found = fused(query, key=key, value=value)
        assert (found.shape, alive.peak) == (query.shape, 4 * one)
        found.sum().backward()
    assert [known.grad is not None and known.grad.shape for known in (query, key, value)] == 3 * [query.shape]
    assert 7 * one <= alive.peak < 9 * one
