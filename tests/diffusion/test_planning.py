"""Plans: as much at once as memory holds, never a smaller tile, and a sentence where nothing fits."""

from itertools import pairwise

import pytest

from frdm.diffusion.planning import Costs, Plan, bytes_of, out_of_memory, plan, plans, within_memory
from frdm.errors import RecipeError

GIB = 1 << 30
COSTS = Costs(weights=6 * GIB, largest_part=GIB, tile=3 * GIB, coded_frame=2 * GIB, frame=GIB // 16, fixed=GIB)


class OutOfMemoryError(RuntimeError):
    """Named as torch names its own."""


@pytest.mark.parametrize(
    ("text", "found"), [("24GiB", 24 * GIB), ("8 GB", 8 * 10**9), ("1.5 gib", 3 * GIB // 2), ("512MiB", 512 << 20), ("1000B", 1000)]
)
def test_sizes_are_read(text: str, found: int) -> None:
    assert bytes_of(text) == found


@pytest.mark.parametrize("text", ["24", "GiB", "-3GiB", "24 parsecs", "0GiB", ""])
def test_what_is_no_size_is_one_sentence(text: str) -> None:
    with pytest.raises(RecipeError, match="a size such as 24GiB was wanted"):
        bytes_of(text)


@pytest.mark.parametrize(
    ("budget", "expected"),
    [
        (80, Plan(16, 4, "nothing")),
        (24, Plan(4, 4, "nothing")),
        (14, Plan(1, 1, "nothing")),  # 1 + 6 + 32/16·1 + 3 = 12
        (11, Plan(1, 1, "latents")),  # 1 + 6 + 1/16 + 3
        (9, Plan(1, 1, "weights")),
    ],
)
def test_the_batch_shrinks_before_anything_is_offloaded(budget: int, expected: Plan) -> None:
    found = plan(budget * GIB, COSTS, 32)
    assert found.offload == expected.offload
    assert found.needs(COSTS, 32) <= budget * GIB
    if budget != 9:
        assert found == expected


def test_with_more_memory_a_plan_is_never_slower() -> None:
    order = list(plans(16))
    places = [order.index(plan(budget * GIB, COSTS, 32)) for budget in range(8, 90)]
    assert all(later <= earlier for earlier, later in pairwise(places))


def test_where_nothing_fits_it_says_what_is_needed() -> None:
    with pytest.raises(RecipeError, match=r"memory 4\.0 GiB: one tile with all else offloaded needs 5\.1 GiB"):
        plan(4 * GIB, COSTS, 32)


def test_when_memory_runs_out_smaller_plans_are_tried_in_order() -> None:
    tried = []

    def work(chosen: Plan) -> str:
        tried.append(chosen)
        if chosen.batch > 1 or chosen.offload == "nothing":
            raise OutOfMemoryError("CUDA out of memory")
        return "done"

    assert within_memory(work, Plan(4, 4)) == "done"
    assert tried[0] == Plan(4, 4)
    assert tried[-1] == Plan(1, 1, "latents")
    assert [one.batch for one in tried] == [4, 2, 1, 4, 2, 1]


def test_a_plan_of_ones_own_comes_first() -> None:
    tried = []

    def work(chosen: Plan) -> None:
        tried.append(chosen)
        raise MemoryError

    with pytest.raises(RecipeError, match="memory ran out with one tile at a time"):
        within_memory(work, Plan(3, 2, "latents"))
    assert tried[0] == Plan(3, 2, "latents")
    assert [(one.batch, one.offload) for one in tried[1:]] == [(1, "latents"), (3, "weights"), (1, "weights")]


def test_other_mistakes_are_not_swallowed() -> None:
    def work(chosen: Plan) -> None:
        raise ValueError("something else")

    with pytest.raises(ValueError, match="something else"):
        within_memory(work, Plan())


def test_memory_errors_of_torch_and_onnx_runtime_are_known() -> None:
    assert out_of_memory(OutOfMemoryError())
    assert out_of_memory(RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 12"))
    assert out_of_memory(
        RuntimeError("[enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory: you tried to allocate 12")
    )
    assert not out_of_memory(RuntimeError("shapes differ"))
