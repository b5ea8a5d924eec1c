"""The eye in torch and as ONNX: the same net, at any size, with a description inside and half-precision weights."""

import hashlib
import json
import zlib
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

import onnx
import torch

from frdm.model.export import WHOLE, export_eye, shortened
from frdm.model.eye import ALONE, Eye, EyeParams
from frdm.runtime.eye_layout import ALONE_FULL, ALONE_HALF, FULL, HALF, SLOTS
from frdm.runtime.session import Net

SMALL = EyeParams((16, 16, 32), (1, 1, 1))


def trained(params: EyeParams) -> Eye:
    """A net whose weights are half-precision numbers, none of them zero."""
    torch.manual_seed(3)
    net = Eye(params)
    with torch.no_grad():
        for value in [*net.parameters(), *net.buffers()]:
            if value.is_floating_point():
                value.copy_((0.1 * torch.randn_like(value)).abs().add(0.05).half().float())
    return net.eval()


def inputs(height: int, width: int) -> list[torch.Tensor]:
    random = torch.Generator().manual_seed(1)
    shapes = (1, len(FULL), height, width), (1, len(HALF), height // 2, width // 2), (1, SLOTS)
    return [torch.randint(-127, 128, shape, generator=random).float() for shape in shapes]


@pytest.mark.parametrize(("height", "width"), [(64, 96), (128, 64), (192, 224)])
def test_onnx_says_what_torch_says(height: int, width: int, tmp_path: Path) -> None:
    net = trained(SMALL)
    export_eye(net, tmp_path / "eye.onnx", {})
    shown = inputs(height, width)
    with torch.no_grad():
        wanted = net(*shown).numpy()
    got = Net((tmp_path / "eye.onnx").read_bytes())(**dict(zip(("full", "half", "offsets"), (x.numpy() for x in shown), strict=True)))
    assert got.shape == (1, 2, height, width)
    assert np.abs(got - wanted).max() < 2e-3 * np.abs(wanted).max()
    masks = [1 / (1 + np.exp(-x)) > 0.5 for x in (got, wanted)]
    assert (masks[0] == masks[1]).mean() >= 0.999


def test_the_file_describes_itself_and_is_small(tmp_path: Path) -> None:
    net = trained(SMALL)
    sha256 = export_eye(net, tmp_path / "eye.onnx", {"data": "drawn", "licence": "Apache-2.0"})
    data = (tmp_path / "eye.onnx").read_bytes()
    assert hashlib.sha256(data).hexdigest() == sha256
    told = {one.key: one.value for one in onnx.load_from_string(data).metadata_props}
    assert json.loads(told["about"]) == {"data": "drawn", "licence": "Apache-2.0"}
    assert len(data) < 2.5 * sum(p.numel() for p in net.parameters()) + 40_000


def test_fewer_significant_bits_pack_better_and_say_nearly_the_same(tmp_path: Path) -> None:
    net, shown = trained(SMALL), inputs(64, 96)
    said, packed = [], []
    for bits in (WHOLE, 7):
        export_eye(net, tmp_path / "eye.onnx", {}, bits=bits)
        data = (tmp_path / "eye.onnx").read_bytes()
        said.append(Net(data)(**dict(zip(("full", "half", "offsets"), (x.numpy() for x in shown), strict=True))))
        packed.append(len(zlib.compress(data)))
    assert packed[1] < 0.85 * packed[0]
    assert 0 < np.abs(said[1] - said[0]).max() < 0.03 * np.abs(said[0]).max()


def test_values_of_few_bits_are_the_nearest_ones() -> None:
    values = np.array([0.0, 1.0, -1.0, 1.24, -0.0131, 65.4, 3e-5], np.float32)
    assert np.allclose(shortened(values, 3), [0, 1, -1, 1.25, -0.013671875, 64, 3.0517578e-05], rtol=1e-6)
    assert np.array_equal(shortened(values, WHOLE).astype(np.float16), values.astype(np.float16))


def test_the_net_alone_looks_at_nothing_but_its_frame() -> None:
    net = Eye(ALONE).eval()
    full, half, offsets = inputs(64, 64)
    others, smooth = full.clone(), half.clone()
    others[:, [i for i in range(len(FULL)) if i not in ALONE_FULL]] = 5
    smooth[:, [i for i in range(len(HALF)) if i not in ALONE_HALF]] = 5
    with torch.no_grad():
        assert torch.equal(net(full, half, offsets), net(others, smooth, offsets + 1))


def test_threads_do_not_change_what_the_net_says(tmp_path: Path) -> None:
    net = trained(SMALL)
    export_eye(net, tmp_path / "eye.onnx", {})
    shown = dict(zip(("full", "half", "offsets"), (x.numpy() for x in inputs(128, 160)), strict=True))
    one, two = (Net((tmp_path / "eye.onnx").read_bytes(), providers=["CPUExecutionProvider"], threads=n)(**shown) for n in (1, 2))
    assert np.array_equal(one, two)
